package ottojs

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/robertkrimen/otto"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/js"
	"github.com/fazt-sh/fazt/runtime/internal/literal"
)

// assign is o[k] = v that throws if it can't be done.
func (v *vm) assign(c otto.FunctionCall) otto.Value {
	o, k := c.Argument(0), v.key(c)
	if !o.IsObject() {
		v.typeError("only objects have properties to assign")
	}
	if err := o.Object().Set(k.String(), c.Argument(2)); err != nil {
		v.rethrow(err)
	}
	return undefined
}

func (v *vm) hypot(c otto.FunctionCall) otto.Value {
	sum := 0.0
	list := c.Argument(0)
	for i := range v.Len(list) {
		v.check()
		sum = math.Hypot(sum, v.toNumber(v.Index(list, i)))
	}
	return v.value(sum)
}

// Characters that the functions leave as they are, beside letters and digits.
const (
	uriMarks    = "-_.!~*'()"
	uriReserved = ";/?:@&=+$,#"
	upperHex    = "0123456789ABCDEF"
)

// uri is encodeURI and its relatives.
func (v *vm) uri(c otto.FunctionCall) otto.Value {
	s := c.Argument(1).String()
	malformed := func() { v.throw(&runtime.HostError{Name: "URIError", Message: "URI malformed"}) }
	switch c.Argument(0).String() {
	case "encodeURI":
		return v.value(encodeURI(v.encodable(s), uriMarks+uriReserved))
	case "encodeURIComponent":
		return v.value(encodeURI(v.encodable(s), uriMarks))
	case "decodeURI":
		out, ok := decodeURI(s, uriReserved)
		if !ok {
			malformed()
		}
		return v.value(out)
	default:
		out, ok := decodeURI(s, "")
		if !ok {
			malformed()
		}
		return v.value(out)
	}
}

func encodeURI(s, keep string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if isAlphanumeric(c) || strings.IndexByte(keep, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(upperHex[c>>4])
		b.WriteByte(upperHex[c&15])
	}
	return b.String()
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// decodeURI leaves the escapes of the characters in keep.
func decodeURI(s, keep string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '%' {
			b.WriteByte(s[i])
			i++
			continue
		}
		start := i
		var raw []byte
		for need := 1; need > 0; need-- {
			c, ok := unhex(s, i)
			if !ok {
				return "", false
			}
			if raw = append(raw, c); len(raw) == 1 {
				need = sequenceLength(c)
			}
			i += 3
		}
		switch {
		case !utf8.Valid(raw):
			return "", false
		case len(raw) == 1 && strings.IndexByte(keep, raw[0]) >= 0:
			b.WriteString(s[start:i])
		default:
			b.Write(raw)
		}
	}
	return b.String(), true
}

func unhex(s string, i int) (byte, bool) {
	if i+3 > len(s) || s[i] != '%' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
	return byte(n), err == nil
}

func sequenceLength(first byte) int {
	switch {
	case first < 0xC0:
		return 1
	case first < 0xE0:
		return 2
	case first < 0xF0:
		return 3
	}
	return 4
}

func (v *vm) randomUUID(otto.FunctionCall) otto.Value {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return v.value(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]))
}

func (v *vm) random(c otto.FunctionCall) otto.Value {
	n, _ := c.Argument(0).ToInteger()
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return v.newBytes(b)
}

func (v *vm) invalidCharacter(message string) {
	v.throw(&runtime.HostError{Name: "InvalidCharacterError", Message: message})
}

// btoa encodes a text whose characters are bytes.
func (v *vm) btoa(c otto.FunctionCall) otto.Value {
	s := c.Argument(0).String()
	v.bounded(float64(base64.StdEncoding.EncodedLen(len(s))))
	raw := make([]byte, 0, len(s))
	for _, r := range s {
		if len(raw)%(64<<10) == 0 {
			v.Check()
		}
		if r > 0xFF {
			v.invalidCharacter("btoa: the text has characters past U+00FF; encode it with TextEncoder")
		}
		raw = append(raw, byte(r))
	}
	text, err := js.BytesText(raw, "base64", v.maxText(), v.Check)
	if err != nil {
		v.throw(err)
	}
	return v.value(text)
}

func (v *vm) atob(c otto.FunctionCall) otto.Value {
	raw, err := js.DecodeBase64(c.Argument(0).String(), v.Check)
	if err != nil {
		v.throw(err)
	}
	var b strings.Builder
	js.InSlices(len(raw), v.Check, func(from, to int) {
		for _, c := range raw[from:to] {
			b.WriteRune(rune(c))
		}
	})
	return v.value(b.String())
}

