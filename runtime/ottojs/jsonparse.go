package ottojs

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/robertkrimen/otto"

	"github.com/fazt-sh/fazt/runtime"
)

// maxParseDepth bounds JSON.parse, which recurses on the Go stack.
const maxParseDepth = 2000

// parse is JSON.parse without a reviver. otto's own loses the order of keys.
func (v *vm) parse(text string) otto.Value {
	p := jsonParser{vm: v, text: text}
	p.space()
	val := p.value(0)
	p.space()
	if p.pos < len(p.text) {
		p.unexpected()
	}
	return val
}

type jsonParser struct {
	vm   *vm
	text string
	pos  int
}

func (p *jsonParser) fail(format string, args ...any) {
	p.vm.throw(&runtime.HostError{Name: "SyntaxError", Message: fmt.Sprintf(format, args...)})
}

func (p *jsonParser) unexpected() {
	if p.pos >= len(p.text) {
		p.fail("Unexpected end of JSON input")
	}
	r, _ := utf8.DecodeRuneInString(p.text[p.pos:])
	p.fail("Unexpected token %q in JSON at position %d", string(r), p.pos)
}

func (p *jsonParser) space() {
	for p.pos < len(p.text) {
		switch p.text[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

func (p *jsonParser) peek() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

func (p *jsonParser) expect(c byte) {
	if p.peek() != c {
		p.unexpected()
	}
	p.pos++
	p.space()
}

func (p *jsonParser) value(depth int) otto.Value {
	p.vm.check()
	if depth > maxParseDepth {
		p.fail("JSON nests deeper than %d levels", maxParseDepth)
	}
	switch c := p.peek(); {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		return p.vm.value(p.str())
	case c == '-' || c >= '0' && c <= '9':
		return p.vm.value(p.number())
	case c == 't':
		return p.word("true", otto.TrueValue())
	case c == 'f':
		return p.word("false", otto.FalseValue())
	case c == 'n':
		return p.word("null", otto.NullValue())
	}
	p.unexpected()
	return undefined
}

func (p *jsonParser) word(word string, val otto.Value) otto.Value {
	for i := range len(word) {
		if p.peek() != word[i] {
			p.unexpected()
		}
		p.pos++
	}
	return val
}

func (p *jsonParser) object(depth int) otto.Value {
	p.expect('{')
	obj := p.vm.newObject()
	for first := true; ; first = false {
		if first && p.peek() == '}' {
			break
		}
		if p.peek() != '"' {
			p.unexpected()
		}
		key := p.str()
		p.space()
		p.expect(':')
		p.vm.set(obj, key, p.value(depth+1))
		p.space()
		if p.peek() != ',' {
			break
		}
		p.expect(',')
	}
	if p.peek() != '}' {
		p.unexpected()
	}
	p.pos++
	return obj
}

func (p *jsonParser) array(depth int) otto.Value {
	p.expect('[')
	var items []any
	for first := true; ; first = false {
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
	p.pos++
	return p.vm.newArray(items)
}

func (p *jsonParser) number() float64 {
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

func (p *jsonParser) digits() {
	if c := p.peek(); c < '0' || c > '9' {
		p.unexpected()
	}
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.pos++
	}
}

func (p *jsonParser) str() string {
	p.pos++
	rest := p.text[p.pos:]
	end := strings.IndexAny(rest, "\"\\")
	if end >= 0 && rest[end] == '"' && !hasControl(rest[:end]) {
		p.pos += end + 1
		return rest[:end]
	}
	var b strings.Builder
	for p.pos < len(p.text) {
		switch c := p.text[p.pos]; {
		case c == '"':
			p.pos++
			return b.String()
		case c < ' ':
			p.unexpected()
		case c == '\\':
			p.pos++
			p.escape(&b)
		default:
			b.WriteByte(c)
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

func (p *jsonParser) escape(b *strings.Builder) {
	c := p.peek()
	if i := strings.IndexByte(escapes, c); i >= 0 && c != 0 {
		b.WriteByte(escaped[i])
		p.pos++
		return
	}
	if c != 'u' {
		p.unexpected()
	}
	r := p.hex()
	if utf16.IsSurrogate(r) && strings.HasPrefix(p.text[p.pos:], `\u`) {
		mark := p.pos
		p.pos++
		if pair := utf16.DecodeRune(r, p.hex()); pair != utf8.RuneError {
			r = pair
		} else {
			p.pos = mark
		}
	}
	b.WriteRune(r) // a lone surrogate becomes U+FFFD: otto's strings are UTF-8
}

func (p *jsonParser) hex() rune {
	p.pos++
	if p.pos+4 > len(p.text) {
		p.pos = len(p.text)
		p.unexpected()
	}
	n, err := strconv.ParseUint(p.text[p.pos:p.pos+4], 16, 16)
	if err != nil {
		p.unexpected()
	}
	p.pos += 4
	return rune(n)
}
