// Package cases reads requests and the answers that a server must give to them, as text.
// It imports nothing of fazt: the tables of [Files] are what fazt's own suites ask, and
// another implementation may ask the same. README.md defines the format, for readers in
// other languages; this is what it looks like:
//
//	# What is asked of files.
//	check files/etag
//	GET site /about?q=1 -> 200 @site/about.html
//	  > Accept-Encoding: gzip
//	  < Content-Type: text/html; charset=utf-8
//	  < Content-Encoding:
//	GET site /about -> 304
//	  > If-None-Match: {etag site/about.html}
//
//	check files/methods
//	POST site /about -> 405
//	  >> "a body"
//	  <~ Allow: GET
//
//	-- site/about.html --
//	<h1>About</h1>
//
// [Load] reads a table, and a [Sender] sends its cases, each on a connection of its own,
// and says what is not as it must be.
package cases

import (
	"embed"
	"io/fs"
)

//go:embed *.txt
var files embed.FS

// Files are the tables of fazt's suites. A name begins with the suite's: requests-*.txt.
func Files() fs.FS { return files }
