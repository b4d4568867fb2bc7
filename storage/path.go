package storage

import (
	"strconv"
	"strings"
)

// Path is a dotted field path, split: "items.0.sku" is an object's field
// "items", an array's first element, and a field of that. A field whose own
// name has a dot is stored and returned like any other, but no path leads to
// it.
type Path []string

// ParsePath splits a dotted path.
func ParsePath(s string) Path { return strings.Split(s, ".") }

// String joins the path with dots.
func (p Path) String() string { return strings.Join(p, ".") }

// index returns the array index that a path segment stands for, or -1.
func index(segment string) int {
	if segment == "" || len(segment) > 9 || len(segment) > 1 && segment[0] == '0' {
		return -1
	}
	n, err := strconv.ParseUint(segment, 10, 31)
	if err != nil {
		return -1
	}
	return int(n)
}

// at returns the value that path leads to, or nil.
func (v *Value) at(path Path) *Value {
	for _, segment := range path {
		switch v.Kind {
		case Object:
			f := v.field(segment)
			if f == nil {
				return nil
			}
			v = &f.Value
		case Array:
			i := index(segment)
			if i < 0 || i >= len(v.Array) {
				return nil
			}
			v = &v.Array[i]
		default:
			return nil
		}
	}
	return v
}

// lookup returns the text of the value that path leads to in a JSON text that
// is known to be valid. It reads no further than it must and makes nothing,
// which is what lets a find try thousands of documents.
func lookup(text string, path Path) (string, bool) {
	s := skimmer{text: text}
	for _, segment := range path {
		s.space()
		switch s.peek() {
		case '{':
			if !s.enterField(segment) {
				return "", false
			}
		case '[':
			if !s.enterIndex(index(segment)) {
				return "", false
			}
		default:
			return "", false
		}
	}
	s.space()
	start := s.pos
	s.skip()
	return s.text[start:s.pos], true
}

// skimmer walks over valid JSON.
type skimmer struct {
	text string
	pos  int
}

func (s *skimmer) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

func (s *skimmer) space() {
	for s.pos < len(s.text) && s.text[s.pos] <= ' ' {
		s.pos++
	}
}

// enterField moves to the value of an object's field, if there is one.
func (s *skimmer) enterField(name string) bool {
	s.pos++ // {
	for {
		s.space()
		if s.peek() != '"' {
			return false
		}
		start := s.pos
		escaped := s.skipString()
		key := s.text[start:s.pos]
		s.space()
		s.pos++ // :
		if sameKey(key, escaped, name) {
			return true
		}
		s.space()
		s.skip()
		s.space()
		if s.peek() != ',' {
			return false
		}
		s.pos++
	}
}

func sameKey(key string, escaped bool, name string) bool {
	if !escaped {
		return len(key) == len(name)+2 && key[1:len(key)-1] == name
	}
	decoded, err := decodeString(key, true)
	return err == nil && decoded == name
}

// enterIndex moves to an array's element, if there is one.
func (s *skimmer) enterIndex(i int) bool {
	if i < 0 {
		return false
	}
	s.pos++ // [
	for {
		s.space()
		if c := s.peek(); c == ']' || c == 0 {
			return false
		}
		if i == 0 {
			return true
		}
		i--
		s.skip()
		s.space()
		if s.peek() != ',' {
			return false
		}
		s.pos++
	}
}

// skip moves past the value that begins here.
func (s *skimmer) skip() {
	level := 0
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case '"':
			s.skipString()
			if level == 0 {
				return
			}
			continue
		case '{', '[':
			level++
		case '}', ']':
			if level--; level <= 0 {
				if level == 0 {
					s.pos++
				}
				return
			}
		case ',', ' ', '\t', '\n', '\r':
			if level == 0 {
				return
			}
		}
		s.pos++
	}
}

// skipString moves past a string and reports whether it has escapes.
func (s *skimmer) skipString() (escaped bool) {
	for s.pos++; s.pos < len(s.text); s.pos++ {
		switch s.text[s.pos] {
		case '"':
			s.pos++
			return escaped
		case '\\':
			escaped = true
			s.pos++
		}
	}
	return escaped
}
