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
		s.skipString()
		key := s.text[start:s.pos]
		s.space()
		s.pos++ // :
		if sameKey(key, name) {
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

// sameKey compares a JSON string with a name. With escapes it is the longer one, and a
// backslash in the name is escaped itself.
func sameKey(key, name string) bool {
	switch extra := len(key) - len(name) - len(`""`); {
	case extra == 0:
		return key[1:len(key)-1] == name && strings.IndexByte(name, '\\') < 0
	case extra < 0 || strings.IndexByte(key, '\\') < 0:
		return false
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
	s.space()
	if c := s.peek(); c == ']' || c == 0 {
		return false
	}
	for ; i > 0; i-- {
		if s.skip(); !s.enterNext() {
			return false
		}
	}
	return true
}

// enterNext moves from the end of an array's element to the next one, if there is one.
func (s *skimmer) enterNext() bool {
	s.space()
	if s.peek() != ',' {
		return false
	}
	s.pos++
	s.space()
	return true
}

// skip moves past the value that begins here.
func (s *skimmer) skip() {
	level := 0
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; {
		case c == '"':
			s.skipString()
			if level == 0 {
				return
			}
			continue
		case c == '{', c == '[':
			level++
		case c == '}', c == ']':
			if level--; level <= 0 {
				if level == 0 {
					s.pos++
				}
				return
			}
		case level == 0 && (c == ',' || c <= ' '):
			return
		}
		s.pos++
	}
}

// skipString moves past a string: to the first quote that no backslash, itself not
// escaped, stands before.
func (s *skimmer) skipString() {
	start := s.pos
	for {
		i := strings.IndexByte(s.text[s.pos+1:], '"')
		if i < 0 {
			s.pos = len(s.text)
			return
		}
		s.pos += 1 + i
		end := s.pos
		for s.text[end-1] == '\\' && end-1 > start {
			end--
		}
		if (s.pos-end)%2 == 0 {
			s.pos++
			return
		}
	}
}
