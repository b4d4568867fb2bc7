package storage

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Kind is the type of a JSON value.
type Kind uint8

// The kinds in the order in which values of different kinds sort.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

// Value is a parsed JSON value that remembers its text: a number keeps its
// digits, a string its escapes and an object the order of its fields, so that
// writing a value back changes nothing that was not meant to change.
type Value struct {
	Kind   Kind
	Bool   bool
	Number float64 // the nearest double, by which numbers compare
	String string  // decoded
	Array  []Value
	Fields []Field

	text string // of a number or a string
}

// Field is one field of an object.
type Field struct {
	Name  string
	Value Value

	text string // the name as a JSON string
}

// orNull returns the value of a field that may be missing.
func (f *Field) orNull() Value {
	if f == nil {
		return Value{}
	}
	return f.Value
}

func stringValue(s string) Value { return Value{Kind: String, String: s, text: quote(s)} }

func integerValue(n int64) Value {
	return Value{Kind: Number, Number: float64(n), text: strconv.FormatInt(n, 10)}
}

func numberValue(n float64) Value {
	text, err := json.Marshal(n) // as JavaScript would write it
	if err != nil {
		text = []byte("null") // the caller has ruled out what is not finite
	}
	return Value{Kind: Number, Number: n, text: string(text)}
}

func newField(name string, v Value) Field { return Field{Name: name, Value: v, text: quote(name)} }

// quote writes s as a JSON string, without the escapes for HTML that
// encoding/json adds.
func quote(s string) string {
	if plain(s) {
		return `"` + s + `"`
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return `""` // a string always encodes
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// plain reports whether s needs no escapes.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			return false
		}
	}
	return true
}

// field returns the field of that name, or nil.
func (v *Value) field(name string) *Field {
	for i := range v.Fields {
		if v.Fields[i].Name == name {
			return &v.Fields[i]
		}
	}
	return nil
}

// append writes the value's JSON text.
func (v *Value) append(b []byte) []byte {
	switch v.Kind {
	case Bool:
		return strconv.AppendBool(b, v.Bool)
	case Number, String:
		return append(b, v.text...)
	case Array:
		b = append(b, '[')
		for i := range v.Array {
			if i > 0 {
				b = append(b, ',')
			}
			b = v.Array[i].append(b)
		}
		return append(b, ']')
	case Object:
		b = append(b, '{')
		for i := range v.Fields {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, v.Fields[i].text...)
			b = append(b, ':')
			b = v.Fields[i].Value.append(b)
		}
		return append(b, '}')
	}
	return append(b, "null"...)
}

// equal is deep equality: numbers by value, arrays in order, objects by their
// fields in any order.
func (v *Value) equal(w *Value) bool {
	if v.Kind != w.Kind {
		return false
	}
	switch v.Kind {
	case Bool:
		return v.Bool == w.Bool
	case Number:
		return v.Number == w.Number
	case String:
		return v.String == w.String
	case Array:
		if len(v.Array) != len(w.Array) {
			return false
		}
		for i := range v.Array {
			if !v.Array[i].equal(&w.Array[i]) {
				return false
			}
		}
	case Object:
		if len(v.Fields) != len(w.Fields) {
			return false
		}
		for i := range v.Fields {
			f := w.matchingField(i, v.Fields[i].Name)
			if f == nil || !v.Fields[i].Value.equal(&f.Value) {
				return false
			}
		}
	}
	return true
}

// matchingField is field for an object that probably has the name at i.
func (v *Value) matchingField(i int, name string) *Field {
	if v.Fields[i].Name == name {
		return &v.Fields[i]
	}
	return v.field(name)
}

// depth returns how deep arrays and objects nest in v, itself included.
func (v *Value) depth() int {
	deepest := 0
	for i := range v.Array {
		deepest = max(deepest, v.Array[i].depth())
	}
	for i := range v.Fields {
		deepest = max(deepest, v.Fields[i].Value.depth())
	}
	if v.Kind == Array || v.Kind == Object {
		deepest++
	}
	return deepest
}

// parseJSON parses one JSON text under this package's rules: valid UTF-8,
// nested no deeper than [MaxNesting], no field twice in one object, numbers
// within the range of a double. The error has a Path and a Msg.
func parseJSON(text string) (Value, error) {
	if !utf8.ValidString(text) {
		return Value{}, invalid("", "not valid UTF-8")
	}
	if depth(text) > MaxNesting {
		return Value{}, invalid("", fmt.Sprintf("nested deeper than %d levels", MaxNesting))
	}
	p := parser{text: text}
	p.space()
	v, err := p.value()
	if err != nil {
		return Value{}, err
	}
	if p.space(); p.pos < len(text) {
		return Value{}, p.unexpected()
	}
	return v, nil
}

func invalid(path, msg string) *Error { return &Error{Code: CodeInvalid, Path: path, Msg: msg} }

type parser struct {
	text string
	pos  int
}

