package harnesstest

// Suites are the suites of this package, each of which has a function of its name.
func Suites() []Suite {
	return []Suite{
		BaselineSuite(),
		RequestsSuite(),
		NeighboursSuite(),
		ResilienceSuite(),
		SecuritySuite(),
	}
}
