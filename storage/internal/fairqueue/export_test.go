package fairqueue

// MaxFlows is how many apps are remembered while they have no request waiting.
const MaxFlows = maxFlows
