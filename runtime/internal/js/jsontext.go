package js

import (
	"bytes"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/fazt-sh/fazt/runtime/internal/literal"
)

// Checker is what a long piece of work calls between its steps.
type Checker interface {
	// Check is a checkpoint: it doesn't return when the run has to end.
	Check()
}

// AppendParsed appends JSON text as JSON.stringify(JSON.parse(text)) prints it.
// It spares an engine both for a value that nobody looks at. ok is false, and dst
// as it was, when only parsing can tell: the text isn't that of an object or an
// array, it is malformed or nests deeply, a key is there twice or may be an array
// index, which the language puts first, or a string is escaped as stringify
// wouldn't.
func AppendParsed(dst, text []byte, check Checker) (out []byte, ok bool) {
	w := jsonText{text: text, out: dst, check: check}
	w.space()
	if c := w.peek(); c != '{' && c != '[' || !utf8.Valid(text) || !w.value(0) {
		return dst, false
	}
	w.space()
	if w.pos < len(text) {
		return dst, false
	}
	return w.out, true
}

const (
	maxTextDepth = 64
	// maxTextKeys bounds the keys that are compared with each other.
	maxTextKeys = 32
)

type jsonText struct {
	text  []byte
	pos   int
	out   []byte
	check Checker
	count uint // of values
}

// peek is 0 at the end.
func (w *jsonText) peek() byte {
	if w.pos < len(w.text) {
		return w.text[w.pos]
	}
	return 0
}

func (w *jsonText) space() {
	for {
		switch w.peek() {
		case ' ', '\t', '\n', '\r':
			w.pos++
		default:
			return
		}
	}
}

// copy takes c over if it is next.
func (w *jsonText) copy(c byte) bool {
	if w.peek() != c {
		return false
	}
	w.pos++
	w.out = append(w.out, c)
	return true
}

// value, and what it calls, report whether the text is as it has to be.
func (w *jsonText) value(depth int) bool {
	if w.count++; w.count%valuesBetween == 0 {
		w.check.Check()
	}
	switch c := w.peek(); {
	case depth > maxTextDepth:
		return false
	case c == '{':
		return w.object(depth)
	case c == '[':
		return w.array(depth)
	case c == '"':
		return w.str()
	case c == '-' || c >= '0' && c <= '9':
		return w.number()
	case c == 't':
		return w.word("true")
	case c == 'f':
		return w.word("false")
	case c == 'n':
		return w.word("null")
	}
	return false
}

func (w *jsonText) word(word string) bool {
	if !bytes.HasPrefix(w.text[w.pos:], []byte(word)) {
		return false
	}
	w.pos += len(word)
	w.out = append(w.out, word...)
	return true
}

func (w *jsonText) array(depth int) bool {
	w.copy('[')
	w.space()
	if w.copy(']') {
		return true
	}
	for {
		if !w.value(depth + 1) {
			return false
		}
		w.space()
		if w.copy(']') {
			return true
		}
		if !w.copy(',') {
			return false
		}
		w.space()
	}
}

func (w *jsonText) object(depth int) bool {
	w.copy('{')
	w.space()
	if w.copy('}') {
		return true
	}
	var keys [maxTextKeys][]byte
	for n := 0; ; n++ {
		start := w.pos
		if n == len(keys) || w.peek() != '"' || !w.str() {
			return false
		}
		key := w.text[start:w.pos]
		if key[1] >= '0' && key[1] <= '9' {
			return false
		}
		for _, other := range keys[:n] {
			if bytes.Equal(key, other) {
				return false
			}
		}
		keys[n] = key
		w.space()
		if !w.copy(':') {
			return false
		}
		w.space()
		if !w.value(depth + 1) {
			return false
		}
		w.space()
		if w.copy('}') {
			return true
		}
		if !w.copy(',') {
			return false
		}
		w.space()
	}
}

// str takes a string over whose escapes are those that literal.AppendQuoted makes.
func (w *jsonText) str() bool {
	start := w.pos
	for w.pos++; w.pos < len(w.text); w.pos++ {
		switch c := w.text[w.pos]; {
		case c == '"':
			w.pos++
			w.out = append(w.out, w.text[start:w.pos]...)
			return true
		case c < ' ':
			return false
		case c == '\\':
			w.pos++
			if bytes.IndexByte([]byte(`"\bfnrt`), w.peek()) < 0 {
				return false
			}
		}
	}
	return false
}

func (w *jsonText) number() bool {
	start := w.pos
	if w.peek() == '-' {
		w.pos++
	}
	first := w.pos
	n := w.digits()
	if n == 0 || n > 1 && w.text[first] == '0' {
		return false
	}
	whole := true
	if w.peek() == '.' {
		whole = false
		w.pos++
		if w.digits() == 0 {
			return false
		}
	}
	if c := w.peek(); c == 'e' || c == 'E' {
		whole = false
		w.pos++
		if c := w.peek(); c == '+' || c == '-' {
			w.pos++
		}
		if w.digits() == 0 {
			return false
		}
	}
	text := w.text[start:w.pos]
	if whole && n <= exactDigits && (w.text[first] != '0' || start == first) {
		w.out = append(w.out, text...)
		return true
	}
	f, _ := strconv.ParseFloat(string(text), 64) // out of range is an infinity, as in JavaScript
	if math.IsInf(f, 0) {
		w.out = append(w.out, "null"...)
	} else {
		w.out = literal.AppendNumber(w.out, f)
	}
	return true
}

// exactDigits is how many digits any whole number may have for a float64 to hold
// it.
const exactDigits = 15

func (w *jsonText) digits() int {
	start := w.pos
	for c := w.peek(); c >= '0' && c <= '9'; c = w.peek() {
		w.pos++
	}
	return w.pos - start
}
