package js

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/fazt-sh/fazt/runtime"
)

// Builder makes an engine's values, for [ParseJSON].
type Builder[V any] interface {
	// Check is a checkpoint: it doesn't return when the run has to end.
	Check()
	NewNull() V
	NewBool(bool) V
	NewNumber(float64) V
	// NewString is given lone surrogates as three bytes, which aren't UTF-8.
	NewString(string) V
	NewArray([]V) V
	NewObject() V
	// Put sets an own property, whatever its name.
	Put(obj V, key string, val V)
}

// maxParseDepth bounds ParseJSON, which recurses on the Go stack.
const maxParseDepth = 2000

// ParseJSON makes a value of JSON text, as JSON.parse does, in steps that can be
// stopped. The error is a [*HostError], a SyntaxError.
func ParseJSON[V any](b Builder[V], text string) (V, error) {
	p := jsonParser[V]{to: b, text: text}
	return p.all()
}

// ParseModule makes a value of a JSON file that was required, which may begin with a
// byte order mark. The error is that of [ParseJSON], with the file's name, line and
// column.
func ParseModule[V any](b Builder[V], file, text string) (V, error) {
	p := jsonParser[V]{to: b, text: strings.TrimPrefix(text, "\uFEFF")}
	val, err := p.all()
	if e, ok := errors.AsType[*runtime.HostError](err); ok {
		before := p.text[:p.failed]
		line := before[strings.LastIndexByte(before, '\n')+1:]
		err = &runtime.HostError{Name: e.Name, Message: fmt.Sprintf("%s:%d:%d: %s", file,
			1+strings.Count(before, "\n"), 1+utf8.RuneCountInString(line), e.Message)}
	}
	return val, err
}

func (p *jsonParser[V]) all() (V, error) {
	p.space()
	val := p.value(0)
	p.space()
	if p.pos < len(p.text) {
		p.unexpected()
	}
	if p.err != nil {
		var none V
		return none, p.err
	}
	return val, nil
}

// InvalidJSON is the error of [ParseJSON] for text that a host function returned.
func InvalidJSON(err error) error {
	e, ok := errors.AsType[*runtime.HostError](err)
	if !ok {
		return err
	}
	return &runtime.HostError{Name: e.Name, Code: "INVALID_JSON", Message: e.Message}
}

// jsonParser goes to the end of the text when it finds an error, so that all
// its callers return.
type jsonParser[V any] struct {
	to   Builder[V]
	text string
	pos  int
	err  error

	failed int // where the error is
}

func (p *jsonParser[V]) fail(format string, args ...any) {
	if p.err == nil {
		p.err = &runtime.HostError{Name: "SyntaxError", Message: fmt.Sprintf(format, args...)}
		p.failed = min(p.pos, len(p.text))
	}
	p.pos = len(p.text)
}

func (p *jsonParser[V]) unexpected() {
	if p.pos >= len(p.text) {
		p.fail("Unexpected end of JSON input")
		return
	}
	r, _ := utf8.DecodeRuneInString(p.text[p.pos:])
	p.fail("Unexpected token %q in JSON at position %d", string(r), p.pos)
}

