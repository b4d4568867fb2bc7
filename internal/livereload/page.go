package livereload

import (
	"crypto/rand"
	"fmt"
	"html"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// Page is the ResponseWriter of an answer that may be a page. To one that is it adds the
// script, and lets that through the page's Content-Security-Policy. Close it.
type Page struct {
	http.ResponseWriter
	base  string // of the script's address, with a slash at the end
	tag   string
	nonce string
	adds  bool
	began bool
}

// NewPage returns a Page on w. base is the URL that the script and its stream are below,
// with a slash at its end; version is what [Problems.Serve] calls the version that
// answers.
func NewPage(w http.ResponseWriter, base, version string) *Page {
	p := &Page{ResponseWriter: w, base: base, nonce: rand.Text()}
	p.tag = fmt.Sprintf("\n<script src=\"%s\" data-version=\"%s\" nonce=\"%s\"></script>\n",
		html.EscapeString(base+ScriptName), html.EscapeString(version), p.nonce)
	return p
}

// WriteHeader adds what the script needs to the headers of a page.
func (p *Page) WriteHeader(status int) {
	if status >= 200 && !p.began {
		p.began = true
		if p.adds = p.isPage(status); p.adds {
			p.prepare()
		}
	}
	p.ResponseWriter.WriteHeader(status)
}

func (p *Page) Write(b []byte) (int, error) {
	if !p.began {
		p.WriteHeader(http.StatusOK)
	}
	return p.ResponseWriter.Write(b)
}

// Close ends the page, with the script after its last byte, where it runs in every
// document.
func (p *Page) Close() {
	if p.adds {
		_, _ = p.ResponseWriter.Write([]byte(p.tag)) // to a browser that may have gone
	}
}

// Unwrap is for http.ResponseController.
func (p *Page) Unwrap() http.ResponseWriter { return p.ResponseWriter }

func (p *Page) isPage(status int) bool {
	h := p.Header()
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	_, attached := h["Content-Disposition"]
	switch status {
	case http.StatusNoContent, http.StatusResetContent, http.StatusPartialContent, http.StatusNotModified:
		return false
	}
	return kind == "text/html" && h.Get("Content-Encoding") == "" && !attached
}

func (p *Page) prepare() {
	h := p.Header()
	for _, name := range []string{"Etag", "Last-Modified", "Accept-Ranges"} { // these are not the app's bytes
		h.Del(name)
	}
	h.Set("Cache-Control", "no-store")
	if n, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64); err == nil {
		h.Set("Content-Length", strconv.FormatInt(n+int64(len(p.tag)), 10))
	}
	policies := h.Values("Content-Security-Policy")
	for i, policy := range policies {
		policies[i] = p.let(policy)
	}
}

// let adds to each of the policies in a header what lets the script run and hear.
func (p *Page) let(header string) string {
	policies := strings.Split(header, ",")
	for i, text := range policies {
		d := parsePolicy(text)
		script := []string{p.base + ScriptName}
		if d.has("'strict-dynamic'") { // beside which addresses do not count
			script = append(script, "'nonce-"+p.nonce+"'")
		}
		d = d.add(script, "script-src-elem", "script-src", "default-src")
		d = d.add([]string{p.base + StreamName}, "connect-src", "default-src")
		policies[i] = d.String()
	}
	return strings.Join(policies, ", ")
}

// directives are those of one policy: a name and its sources each. See
// https://www.w3.org/TR/CSP3/#parse-serialized-policy.
type directives [][]string

func parsePolicy(text string) (d directives) {
	for part := range strings.SplitSeq(text, ";") {
		if fields := strings.Fields(part); len(fields) > 0 {
			d = append(d, fields)
		}
	}
	return d
}

func (d directives) String() string {
	parts := make([]string, len(d))
	for i, fields := range d {
		parts[i] = strings.Join(fields, " ")
	}
	return strings.Join(parts, "; ")
}

func (d directives) has(source string) bool {
	for _, fields := range d {
		for _, f := range fields {
			if strings.EqualFold(f, source) {
				return true
			}
		}
	}
	return false
}

// add lets sources through the first of the directives that is there. To default-src,
// which is of more than this, it is not added: names[0] is made of it.
func (d directives) add(sources []string, names ...string) directives {
	for _, name := range names {
		for i, fields := range d {
			if !strings.EqualFold(fields[0], name) {
				continue
			}
			kept := []string{fields[0]}
			for _, f := range fields[1:] {
				if !strings.EqualFold(f, "'none'") {
					kept = append(kept, f)
				}
			}
			kept = append(kept, sources...)
			if strings.EqualFold(name, "default-src") {
				kept[0] = names[len(names)-2]
				return append(d, kept)
			}
			d[i] = kept
			return d
		}
	}
	return d
}