func (v *vm) bytesFrom(c otto.FunctionCall) otto.Value {
	return v.newBytes([]byte(c.Argument(0).String()))
}

// timingSafeEqual compares bytes in a time that doesn't depend on where they differ.
func (v *vm) timingSafeEqual(c otto.FunctionCall) otto.Value {
	a, b := v.bytesOf(c.Argument(0)), v.bytesOf(c.Argument(1))
	if len(a) != len(b) {
		v.throw(&runtime.HostError{Name: "RangeError", Code: js.CodeLengths, Message: js.OtherLengths})
	}
	return v.value(subtle.ConstantTimeCompare(a, b) == 1)
}

func (v *vm) encodingOf(c otto.FunctionCall) otto.Value {
	name, err := js.EncodingOf(c.Argument(0).String())
	if err != nil {
		v.throw(err)
	}
	return v.value(name)
}

// decoder is the function by which a TextDecoder decodes.
func (v *vm) decoder(c otto.FunctionCall) otto.Value {
	fatal, _ := c.Argument(1).ToBoolean()
	keepBOM, _ := c.Argument(2).ToBoolean()
	d := js.NewDecoder(c.Argument(0).String(), fatal, keepBOM)
	return v.must(v.otto.ToValue(native(func(c otto.FunctionCall) otto.Value {
		var b []byte
		if given := c.Argument(0); given.IsDefined() {
			b = v.bytesOf(given)
		}
		stream, _ := c.Argument(1).ToBoolean()
		s, err := d.Decode(b, stream, v.maxText(), v.Check)
		if err != nil {
			v.throw(err)
		}
		return v.value(s)
	})))
}

func (v *vm) parseURL(c otto.FunctionCall) otto.Value {
	var base *string
	if b := c.Argument(1); b.IsDefined() {
		text := b.String()
		base = &text
	}
	return v.urlParts(js.ParseURL(c.Argument(0).String(), base))
}

func (v *vm) setURL(c otto.FunctionCall) otto.Value {
	return v.urlParts(js.SetURL(c.Argument(0).String(), c.Argument(1).String(), c.Argument(2).String()))
}

func (v *vm) urlParts(u *js.URL, ok bool) otto.Value {
	if !ok {
		return undefined
	}
	var parts []any
	for _, part := range u.Parts() {
		parts = append(parts, part)
	}
	return v.newArray(parts)
}

func (v *vm) formEncode(c otto.FunctionCall) otto.Value {
	return v.value(js.FormEncode(v.encodable(c.Argument(0).String())))
}

func (v *vm) formDecode(c otto.FunctionCall) otto.Value {
	return v.value(literal.FormDecode(c.Argument(0).String()))
}

// encodable returns a text that may be percent-encoded.
func (v *vm) encodable(s string) string {
	v.bounded(js.MaxEncoded * float64(len(s)))
	return s
}

// escape and unescape are those of ECMA-262, annex B, which take a text by its units.
func (v *vm) escape(c otto.FunctionCall) otto.Value {
	t := newText(v.encodable(c.Argument(0).String()))
	var b strings.Builder
	one := func(unit uint16) {
		switch c := rune(unit); {
		case c < utf8.RuneSelf && (isAlphanumeric(byte(c)) || strings.ContainsRune("@*_+-./", c)):
			b.WriteByte(byte(c))
		case c < 0x100:
			fmt.Fprintf(&b, "%%%02X", c)
		default:
			fmt.Fprintf(&b, "%%u%04X", c)
		}
	}
	for i := range t.length() {
		if i%1024 == 0 {
			v.check()
		}
		if t.units != nil {
			one(t.units[i])
		} else {
			one(uint16(t.s[i]))
		}
	}
	return v.value(b.String())
}

var escapedUnit = regexp.MustCompile(`^%(?:u([0-9a-fA-F]{4})|([0-9a-fA-F]{2}))`)

func (v *vm) unescape(c otto.FunctionCall) otto.Value {
	var units []uint16
	for i, rest := 0, c.Argument(0).String(); rest != ""; i++ {
		if i%1024 == 0 {
			v.check()
		}
		if m := escapedUnit.FindStringSubmatch(rest); m != nil {
			unit, _ := strconv.ParseUint(m[1]+m[2], 16, 16)
			units, rest = append(units, uint16(unit)), rest[len(m[0]):]
			continue
		}
		r, size := utf8.DecodeRuneInString(rest)
		units, rest = utf16.AppendRune(units, r), rest[size:]
	}
	return v.value(string(utf16.Decode(units)))
}
