// Package js is what the engines of package runtime share: the rules for JSON,
// console text, responses, requests, require and URLs, written once over values
// that only an engine knows. An engine lends its values by a [Reader], and has
// some made by a [Builder].
//
// It is internal, as package runtime says why, and runtime doesn't import it.
package js
