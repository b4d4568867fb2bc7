package site

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
)

// Manifest is what configures an app: its fazt.json, or manifest.json without one. Its
// JSON form is what is stored with each version. The zero Manifest is that of an app
// without the file.
type Manifest struct {
	// Name is the app's name where a deploy gives none, as [CleanName] returns it.
	Name string `json:"name,omitempty"`
	// SPA answers a path without a file and without an extension by index.html.
	SPA bool `json:"spa,omitempty"`
	// Engine runs the handler: "otto", "goja", or "auto", which "" stands for.
	Engine string `json:"engine,omitempty"`
	// Timeout bounds each run of the handler. Zero leaves the server's limit.
	Timeout Duration `json:"timeout,omitzero"`
	// Indexes are the indexed fields of documents, as dotted paths by collection.
	Indexes map[string][]string `json:"indexes,omitempty"`
	// Headers are response headers by path, or by a prefix of it that ends in *.
	Headers map[string]map[string]string `json:"headers,omitempty"`
	// Types are MIME types by extension (".glb"), in lower case, or by path ("/feed").
	Types map[string]string `json:"types,omitempty"`
	// Routes are the paths beside /api that the handler answers when no file does, before
	// SPA: "/feed.xml", "/s/{code}". See [Manifest.Route].
	Routes []string `json:"routes,omitempty"`
	// Origins are the other sites whose pages may send the handler what changes something,
	// and read its answers: "https://example.org", in lower case.
	Origins []string `json:"origins,omitempty"`

	// ServesManifest says that manifest.json is a file like any other: a web app
	// manifest, for browsers.
	ServesManifest bool `json:"serves_manifest,omitempty"`
}

// What a manifest may hold. All of it is read, and most of it kept in memory, for
// each version that is served. For its indexes see [storage.CheckIndexes].
const (
	maxManifest    = 64 << 10 // bytes
	maxPatterns    = 64       // of paths with headers
	maxHeaders     = 32       // of one path
	maxHeaderBytes = 4 << 10  // of one value
	maxAnswerBytes = 16 << 10 // of all that one answer has: more than most proxies take
	maxTypes       = 256
	maxType        = 256 // bytes of one
)

// Duration is a time.Duration that reads and prints as "5s".
type Duration time.Duration

// MarshalText implements [encoding.TextMarshaler].
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]. It refuses what is not
// positive.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil || v <= 0 {
		return errors.New(`must be a positive duration such as "5s"`)
	}
	*d = Duration(v)
	return nil
}

// TypeOf returns a file's MIME type, and the content coding that its bytes are in
// already, see [Precompressed].
func (m *Manifest) TypeOf(name string) (mimeType, coding string) {
	if t, ok := m.Types["/"+name]; ok {
		_, coding := Precompressed(name)
		return t, coding
	}
	inner, coding := Precompressed(name)
	if t, ok := m.Types[strings.ToLower(path.Ext(inner))]; ok {
		return t, coding
	}
	return MIMEType(inner), coding
}

// IsServable reports whether a cleaned path may name a file of the app that is served.
func (m *Manifest) IsServable(p string) bool {
	return IsServable(p) && (p != "/"+ManifestPath || m.ServesManifest)
}

// ParseManifest reads what configures an app, strictly: a value of another type than
// is wanted, and a key that is given twice, are errors. A key that it does not know is
// a warning, since it does nothing. Both begin with the file and the line:
// "fazt.json:3:". It may have 64 KiB.
func ParseManifest(file string, text []byte) (m Manifest, warnings []string, err error) {
	if err := checkManifestSize(file, int64(len(text))); err != nil {
		return m, nil, err
	}
	entries, err := readObject(file, text)
	if err != nil {
		return m, nil, err
	}
	if file == ManifestPath && isOthers(entries) {
		return Manifest{ServesManifest: true}, aboutOthers(entries), nil
	}
	for _, e := range entries {
		if !slices.Contains(knownKeys, e.key) {
			warnings = append(warnings, e.at+": "+unknownKey(e.key))
		} else if err := m.set(e.key, e.value); err != nil {
			return m, nil, fmt.Errorf("%s: %s: %w", e.at, shorten(e.key), err)
		} else if e.key == "headers" {
			warnings = append(warnings, starsWithin(e.at, m.Headers)...)
		}
	}
	return m, fewer(warnings), nil
}

// entry is one key of a JSON object.
type entry struct {
	at    string // file:line
	key   string
	value json.RawMessage
}

