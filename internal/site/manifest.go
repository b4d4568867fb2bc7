package site

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

// Manifest is an app's manifest.json. Its JSON form is what is stored with each
// version. The zero Manifest is that of an app without the file.
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
}

// What a manifest may hold. All of it is read, and most of it kept in memory, for
// each version that is served. For its indexes see [storage.CheckIndexes].
const (
	maxManifest    = 64 << 10 // bytes
	maxPatterns    = 64       // of paths with headers
	maxHeaders     = 32       // of one path
	maxHeaderBytes = 4 << 10  // of one value
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

// ParseManifest reads manifest.json strictly: what it does not know it refuses,
// since a misspelt key would otherwise do nothing without a word. An error
// begins with "manifest.json:" and the line. It may have 64 KiB.
func ParseManifest(text []byte) (Manifest, error) {
	var m Manifest
	if err := checkManifestSize(int64(len(text))); err != nil {
		return m, err
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	dec := json.NewDecoder(bytes.NewReader(text))
	at := func(offset int64, format string, args ...any) error {
		line := 1 + bytes.Count(text[:min(offset, int64(len(text)))], []byte("\n"))
		return fmt.Errorf("manifest.json:%d: %s", line, fmt.Sprintf(format, args...))
	}
	broken := func(err error) error {
		offset := dec.InputOffset()
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			offset = syntax.Offset
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			offset, err = int64(len(text)), errors.New("unexpected end of file")
		}
		return at(offset, "not valid JSON: %v", err)
	}
	if start, err := dec.Token(); err != nil {
		return m, broken(err)
	} else if start != json.Delim('{') {
		return m, at(0, "must be a JSON object")
	}
	seen := make(map[string]bool)
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return m, broken(err)
		}
		key, offset := token.(string), dec.InputOffset()
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return m, broken(err)
		}
		if seen[key] {
			return m, at(offset, "%s: given twice", shorten(key))
		}
		seen[key] = true
		if err := m.set(key, value); err != nil {
			return m, at(offset, "%s: %v", shorten(key), err)
		}
	}
	if _, err := dec.Token(); err != nil {
		return m, broken(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return m, at(dec.InputOffset(), "text after the closing brace")
	}
	return m, nil
}

func checkManifestSize(size int64) error {
	if size > maxManifest {
		return fmt.Errorf("manifest.json:1: has %d bytes; the limit is %d", size, maxManifest)
	}
	return nil
}

// set takes one key's value.
func (m *Manifest) set(key string, value json.RawMessage) error {
	decode := func(target any, want string) error {
		if err := json.Unmarshal(value, target); err != nil || string(value) == "null" {
			return fmt.Errorf("must be %s, not %s", want, shorten(string(value)))
		}
		return nil
	}
	switch key {
	case "name":
		if err := decode(&m.Name, "a string"); err != nil {
			return err
		}
		name, err := CleanName(m.Name)
		m.Name = name
		return err
	case "spa":
		return decode(&m.SPA, "true or false")
	case "engine":
		if err := decode(&m.Engine, "a string"); err != nil {
			return err
		}
		if engines := []string{"auto", "otto", "goja"}; !slices.Contains(engines, m.Engine) {
			return fmt.Errorf("must be one of %s, not %q", strings.Join(engines, ", "), shorten(m.Engine))
		}
		return nil
	case "timeout":
		return decode(&m.Timeout, `a positive duration such as "5s"`)
	case "indexes":
		if err := decode(&m.Indexes, `an object of lists of fields, such as {"items": ["owner"]}`); err != nil {
			return err
		}
		return storage.CheckIndexes("", m.Indexes)
	case "headers":
		if err := decode(&m.Headers, `an object of paths to headers, such as {"/*": {"X-Frame-Options": "DENY"}}`); err != nil {
			return err
		}
		return checkHeaders(m.Headers)
	}
	return errors.New("unknown key; known are name, spa, engine, timeout, indexes, headers")
}

// shorten is as much of an author's text as an error says again.
func shorten(text string) string {
	const most = 100
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}
