package gojajs

// OwnFunctions are those that may be called without a use of their object's value.
var OwnFunctions = ownFunctions

// WithoutArrays are the globals by which alone nobody gets an array, and
// ArraysOfTexts the natives that make them of what isn't one.
var (
	WithoutArrays = withoutArrays
	ArraysOfTexts = arraysOfTexts
)
