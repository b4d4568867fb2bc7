// Package gojajs runs handlers on goja: newer JavaScript than ES5, promises, and
// two to twenty times the speed of otto where a handler computes.
//
//	r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{ottojs.New(), gojajs.New()}})
//
// A program is compiled once, and every request gets an interpreter of its own,
// which costs a microsecond: goja makes nothing of the standard library before
// it is used, and this package makes nothing of the host, the request or the
// web's globals before the program names it. So isolation needs nothing else.
//
// # How a run is stopped
//
// goja can be interrupted between any two instructions, and no catch or finally
// holds on to that. Functions and loops begin with a checkpoint besides, where a
// run can be made to wait for its slot. Neither works inside a native function,
// and some run as long as a length says, or overflow the Go stack, which would
// end the process. Those are guarded, see features.go: only the ones that a
// program can reach, which follows from the names in its text. What bounds each
// native of the language is in testdata/natives.txt.
//
// Regular expressions run on RE2, in linear time, where that gives the standard's
// answer; see the package esregexp for the others, which backtrack, past checkpoints.
//
// What the language has had since goja was made to follow it is in newer/, a file for
// what belongs together, which a run loads when it first names something of it.
//
// # What is different from Node
//
// There is no eval, no Function constructor and no with; no Proxy.revocable and
// no RegExp.prototype.compile; no typed arrays of bigints; code is sloppy unless
// it says 'use strict'. goja has no WeakRef and no ES modules; an asynchronous
// generator has no super. An arrow function in a function's parameters can't use the
// arguments of that function. A Symbol.toPrimitive has to be a method, or a function that is
// written where it is set. The name of a function of the language can be defined as
// a short text, and not deleted; names in the program have at most 1,024 characters.
// A text of a hexadecimal number past 2^63 is NaN. Elements of typed arrays take a number
// past 2^63 for 0. 0 times a negative whole number is 0, not -0.
// A program that takes bigints from a DataView names the method in its text. Bigints have at most 1,048,576 bits, and arrays that
// natives walk through at most one element for each 32 bytes of the run's memory.
package gojajs
