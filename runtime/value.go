package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"reflect"

	"github.com/fazt-sh/fazt/runtime/internal/literal"
)

// Kind says what a [Value] is.
type Kind uint8

const (
	KindUndefined Kind = iota
	KindNull
	KindBool
	KindNumber
	KindString
	KindBytes
	KindJSON     // an object or an array, as JSON text
	KindResponse // see Respond; from Go only
)

var kindNames = [...]string{
	"undefined", "null", "a boolean", "a number", "a string", "bytes", "an object", "a response",
}

func (k Kind) String() string { return kindNames[k] }

// Value is a JavaScript value on its way into or out of Go. Objects and arrays
// cross as JSON text, so a Value is always a copy. The zero Value is undefined.
type Value struct {
	kind Kind
	num  float64
	text string
	raw  []byte
	res  *Response
}

// Undefined and Null are the two values without content.
func Undefined() Value { return Value{} }
func Null() Value      { return Value{kind: KindNull} }

// Bool, Number, String and Bytes make a Value of that type. Bytes are not
// copied; the caller must not change them afterwards.
func Bool(b bool) Value {
	v := Value{kind: KindBool}
	if b {
		v.num = 1
	}
	return v
}
func Number(f float64) Value { return Value{kind: KindNumber, num: f} }
func String(s string) Value  { return Value{kind: KindString, text: s} }
func Bytes(b []byte) Value   { return Value{kind: KindBytes, raw: b} }

// MaxJSONDepth is how deep JSON may nest that comes from outside: engines parse
// it by recursion.
const MaxJSONDepth = 512

// CheckJSON says what is wrong with text that somebody else sent, before it is a
// [Request]'s JSON or given to [JSON]: it isn't well-formed, or it nests deeper than
// [MaxJSONDepth].
func CheckJSON(text []byte) error {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == '{' || c == '['):
			if depth++; depth > MaxJSONDepth {
				return fmt.Errorf("nested more than %d deep", MaxJSONDepth)
			}
		case !quoted && (c == '}' || c == ']'):
			depth--
		}
	}
	var whole json.RawMessage
	if err := json.Unmarshal(text, &whole); err != nil {
		offset, reason := ExplainJSON(text, err)
		line, column := PlaceIn(text, offset)
		return fmt.Errorf("line %d, column %d: %s", line, column, reason)
	}
	return nil
}

// JSON makes a Value of JSON text of any type; JavaScript sees the keys in the order
// of the text. Engines read it in steps. Text that isn't well-formed is a SyntaxError
// with the code INVALID_JSON where the handler would get the value.
func JSON(raw json.RawMessage) Value { return Value{kind: KindJSON, raw: raw} }

// Respond makes a Value that is a response for the handler to return, as if
// respond() had made it. Its Stream reaches the caller of Run untouched, so a
// blob of any size can be sent without passing through JavaScript.
func Respond(res Response) Value {
	if res.ContentType != "" && res.Header.Get("Content-Type") == "" {
		// The body may be another by the time that the handler returns it.
		res.Header = res.Header.Clone()
		if res.Header == nil {
			res.Header = make(http.Header)
		}
		res.Header.Set("Content-Type", res.ContentType)
	}
	return Value{kind: KindResponse, res: &res}
}

// From makes a Value of anything that encoding/json can marshal. []byte is
// bytes, and nil is null.
func From(v any) (Value, error) {
	switch v := v.(type) {
	case nil:
		return Null(), nil
	case Value:
		return v, nil
	case bool:
		return Bool(v), nil
	case string:
		return String(v), nil
	case []byte:
		return Bytes(v), nil
	case int:
		return Number(float64(v)), nil
	case int64:
		return Number(float64(v)), nil
	case float64:
		return Number(v), nil
	case json.RawMessage:
		return JSON(v), nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return Value{}, fmt.Errorf("runtime: value for JavaScript: %w", err)
	}
	return JSON(raw), nil
}

// Kind tells which of the accessors below has the content.
func (v Value) Kind() Kind { return v.kind }

// Truth, Float, Text and Raw return the content of a KindBool, a KindNumber, a
// KindString, and of a KindBytes or KindJSON value; else the zero value.
func (v Value) Truth() bool    { return v.kind == KindBool && v.num != 0 }
func (v Value) Float() float64 { return v.num }
func (v Value) Text() string   { return v.text }
func (v Value) Raw() []byte    { return v.raw }

// Response is what Respond was called with, or nil.
func (v Value) Response() *Response { return v.res }

