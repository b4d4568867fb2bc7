// Package routing reads tables of requests and of the answers that a server must give
// to them. A table is a text that says what is deployed and what is then asked:
//
//	domain example.com
//	alias shop app site
//
//	# A comment. A request is its method, host and target, as they are on the wire.
//	GET site.example.com /about?q=1 -> 200 @site/about.html
//	  > Accept-Encoding: gzip
//	  < Content-Type: text/html; charset=utf-8
//	  < Content-Encoding:
//	GET site.example.com "/a b" -> 400
//
//	-- site/index.html --
//	<h1>Home</h1>
//	-- site/about.html --
//	<h1>About</h1>
//
// Lines before the first request set the server up: "domain NAME", "home APP", and
// "alias" with its words, which are the test's to understand. Lines that are
// indented belong to the request above them: ">" is a header that it has, "<" one that
// the answer must have, several of a name joined by a comma and a space; without a
// value, the answer must not have it.
//
// After the status there may be what the body must be: "@app/path" is a file of the
// table, a Go string in quotes is itself, and ~ before one means that the body
// contains it. A host or a target in quotes is a Go string, too: "-" as a host sends
// no Host header. {etag app/path} and {etag app/path gzip} in a header stand for the
// ETag of a file, and of its form in a content coding.
//
// The files of apps follow, in the form of [golang.org/x/tools/txtar]: app/path, or
// app@2/path for those of its second version. A file whose name ends in "=hex" has
// its bytes in hexadecimal, and in "=times N" its text N times.
package routing
