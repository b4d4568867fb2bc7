// Package site is an app before it is stored: it reads one from a directory or a
// ZIP archive within [Limits], and refuses what no app may have.
//
//	app, err := site.ReadFS(os.DirFS("my-app"), limits)
//	source, ok, err := app.Source(maxSource) // its handler, to compile
//	files, err := app.Store(ctx, store)      // its files, compressed
//
// What an app's files mean is here too, for whoever serves them: which are
// served ([IsServable]) and to whom ([IsPrivate]), their MIME types, the headers
// that the manifest gives them, and the encodings that they are stored in.
//
// A path is either a file's in its app, without a slash in front
// ("assets/app.js"), or a request's, cleaned and absolute ("/assets/app.js").
package site
