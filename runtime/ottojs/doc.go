// Package ottojs runs handlers on otto, an interpreter of ES5.
//
// otto is made for trusted scripts: it can only be interrupted by a panic,
// which JavaScript can catch, it knows no memory limit, and whatever a script
// does to a global stays. This is how the package deals with it.
//
// # Stopping
//
// The syntax tree of each file is instrumented after parsing: a debugger
// statement stands at the start of every function and every loop body, and the
// VM's debugger handler is the checkpoint. The handler is called like any Go
// function, which is several times cheaper than calling a function from
// JavaScript; it has no name that code could find, shadow or forge; and neither
// positions nor Function.prototype.toString show anything of it. Instrumented
// trees are shared by all VMs; otto compiles them once in each VM.
//
// # Natives
//
// Natives run from start to end without a checkpoint, so those that walk a
// length, build a text or match a pattern are replaced or wrapped in prelude.js:
// they refuse lengths that no array within the run's memory has, count bytes
// before they build, and take the language's own steps, in which checkpoints
// are, where otto's would take quadratic time. Two of these are reached by an
// assignment rather than a call: array.length = n, and an own property with the
// name of an inherited one, which is read-only here. Assignments whose property
// may be such a one are rewritten to go through a check; the secret functions
// that do it are bound to identifiers with a space in them.
//
// Regular expressions run on RE2, in linear time, where that gives the standard's
// answer, and backtrack past checkpoints where it does not; the length of the text
// times the size of the pattern is bounded. Code can't be made at run time.
//
// # Reuse
//
// Making a VM takes milliseconds, a run microseconds. So VMs are used again, and
// nothing of a request may stay: code runs in a function, all objects that are
// there from one request to the next are frozen (see hardenAll), also those that
// only a callback's caller property leads to, and globals that a run made are
// deleted after it. A VM that was stopped, or that a global stays in, is dropped.
//
// # Errors
//
// The main file has a try statement around it, as otto would turn what is thrown
// into a text.
//
// # Language
//
// What otto can't do as its author means it is refused when a program is
// loaded, with the place, so that another engine can take it: anything newer
// than ES5, a free reference to a global that only goja has, 'use strict', with,
// and regular expressions that RE2 lacks or takes for others. Where another engine
// can be chosen, so are patterns in texts, changes of standard objects (see
// globals.go), and what may take half of a surrogate pair (see halves.go), which
// strings can't hold: it becomes U+FFFD. The standard library is ES5 with what ES2015
// to ES2024 added to Object, Array, String, Number and Math, as far as ES5 can
// express it. Bytes are Bytes objects
// with length, at, slice and toString('utf8' | 'base64' | 'hex').
//
// Where otto's order of evaluation, its for...in, its labels or its keys are not the
// language's, the syntax tree is rewritten in terms that it gets right (see
// order.go, keys.go and indexes.go).
//
// Numbers and dates are ours where otto's differ from the language. otto reads a text in
// arithmetic as Go does ('1_0' is 10), so operands that may be texts go through a function
// first, see arithmetic.go. An invalid Date can't be made valid by a setter, which throws.
package ottojs