// MarshalJSON implements [json.Marshaler]: undefined is null, bytes are base64.
// NaN and the infinities are an error.
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.kind {
	case KindBool:
		return json.Marshal(v.num != 0)
	case KindNumber:
		if math.IsNaN(v.num) || math.IsInf(v.num, 0) {
			return nil, Invalid("%s is not JSON", literal.FormatNumber(v.num))
		}
		return literal.AppendNumber(nil, v.num), nil
	case KindString:
		return literal.AppendQuoted(nil, v.text), nil
	case KindBytes:
		return json.Marshal(v.raw)
	case KindJSON:
		return v.raw, nil
	}
	return []byte("null"), nil
}

// Args are the arguments of a call. Each accessor returns a [*HostError], a
// TypeError with the code INVALID that names the argument, when it is of
// another type; a Func can return that error as it is.
type Args []Value

// Len is the number of arguments that were passed.
func (a Args) Len() int { return len(a) }

// At returns argument i, counted from 0, or undefined beyond the last.
func (a Args) At(i int) Value {
	if i < len(a) {
		return a[i]
	}
	return Value{}
}

// Has tells whether argument i is there and neither undefined nor null.
func (a Args) Has(i int) bool { return a.At(i).kind > KindNull }

func (a Args) mismatch(i int, want string) error {
	if i >= len(a) {
		return Invalid("argument %d is missing: want %s", i+1, want)
	}
	return Invalid("argument %d must be %s, not %s", i+1, want, a[i].kind)
}

// String returns a string.
func (a Args) String(i int) (string, error) {
	if v := a.At(i); v.kind == KindString {
		return v.text, nil
	}
	return "", a.mismatch(i, "a string")
}

// Number returns a finite number.
func (a Args) Number(i int) (float64, error) {
	v := a.At(i)
	if v.kind != KindNumber {
		return 0, a.mismatch(i, "a number")
	}
	if math.IsNaN(v.num) || math.IsInf(v.num, 0) {
		return 0, Invalid("argument %d must be a finite number, not %s", i+1, literal.FormatNumber(v.num))
	}
	return v.num, nil
}

// Int returns a whole number that a float64 holds exactly.
func (a Args) Int(i int) (int64, error) {
	f, err := a.Number(i)
	if err != nil {
		return 0, err
	}
	const most = 1<<53 - 1
	if f != math.Trunc(f) || math.Abs(f) > most {
		return 0, Invalid("argument %d must be a whole number, not %s", i+1, literal.FormatNumber(f))
	}
	return int64(f), nil
}

// Bool returns a boolean.
func (a Args) Bool(i int) (bool, error) {
	if v := a.At(i); v.kind == KindBool {
		return v.num != 0, nil
	}
	return false, a.mismatch(i, "a boolean")
}

// Bytes returns bytes, or a string's UTF-8.
func (a Args) Bytes(i int) ([]byte, error) {
	switch v := a.At(i); v.kind {
	case KindBytes:
		return v.raw, nil
	case KindString:
		return []byte(v.text), nil
	}
	return nil, a.mismatch(i, "a string or bytes")
}

// JSON returns the argument as JSON text: any value that JSON has.
func (a Args) JSON(i int) (json.RawMessage, error) {
	v := a.At(i)
	if v.kind == KindUndefined || v.kind == KindBytes {
		return nil, a.mismatch(i, "a value that JSON has")
	}
	raw, err := v.MarshalJSON()
	if err != nil {
		return nil, Invalid("argument %d: %s is not JSON", i+1, literal.FormatNumber(v.num))
	}
	return raw, nil
}

// Unmarshal stores an object or array argument in what dst points to, as
// encoding/json does.
func (a Args) Unmarshal(i int, dst any) error {
	raw, err := a.JSON(i)
	if err != nil {
		return err
	}
	err = json.Unmarshal(raw, dst)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		at := ""
		if wrong.Field != "" {
			at = ": " + wrong.Field
		}
		return Invalid("argument %d%s must be %s, not %s", i+1, at, wanted(wrong.Type), wrong.Value)
	}
	if err != nil { // of a type that reads its JSON itself
		return Invalid("argument %d: %v", i+1, err)
	}
	return nil
}

// wanted is what JavaScript calls the values that a Go type takes.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "a boolean"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number that is not too large"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.String:
		return "a string"
	case reflect.Slice, reflect.Array:
		return "an array"
	}
	return "an object"
}
