package report

// The statistics, for their tests.
var (
	MannWhitney   = mannWhitney
	UDistribution = uDistribution
	Ratio         = ratio
	Adjusted      = adjusted
)

// OtherWork is a report's note on a busy machine.
var OtherWork = otherWork
