// Package sourcemap finds what a place in a file that was made stands for in the
// author's source. It reads maps that strangers may have written: what a map takes is
// bounded by how long it is, and one that is wrong is refused.
//
// The format is https://tc39.es/ecma426/.
package sourcemap

import (
	"encoding/json"
	"errors"
	"path"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxBytes is how long a map may be: the text of the source, and its places.
const MaxBytes = 8 << 20

// Map is a source map, ready for look-ups.
type Map struct {
	sources  []string
	content  []*string
	mappings string
	marks    []mark
}

// mark is a place in the mappings from which they can be read: of the made file's line
// and column, and what the numbers are relative to.
type mark struct {
	line, column int32 // counted from 0
	at           int32
	state        state
}

// between is how many steps there are from one mark to the next, so that a look-up is as
// short in one line of megabytes as in many lines.
const between = 256

type state struct{ source, line, column int32 }

// Place is a place in the author's source, counted from 1.
type Place struct {
	File         string
	Line, Column int
}

// Errors of maps that can't be used.
var (
	errTooLong  = errors.New("the source map is too long")
	errFormat   = errors.New("the source map isn't one of version 3")
	errSections = errors.New("the source map has sections")
	errMappings = errors.New("the source map has malformed places")
	errSources  = errors.New("the source map names files that can't be shown")
)

// maxName is how long the name of a file may be, in bytes.
const maxName = 1024

// Parse reads a map of a file at a path, from which its sources are named.
func Parse(file, text string) (*Map, error) {
	if len(text) > MaxBytes {
		return nil, errTooLong
	}
	var raw struct {
		Version    int
		SourceRoot string
		Sources    []*string
		Content    []*string `json:"sourcesContent"`
		Mappings   string
		Sections   json.RawMessage
	}
	if json.Unmarshal([]byte(text), &raw) != nil || raw.Version != 3 {
		return nil, errFormat
	}
	if raw.Sections != nil {
		return nil, errSections
	}
	m := &Map{content: raw.Content, mappings: raw.Mappings}
	names := 0 // bytes of all, as each has the root before it
	for _, s := range raw.Sources {
		name := ""
		if s != nil {
			if names += len(file) + len(raw.SourceRoot) + len(*s); names > MaxBytes {
				return nil, errSources
			}
			name = sourceName(file, raw.SourceRoot, *s)
		}
		if len(name) > maxName || !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return nil, errSources
		}
		m.sources = append(m.sources, name)
	}
	if err := m.index(); err != nil {
		return nil, err
	}
	return m, nil
}

// sourceName is what a source is called in the app.
func sourceName(file, root, source string) string {
	if i := strings.Index(source, "://"); i >= 0 { // such as webpack's
		return strings.TrimLeft(path.Clean("/"+source[i+3:]), "/")
	}
	name := path.Join(path.Dir(file), root, source)
	for strings.HasPrefix(name, "../") {
		name = name[3:]
	}
	return strings.TrimPrefix(name, "/")
}

// index reads all once, and leaves marks.
func (m *Map) index() error {
	d := decoder{text: m.mappings}
	var at mark
	for n := 0; d.pos < len(d.text); n++ {
		if n%between == 0 {
			at.at = int32(d.pos)
			m.marks = append(m.marks, at)
		}
		if _, ok := d.step(&at); !ok {
			return errMappings
		}
	}
	return nil
}

// decoder reads the numbers of mappings.
type decoder struct {
	text string
	pos  int
}

// step reads up to the end of a line, a comma or a place, and says whether that is of a
// source.
func (d *decoder) step(at *mark) (mapped, ok bool) {
	switch d.text[d.pos] {
	case ';':
		d.pos++
		at.line, at.column = at.line+1, 0
		return false, true
	case ',':
		d.pos++
		return false, true
	}
	by, mapped, ok := d.segment(&at.state)
	at.column += by
	return mapped, ok
}

// segment reads one place: how far behind the last it is in the made file, and, unless
// it is of no source, what it stands for.
func (d *decoder) segment(s *state) (column int32, mapped, ok bool) {
	var n [5]int32
	i := 0
	for d.pos < len(d.text) && d.text[d.pos] != ',' && d.text[d.pos] != ';' {
		if i == len(n) {
			return 0, false, false
		}
		if n[i], ok = d.number(); !ok {
			return 0, false, false
		}
		i++
	}
	switch i {
	case 1:
		return n[0], false, true
	case 4, 5:
		s.source, s.line, s.column = s.source+n[1], s.line+n[2], s.column+n[3]
		return n[0], true, true
	}
	return 0, false, false
}

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// values are the digits' values, counted from 1.
var values = func() (v [256]int8) {
	for i := range len(digits) {
		v[digits[i]] = int8(i + 1)
	}
	return v
}()

// number reads a variable-length quantity: five bits a digit, the lowest first, of which
// the first is the sign.
func (d *decoder) number() (int32, bool) {
	var u uint64
	for shift := 0; shift <= 30 && d.pos < len(d.text); shift += 5 {
		v := int(values[d.text[d.pos]]) - 1
		if v < 0 {
			return 0, false
		}
		d.pos++
		u |= uint64(v&31) << shift
		if v < 32 {
			n := int32(u >> 1 & 0x7fffffff)
			if u&1 != 0 {
				n = -n
			}
			return n, true
		}
	}
	return 0, false
}

// Find is what a place in the made file stands for, with columns of UTF-16. ok is false
// for one that is of no source.
func (m *Map) Find(line, column int) (p Place, ok bool) {
	behind := func(at mark) bool {
		return int(at.line) > line-1 || int(at.line) == line-1 && int(at.column) > column-1
	}
	i := sort.Search(len(m.marks), func(i int) bool { return behind(m.marks[i]) })
	// A mark may be behind the place that counts.
	at := mark{}
	if i = max(i-2, 0); i < len(m.marks) {
		at = m.marks[i]
	}
	d := decoder{text: m.mappings, pos: int(at.at)}
	var best state
	for n := 0; d.pos < len(d.text) && n < 4*between; n++ {
		was := d.text[d.pos]
		mapped, valid := d.step(&at)
		if !valid || behind(at) {
			break
		}
		switch {
		case was == ';':
			ok = false // what is of the line before
		case was != ',':
			best, ok = at.state, mapped
		}
	}
	if !ok || int(at.line) < line-1 || best.source < 0 || int(best.source) >= len(m.sources) || m.sources[best.source] == "" || best.line < 0 || best.column < 0 {
		return p, false
	}
	return Place{File: m.sources[best.source], Line: int(best.line) + 1, Column: int(best.column) + 1}, true
}

// Text is the text of a source, if the map has it.
func (m *Map) Text(file string) (string, bool) {
	for i, name := range m.sources {
		if name == file && i < len(m.content) && m.content[i] != nil {
			return *m.content[i], true
		}
	}
	return "", false
}
