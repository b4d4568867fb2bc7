package fazt

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/fazt-sh/fazt/storage"
)

// manifest is an app's manifest.json.
type manifest struct {
	Name    string                       `json:"name,omitempty"`
	SPA     bool                         `json:"spa,omitempty"`
	Engine  string                       `json:"engine,omitempty"`
	Timeout duration                     `json:"timeout,omitzero"`
	Indexes map[string][]string          `json:"indexes,omitempty"`
	Headers map[string]map[string]string `json:"headers,omitempty"`
}

// duration is a time.Duration that reads and prints as "5s".
type duration time.Duration

func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil || v <= 0 {
		return errors.New(`must be a positive duration such as "5s"`)
	}
	*d = duration(v)
	return nil
}

// parseManifest reads manifest.json strictly: what it does not know it refuses,
// since a misspelt key would otherwise do nothing without a word.
func parseManifest(text []byte) (manifest, error) {
	var m manifest
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
			return m, at(offset, "%s: given twice", key)
		}
		seen[key] = true
		if err := m.set(key, value); err != nil {
			return m, at(offset, "%s: %v", key, err)
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

// set takes one key's value.
func (m *manifest) set(key string, value json.RawMessage) error {
	decode := func(target any, want string) error {
		if err := json.Unmarshal(value, target); err != nil || string(value) == "null" {
			return fmt.Errorf("must be %s, not %s", want, value)
		}
		return nil
	}
	switch key {
	case "name":
		if err := decode(&m.Name, "a string"); err != nil {
			return err
		}
		name, err := cleanName(m.Name)
		m.Name = name
		return err
	case "spa":
		return decode(&m.SPA, "true or false")
	case "engine":
		if err := decode(&m.Engine, "a string"); err != nil {
			return err
		}
		if engines := []string{"auto", "otto", "goja"}; !slices.Contains(engines, m.Engine) {
			return fmt.Errorf("must be one of %s, not %q", strings.Join(engines, ", "), m.Engine)
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

func checkHeaders(headers map[string]map[string]string) error {
	for pattern, fields := range headers {
		if !strings.HasPrefix(pattern, "/") {
			return fmt.Errorf("path %q must begin with /", pattern)
		}
		for name, value := range fields {
			if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
				return fmt.Errorf("%q: %q is not a valid header", name, value)
			}
			switch http.CanonicalHeaderKey(name) {
			case "Content-Length", "Content-Encoding", "Content-Type", "Content-Range", "Transfer-Encoding", "Connection", "Keep-Alive",
				"Trailer", "Upgrade", "Etag", "Last-Modified", "Set-Cookie", requestIDHeader:
				return fmt.Errorf("%q is the server's own to set", name)
			}
		}
	}
	return nil
}

func weight(pattern string) int {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return len(prefix)
	}
	return math.MaxInt
}

// addHeaders sets what the manifest gives for an absolute path. A pattern is a
// path, or a prefix that ends in *; the longer prefix wins, and a whole path
// over any.
func (m *manifest) addHeaders(h http.Header, path string) {
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
