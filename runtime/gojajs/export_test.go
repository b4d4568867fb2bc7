package gojajs

// OwnFunctions are those that may be called without a use of their object's value.
var OwnFunctions = ownFunctions
