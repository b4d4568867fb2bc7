package fazt

import (
	"html/template"
	"net/http"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth"
)

// notFound answers 404 as the client would like it: a page for a person, JSON
// for a program. It repeats nothing of the request.
func notFound(w http.ResponseWriter, r *http.Request) {
	if auth.WantsPage(r) {
		writePage(w, http.StatusNotFound, "Not found", "There is nothing at this address.")
		return
	}
	api.WriteError(w, &api.Error{Status: http.StatusNotFound, Code: "NOT_FOUND", Message: "there is nothing at this address"})
}

var pageTemplate = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<style>
:root { color-scheme: light dark; --ink: #1d2433; --soft: #566074; --paper: #fbfaf7 }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaf0; --soft: #a3abbd; --paper: #14171f } }
body { margin: 0; min-height: 100vh; display: grid; place-content: center; background: var(--paper); color: var(--ink);
  font: 1.0625rem/1.6 system-ui, sans-serif }
main { max-width: 32rem; padding: 2rem }
h1 { font-size: 1.75rem; font-weight: 600; margin: 0 0 .5rem }
p { margin: 0; color: var(--soft) }
</style>
<main>
<h1>{{.Title}}</h1>
<p>{{.Text}}</p>
</main>
</html>
`))

// writePage sends one of the server's own plain pages.
func writePage(w http.ResponseWriter, status int, title, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	w.WriteHeader(status)
	// A visitor that has gone is the only way for this to fail.
	_ = pageTemplate.Execute(w, struct{ Title, Text string }{title, text})
}
