// Package numbers does what ECMAScript says of numbers and texts, which Go's strconv and
// the engines do otherwise: StringToNumber, ToInt32, and Number.prototype's toString,
// toFixed, toPrecision and toExponential.
package numbers