func (p *jsonParser[V]) space() {
	for p.pos < len(p.text) {
		switch p.text[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// peek is 0 at the end.
func (p *jsonParser[V]) peek() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

func (p *jsonParser[V]) expect(c byte) {
	if p.peek() != c {
		p.unexpected()
		return
	}
	p.pos++
	p.space()
}

func (p *jsonParser[V]) value(depth int) (val V) {
	p.to.Check()
	if depth > maxParseDepth {
		p.fail("JSON nests deeper than %d levels", maxParseDepth)
		return val
	}
	switch c := p.peek(); {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		return p.to.NewString(p.str())
	case c == '-' || c >= '0' && c <= '9':
		return p.to.NewNumber(p.number())
	case c == 't':
		p.word("true")
		return p.to.NewBool(true)
	case c == 'f':
		p.word("false")
		return p.to.NewBool(false)
	case c == 'n':
		p.word("null")
		return p.to.NewNull()
	}
	p.unexpected()
	return val
}

func (p *jsonParser[V]) word(word string) {
	for i := range len(word) {
		if p.peek() != word[i] {
			p.unexpected()
			return
		}
		p.pos++
	}
}

func (p *jsonParser[V]) object(depth int) V {
	p.expect('{')
	obj := p.to.NewObject()
	for first := true; p.err == nil; first = false {
		if first && p.peek() == '}' {
			break
		}
		if p.peek() != '"' {
			p.unexpected()
			return obj
		}
		key := p.str()
		p.space()
		p.expect(':')
		val := p.value(depth + 1)
		if p.err != nil {
			return obj
		}
		p.to.Put(obj, key, val)
		p.space()
		if p.peek() != ',' {
			break
		}
		p.expect(',')
	}
	if p.peek() != '}' {
		p.unexpected()
		return obj
	}
	p.pos++
	return obj
}

func (p *jsonParser[V]) array(depth int) (val V) {
	p.expect('[')
	var items []V
	for first := true; p.err == nil; first = false {
		if first && p.peek() == ']' {
			break
		}
		items = append(items, p.value(depth+1))
		p.space()
		if p.peek() != ',' {
			break
		}
		p.expect(',')
	}
	if p.peek() != ']' {
		p.unexpected()
	}
	if p.err != nil {
		return val
	}
	p.pos++
	return p.to.NewArray(items)
}

func (p *jsonParser[V]) number() float64 {
	start := p.pos
	if p.peek() == '-' {
		p.pos++
	}
	if p.peek() == '0' {
		p.pos++
	} else {
		p.digits()
	}
	if p.peek() == '.' {
		p.pos++
		p.digits()
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.pos++
		if c := p.peek(); c == '+' || c == '-' {
			p.pos++
		}
		p.digits()
	}
	f, _ := strconv.ParseFloat(p.text[start:p.pos], 64) // out of range is an infinity, as in JavaScript
	return f
}

func (p *jsonParser[V]) digits() {
	if c := p.peek(); c < '0' || c > '9' {
		p.unexpected()
		return
	}
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.pos++
	}
}

func (p *jsonParser[V]) str() string {
	p.pos++
	rest := p.text[p.pos:]
	end := strings.IndexAny(rest, "\"\\")
	if end >= 0 && rest[end] == '"' && !hasControl(rest[:end]) {
		p.pos += end + 1
		return rest[:end]
	}
	var b []byte
	for p.pos < len(p.text) {
		switch c := p.text[p.pos]; {
		case c == '"':
			p.pos++
			return string(b)
		case c < ' ':
			p.unexpected()
		case c == '\\':
			p.pos++
			b = p.escape(b)
		default:
			b = append(b, c)
			p.pos++
		}
	}
	p.unexpected()
	return ""
}

func hasControl(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' {
			return true
		}
	}
	return false
}

const escapes, escaped = `"\/bfnrt`, "\"\\/\b\f\n\r\t"

func (p *jsonParser[V]) escape(b []byte) []byte {
	c := p.peek()
	if i := strings.IndexByte(escapes, c); i >= 0 && c != 0 {
		p.pos++
		return append(b, escaped[i])
	}
	if c != 'u' {
		p.unexpected()
		return b
	}
	r := p.hex()
	if utf16.IsSurrogate(r) && strings.HasPrefix(p.text[p.pos:], `\u`) {
		mark := p.pos
		p.pos++
		if pair := utf16.DecodeRune(r, p.hex()); pair != utf8.RuneError {
			return utf8.AppendRune(b, pair)
		}
		p.pos = mark
	}
	if utf16.IsSurrogate(r) {
		return append(b, 0xE0|byte(r>>12), 0x80|byte(r>>6)&0x3F, 0x80|byte(r)&0x3F)
	}
	return utf8.AppendRune(b, r)
}

func (p *jsonParser[V]) hex() rune {
	p.pos++
	if p.pos+4 > len(p.text) {
		p.pos = len(p.text)
		p.unexpected()
		return 0
	}
	n, err := strconv.ParseUint(p.text[p.pos:p.pos+4], 16, 16)
	if err != nil {
		p.unexpected()
		return 0
	}
	p.pos += 4
	return rune(n)
}