func (p *parser) space() {
	for p.pos < len(p.text) {
		switch p.text[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

func (p *parser) unexpected() error {
	if p.pos >= len(p.text) {
		return invalid("", "not a JSON text: it ends early")
	}
	return invalid("", fmt.Sprintf("not a JSON text: unexpected %q at byte %d", p.text[p.pos], p.pos))
}

// next consumes c if it is next, after space.
func (p *parser) next(c byte) bool {
	p.space()
	if p.pos < len(p.text) && p.text[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

func (p *parser) value() (Value, error) {
	if p.pos >= len(p.text) {
		return Value{}, p.unexpected()
	}
	switch p.text[p.pos] {
	case '{':
		return p.object()
	case '[':
		return p.array()
	case '"':
		text, s, err := p.string()
		return Value{Kind: String, String: s, text: text}, err
	case 't':
		return Value{Kind: Bool, Bool: true}, p.word("true")
	case 'f':
		return Value{Kind: Bool}, p.word("false")
	case 'n':
		return Value{}, p.word("null")
	}
	return p.number()
}

func (p *parser) word(w string) error {
	if !strings.HasPrefix(p.text[p.pos:], w) {
		return p.unexpected()
	}
	p.pos += len(w)
	return nil
}

func (p *parser) array() (Value, error) {
	p.pos++
	v := Value{Kind: Array}
	if p.next(']') {
		return v, nil
	}
	for {
		p.space()
		e, err := p.value()
		if err != nil {
			return Value{}, within(fmt.Sprintf("[%d]", len(v.Array)), err)
		}
		v.Array = append(v.Array, e)
		if p.next(']') {
			return v, nil
		}
		if !p.next(',') {
			return Value{}, p.unexpected()
		}
	}
}

// manyFields is from how many fields on a set finds a repeated name faster than
// comparing them all.
const manyFields = 16

func (p *parser) object() (Value, error) {
	p.pos++
	v := Value{Kind: Object}
	if p.next('}') {
		return v, nil
	}
	var seen map[string]bool
	for {
		f, err := p.field()
		if err != nil {
			return Value{}, err
		}
		if len(v.Fields) == manyFields {
			seen = make(map[string]bool, 2*manyFields)
			for i := range v.Fields {
				seen[v.Fields[i].Name] = true
			}
		}
		if seen[f.Name] || seen == nil && v.field(f.Name) != nil {
			return Value{}, invalid(f.Name, "the field occurs twice")
		}
		if seen != nil {
			seen[f.Name] = true
		}
		v.Fields = append(v.Fields, f)
		if p.next('}') {
			return v, nil
		}
		if !p.next(',') {
			return Value{}, p.unexpected()
		}
	}
}

func (p *parser) field() (Field, error) {
	if p.space(); p.pos >= len(p.text) || p.text[p.pos] != '"' {
		return Field{}, p.unexpected()
	}
	text, name, err := p.string()
	if err != nil {
		return Field{}, err
	}
	if !p.next(':') {
		return Field{}, p.unexpected()
	}
	p.space()
	v, err := p.value()
	return Field{Name: name, text: text, Value: v}, within(name, err)
}

// within says in which field, or element, of a value an error lies.
func within(part string, err error) error {
	if e, ok := err.(*Error); ok {
		switch {
		case e.Path == "":
			e.Path = part
		case strings.HasPrefix(e.Path, "["):
			e.Path = part + e.Path
		default:
			e.Path = part + "." + e.Path
		}
	}
	return err
}

// string returns the string as it is written, and decoded.
func (p *parser) string() (text, s string, err error) {
	start, escaped := p.pos, false
	for p.pos++; p.pos < len(p.text); p.pos++ {
		switch c := p.text[p.pos]; {
		case c == '"':
			p.pos++
			text = p.text[start:p.pos]
			if s, err = decodeString(text, escaped); err != nil {
				return "", "", invalid("", fmt.Sprintf("not a JSON text: bad escape in the string at byte %d", start))
			}
			return text, s, nil
		case c == '\\':
			escaped = true
			p.pos++
		case c < ' ':
			return "", "", p.unexpected()
		}
	}
	return "", "", p.unexpected()
}

// decodeString returns what a JSON string in quotes stands for.
func decodeString(text string, escaped bool) (string, error) {
	if !escaped {
		return text[1 : len(text)-1], nil
	}
	var s string
	err := json.Unmarshal([]byte(text), &s)
	return s, err
}

func (p *parser) digits() bool {
	start := p.pos
	for p.pos < len(p.text) && '0' <= p.text[p.pos] && p.text[p.pos] <= '9' {
		p.pos++
	}
	return p.pos > start
}

// number follows the grammar of RFC 8259, section 6.
func (p *parser) number() (Value, error) {
	start := p.pos
	at := func(chars string) bool {
		if p.pos < len(p.text) && strings.IndexByte(chars, p.text[p.pos]) >= 0 {
			p.pos++
			return true
		}
		return false
	}
	at("-")
	if !at("0") && !p.digits() {
		return Value{}, p.unexpected()
	}
	if at(".") && !p.digits() {
		return Value{}, p.unexpected()
	}
	if at("eE") {
		at("+-")
		if !p.digits() {
			return Value{}, p.unexpected()
		}
	}
	text := p.text[start:p.pos]
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return Value{}, invalid("", "the number "+text+" is out of range")
	}
	return Value{Kind: Number, Number: n, text: text}, nil
}
