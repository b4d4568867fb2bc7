// Package bundle makes today's JavaScript and TypeScript, with packages from npm, into
// what a server runs: in the command before an upload, or in a Go program before
// [github.com/fazt-sh/fazt.Server.Deploy].
//
//	made, err := bundle.Bundle(ctx, os.DirFS("my-app"))
//	if err == nil && made != nil {
//		maps.Copy(files, made.Files)
//	}
//
// A handler that is an ES module (api/main.ts, .mts, .tsx, .mjs or .js with export
// default) becomes one program, api/main.js, with all that it imports: files of the app,
// and packages below node_modules, of which it has only the parts that are used. A
// script or a CommonJS file stays what it is, file by file, since a script has forms that
// don't survive in a bundle; types and import statements are taken out of it, and the
// packages that it requires are put into one program beside it, api/node_modules.js. An
// app that needs none of this is not touched.
//
// Types are stripped, not checked: run tsc --noEmit for that.
//
// # What it refuses
//
// What can't run is an error with file, line and column, before anything is uploaded: a
// package that isn't installed, a module of Node's own, a global that handlers don't
// have. For a package, the last is certain only where its own code fails while it is
// loaded, so that is tried, in an interpreter with nothing to reach.
//
// Each file is measured before esbuild parses it, which recurses on the stack of Go and
// takes a time that grows with the cube of how deep functions nest: source in which
// anything nests deeper than 200 levels is refused, and so are more than 4 MiB in a file,
// 32 MiB in all, or 5,000 files. A server should bundle nothing that strangers upload all
// the same, and fazt's doesn't.
//
// This package links esbuild, which the root package of fazt doesn't.
package bundle