// readObject reads a JSON object's entries in their order.
func readObject(file string, text []byte) (entries []entry, err error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	dec := json.NewDecoder(bytes.NewReader(text))
	place := func(offset int64) string {
		return fmt.Sprintf("%s:%d", file, 1+bytes.Count(text[:min(offset, int64(len(text)))], []byte("\n")))
	}
	broken := func(error) error { // a decoder's offset is another than that of the whole text's
		var whole json.RawMessage
		offset, reason := runtime.ExplainJSON(text, json.Unmarshal(text, &whole))
		_, column := runtime.PlaceIn(text, offset)
		return fmt.Errorf("%s: not valid JSON: %s (column %d)", place(int64(offset)), reason, column)
	}
	if start, err := dec.Token(); err != nil {
		return nil, broken(err)
	} else if start != json.Delim('{') {
		return nil, fmt.Errorf("%s: must be a JSON object", place(0))
	}
	seen := make(map[string]bool)
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, broken(err)
		}
		e := entry{key: token.(string), at: place(dec.InputOffset())}
		if err := dec.Decode(&e.value); err != nil {
			return nil, broken(err)
		}
		if seen[e.key] {
			return nil, fmt.Errorf("%s: %s: given twice", e.at, shorten(e.key))
		}
		seen[e.key] = true
		entries = append(entries, e)
	}
	if _, err := dec.Token(); err != nil {
		return nil, broken(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: text after the closing brace", place(dec.InputOffset()))
	}
	return entries, nil
}

func checkManifestSize(file string, size int64) error {
	if size > maxManifest {
		return fmt.Errorf("%s:1: has %d bytes; the limit is %d", file, size, maxManifest)
	}
	return nil
}

// set takes a known key's value.
func (m *Manifest) set(key string, value json.RawMessage) error {
	switch key {
	case "name":
		if err := decode(value, &m.Name, "a string"); err != nil {
			return err
		}
		name, err := CleanName(m.Name)
		m.Name = name
		return err
	case "spa":
		return decode(value, &m.SPA, "true or false")
	case "engine":
		if err := decode(value, &m.Engine, "a string"); err != nil {
			return err
		}
		if engines := []string{"auto", "otto", "goja"}; !slices.Contains(engines, m.Engine) {
			return fmt.Errorf("must be one of %s, not %q", strings.Join(engines, ", "), shorten(m.Engine))
		}
		return nil
	case "timeout":
		return decode(value, &m.Timeout, `a positive duration such as "5s"`)
	case "indexes":
		if err := decode(value, &m.Indexes, `an object of lists of fields, such as {"items": ["owner"]}`); err != nil {
			return err
		}
		return storage.CheckIndexes("", m.Indexes)
	case "headers":
		if err := decodeHeaders(value, &m.Headers); err != nil {
			return err
		}
		return checkHeaders(m.Headers)
	case "types":
		if err := decode(value, &m.Types, `an object of extensions or paths to types, such as {".glb": "model/gltf-binary"}`); err != nil {
			return err
		}
		return m.cleanTypes()
	case "routes":
		if err := decode(value, &m.Routes, `a list of paths, such as ["/s/{code}", "/feed.xml"]`); err != nil {
			return err
		}
		return checkRoutes(m.Routes)
	case "origins":
		if err := decode(value, &m.Origins, `a list of sites, such as ["https://example.org"]`); err != nil {
			return err
		}
		return cleanOrigins(m.Origins)
	}
	return nil // of interest to others: version, description, author
}

func decode(value json.RawMessage, target any, want string) error {
	if err := json.Unmarshal(value, target); err != nil || string(value) == "null" {
		return fmt.Errorf("must be %s, not %s", want, shorten(string(value)))
	}
	return nil
}

// cleanTypes refuses what is no type, and puts extensions into lower case.
func (m *Manifest) cleanTypes() error {
	if n := len(m.Types); n > maxTypes {
		return fmt.Errorf("has %d entries; the limit is %d", n, maxTypes)
	}
	clean := make(map[string]string, len(m.Types))
	for name, value := range m.Types {
		switch {
		case len(name) > maxNameBytes:
			return fmt.Errorf("%q: has %d bytes; the limit is %d", shorten(name), len(name), maxNameBytes)
		case strings.HasPrefix(name, ".") && !strings.ContainsAny(name[1:], "./") && len(name) > 1:
			name = strings.ToLower(name)
		case !strings.HasPrefix(name, "/"):
			return fmt.Errorf(`%q: must be an extension such as ".glb" or a path such as "/feed"`, shorten(name))
		}
		kind, _, err := mime.ParseMediaType(value)
		if err != nil || !strings.Contains(kind, "/") || len(value) > maxType || !httpguts.ValidHeaderFieldValue(value) {
			return fmt.Errorf("%q: %q is not a MIME type", shorten(name), shorten(value))
		}
		clean[name] = value
	}
	m.Types = clean
	return nil
}

// shorten is as much of an author's text as an error says again.
func shorten(text string) string {
	const most = 100
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}
