package site

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/fazt-sh/fazt/api"
)

// OwnsHeader reports whether an answer's header, by its canonical name, is the
// server's own to set: those that frame the answer on its connection, the request's
// id, and those by which a proxy in front is told to send a file of its own disk
// instead. Neither a manifest nor a handler sets them.
func OwnsHeader(name string) bool {
	switch name {
	case "Connection", "Content-Length", "Keep-Alive", "Trailer", "Transfer-Encoding", "Upgrade", api.RequestIDHeader,
		"X-Accel-Redirect", "X-Sendfile", "X-Lighttpd-Send-File", "X-Lighttpd-Send-Tempfile", "X-Reproxy-Url", "X-Reproxy-File":
		return true
	}
	return false
}

// isOfOneAnswer reports whether a header speaks of one answer: its body, or the
// visitor that it goes to. A handler may set it, but not a manifest, which
// speaks for many files.
func isOfOneAnswer(name string) bool {
	switch name {
	case "Content-Encoding", "Content-Range", "Content-Type", "Etag", "Last-Modified", "Set-Cookie":
		return true
	}
	return false
}

// ClearsCookies reports whether a header would take a visitor's cookies away. A
// browser then takes those of the whole domain, the other apps' and the server's own.
func ClearsCookies(name, value string) bool {
	return name == "Clear-Site-Data" && (strings.Contains(strings.ToLower(value), "cookies") || strings.Contains(value, "*"))
}

// decodeHeaders reads headers by path, and says which of them is none.
func decodeHeaders(value json.RawMessage, headers *map[string]map[string]string) error {
	var paths map[string]json.RawMessage
	if err := decode(value, &paths, `an object of paths to headers, such as {"/*": {"X-Frame-Options": "DENY"}}`); err != nil {
		return err
	}
	*headers = make(map[string]map[string]string, len(paths))
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		var fields map[string]json.RawMessage
		if err := decode(paths[path], &fields, `an object of headers, such as {"X-Frame-Options": "DENY"}`); err != nil {
			return fmt.Errorf("%q: %w", shorten(path), err)
		}
		(*headers)[path] = make(map[string]string, len(fields))
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			var text string
			if err := decode(fields[name], &text, "a string"); err != nil {
				return fmt.Errorf("%q: %q %w", shorten(path), shorten(name), err)
			}
			(*headers)[path][name] = text
		}
	}
	return nil
}

// starsWithin warns of paths such as "/*.js", which lead nobody to these headers.
func starsWithin(at string, headers map[string]map[string]string) (warnings []string) {
	for _, path := range slices.Sorted(maps.Keys(headers)) {
		if i := strings.IndexByte(path, '*'); i >= 0 && i < len(path)-1 {
			warnings = append(warnings, fmt.Sprintf("%s: headers: %q: a * stands for anything at the end alone; as it is, no path but this very one has these headers", at, shorten(path)))
		}
	}
	return warnings
}

// checkHeaders refuses headers that HTTP does not allow or that a manifest may
// not set, and more of them than an answer should carry.
func checkHeaders(headers map[string]map[string]string) error {
	if n := len(headers); n > maxPatterns {
		return fmt.Errorf("has %d paths; the limit is %d", n, maxPatterns)
	}
	for pattern, fields := range headers {
		if !strings.HasPrefix(pattern, "/") {
			return fmt.Errorf("path %q must begin with /", shorten(pattern))
		}
		if n := len(pattern); n > maxNameBytes {
			return fmt.Errorf("path %q has %d bytes; the limit is %d", shorten(pattern), n, maxNameBytes)
		}
		if n := len(fields); n > maxHeaders {
			return fmt.Errorf("path %q has %d headers; the limit is %d", shorten(pattern), n, maxHeaders)
		}
		for name, value := range fields {
			if err := checkHeader(name, value); err != nil {
				return err
			}
		}
	}
	for pattern := range headers {
		if n := answerBytes(headers, pattern); n > maxAnswerBytes {
			return fmt.Errorf("path %q has headers of %d bytes, with those of the prefixes that it is below; the limit is %d", shorten(pattern), n, maxAnswerBytes)
		}
	}
	return nil
}

// answerBytes is the most that the headers for a pattern's paths have: its own, and
// those of the prefixes that they have too.
func answerBytes(headers map[string]map[string]string, pattern string) (n int) {
	path, _ := strings.CutSuffix(pattern, "*")
	for other, fields := range headers {
		prefix, isPrefix := strings.CutSuffix(other, "*")
		if other != pattern && !(isPrefix && strings.HasPrefix(path, prefix)) {
			continue
		}
		for name, value := range fields {
			n += len(name) + len(value)
		}
	}
	return n
}

func checkHeader(name, value string) error {
	if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
		return fmt.Errorf("%q: %q is not a valid header", shorten(name), shorten(value))
	}
	if n := len(name) + len(value); n > maxHeaderBytes {
		return fmt.Errorf("%q has %d bytes; the limit is %d", shorten(name), n, maxHeaderBytes)
	}
	if name := http.CanonicalHeaderKey(name); OwnsHeader(name) || isOfOneAnswer(name) {
		return fmt.Errorf("%q is the server's own to set", name)
	} else if ClearsCookies(name, value) {
		return fmt.Errorf("%q would sign visitors out of every app of the server; leave \"cookies\" and \"*\" out", name)
	}
	return nil
}

// SetHeaders sets what the manifest gives for an absolute path. A pattern is a
// path, or a prefix that ends in *; the longer prefix wins, and a whole path
// over any.
func (m *Manifest) SetHeaders(h http.Header, path string) {
	if len(m.Headers) == 0 {
		return
	}
	var patterns []string
	for pattern := range m.Headers {
		prefix, isPrefix := strings.CutSuffix(pattern, "*")
		if pattern == path || isPrefix && strings.HasPrefix(path, prefix) {
			patterns = append(patterns, pattern)
		}
	}
	slices.SortFunc(patterns, func(a, b string) int { return cmp.Compare(weight(a), weight(b)) })
	for _, pattern := range patterns {
		for name, value := range m.Headers[pattern] {
			h.Set(name, value)
		}
	}
}

// weight orders patterns that match the same path: a heavier one wins.
func weight(pattern string) int {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return len(prefix)
	}
	return math.MaxInt
}
