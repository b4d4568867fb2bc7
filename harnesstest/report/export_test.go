package report

// The statistics, for their tests.
var (
	MannWhitney   = mannWhitney
	UDistribution = uDistribution
	Ratio         = ratio
	Adjusted      = adjusted
)
