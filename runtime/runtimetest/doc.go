// Package runtimetest proves that an engine behaves as package runtime promises:
// one suite for all engines, so that a handler can't tell which one it is on.
//
//	func TestEngine(t *testing.T) {
//		runtimetest.Conformance(t, myjs.New())
//		runtimetest.Hostile(t, myjs.New())
//		runtimetest.Isolation(t, myjs.New())
//	}
//
// The conformance cases are text files in testdata, with any number of cases:
//
//	=== name of the case
//	-- request --
//	POST /api/items?page=2
//	Content-Type: application/json
//
//	{"a": 1}
//	-- api/main.js --
//	respond(201, request.body)
//	-- response --
//	201 application/json
//	{"a":1}
//	-- log --
//	info a line
//	-- error --
//	HANDLER_ERROR api/main.js:3:7 a part of the text
//
// A request is GET /api without the section. A case has a response or an error,
// and its log is compared when it has the section.
//
// The hostile handlers and the attempts on isolation are files of their own, in
// testdata/hostile and testdata/isolation. A comment before the first empty line
// tells what they are about, which error code a hostile one has to end with, and
// for which engine it is if it isn't for all:
//
//	// a comparator that never ends
//	// want: BUDGET_CPU
//	// engine: goja
//
//	[3, 2, 1].sort(() => { for (;;) ; })
//
// Text that is too long to be written down is made by a template (text/template,
// between <% and %>), with repeat and labels as functions.
package runtimetest
