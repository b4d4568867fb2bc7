package js

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/literal"
)

// Reader looks into the values of an engine, whose type is V. The rules for
// JSON, console text and responses are written once over it. Its methods may
// run JavaScript (a getter, toJSON), which may end the goroutine.
type Reader[V any] interface {
	// Kind sees through Boolean, Number and String objects.
	Kind(v V) runtime.Kind
	Bool(v V) bool
	Number(v V) float64
	String(v V) string
	// Units is String with each half of a surrogate pair that stands alone as three bytes,
	// which are no UTF-8. Keys has them so, and Get takes them.
	Units(v V) string
	// Bytes are those of a KindBytes.
	Bytes(v V) []byte
	// Len and Index read an array; a hole is undefined.
	Len(v V) int
	Index(v V, i int) V
	// Keys are an object's own enumerable string keys, in the language's order.
	Keys(v V) []string
	Get(v V, key string) V
	// ToJSON calls the value's toJSON method, if it has one.
	ToJSON(v V, key string) (V, bool)
	// Describe prints what JSON can't: a function, a symbol, an error.
	Describe(v V) string
	Same(a, b V) bool
	// Class is "Date", "RegExp", "Map", "Set", "Promise" or what else an engine has of which
	// JSON has nothing, for one of these, else "".
	Class(v V) string
	// Plain tells an object as {...} makes it, or one that inherits nothing: what others
	// have may be where Keys doesn't see it.
	Plain(v V) bool
	// Web calls a method by which a Response or Headers of package bundle shows what it
	// has, [WebAnswer] or [WebHeaders]; ok is false for any other object.
	Web(v V, method string) (shown V, ok bool)
	// Unread returns the JSON text that an object stands for which only an answer has.
	Unread(v V) (text []byte, ok bool)
	// FromRequest reports whether an object came in with the request or out of
	// JSON.parse, or is a copy of one. It need know that only of objects that have a
	// property whose name begins with $.
	FromRequest(v V) bool
	// Check is a checkpoint: it doesn't return when the run has to end.
	Check()
}

// Nesting limits. Data crosses to Go and into storage, where 100 levels are
// more than anyone means; printing follows JSON.stringify up to a depth that no
// stack notices.
const (
	maxDataDepth  = 100
	maxPrintDepth = 2000
)

var errTooLarge = errors.New("the text is longer than allowed")

type jsonMode uint8

const (
	modeData    jsonMode = iota // host arguments: refuse what JSON would lose
	modePrint                   // exactly as JSON.stringify
	modeDisplay                 // console: never fails
)

// jsonWriter appends a value's JSON text to out. Its methods are passed what is
// open, the objects being written, for cycles: as a part of the writer that would
// be on the heap. So a small value costs one allocation, its text.
type jsonWriter[V any] struct {
	r     Reader[V]
	mode  jsonMode
	limit int // bytes
	out   []byte
	path  []segment // where the writer is, for the errors of modeData; of an answer the way back from an error
	gap   string
	keys  []string // the outermost object's, if they are known
	count uint     // of values
	exact bool     // modeData: see runtime.Exact
	below []string // below which the rest is exact

	answer bool   // modePrint of an answer: refuse what isn't known yet
	lossy  string // what JSON loses of the answer, if anything, and
	placed int    // how many of the objects around it are still missing from path
}

// valuesBetween is how many values are written between two checkpoints.
const valuesBetween = 16

// usualDepth is how deep most values nest.
const usualDepth = 8

type segment struct {
	key   string
	index int // -1 for a key
}

// AppendData appends a value as strict JSON, for Go: a cycle, a function, a
// symbol, NaN, an infinity, invalid UTF-8, or nesting past 100 levels is a
// [*HostError] with the code INVALID and the path of what is wrong. Undefined
// properties are left out, and undefined in an array is an error. exact, which may be
// nil, refuses more.
func AppendData[V any](dst []byte, r Reader[V], v V, limit int, exact *runtime.Exact) ([]byte, error) {
	var open [usualDepth]V
	w := jsonWriter[V]{r: r, mode: modeData, out: dst, limit: limit}
	if exact != nil {
		w.exact, w.below = len(exact.Below) == 0, exact.Below
	}
	_, err := w.value(v, "", -1, open[:0])
	return w.out, err
}

// AppendJSON appends a value as JSON.stringify(v, null, gap) prints it. ok is
// false when there is nothing to print: undefined, a function or a symbol.
func AppendJSON[V any](dst []byte, r Reader[V], v V, gap string, limit int) (out []byte, ok bool, err error) {
	var open [usualDepth]V
	w := jsonWriter[V]{r: r, mode: modePrint, out: dst, gap: gap, limit: limit}
	ok, err = w.value(v, "", -1, open[:0])
	return w.out, ok, err
}

// appendAnswer is AppendJSON of an answer's body, whose keys may be known if it is an
// object. warn is told what has something that JSON hasn't, and is {} in it.
func appendAnswer[V any](dst []byte, r Reader[V], v V, limit int, keys []string, warn func(string)) (out []byte, ok bool, err error) {
	var open [usualDepth]V
	w := jsonWriter[V]{r: r, mode: modePrint, out: dst, limit: limit, keys: keys, answer: true}
	ok, err = w.value(v, "", -1, open[:0])
	slices.Reverse(w.path)
	if refused, is := errors.AsType[*runtime.HostError](err); is && w.lossy == "" && len(w.path) > 0 && len(w.path) <= maxDataDepth {
		refused.Message = w.where() + ": " + refused.Message
	}
	if err == nil && w.lossy != "" {
		if place := w.where(); place != "" {
			w.lossy = place + ": " + w.lossy
		}
		warn("in the answer, " + w.lossy)
	}
	return w.out, ok, err
}

// enter and leave keep the path, which only modeData has a use for.
func (w *jsonWriter[V]) enter(s segment) {
	if w.mode == modeData {
		w.path = append(w.path, s)
	}
}

func (w *jsonWriter[V]) leave() {
	if w.mode == modeData {
		w.path = w.path[:len(w.path)-1]
	}
}

// under notes on the way out of an answer where an error is, or what JSON loses, below an
// object at a depth: most answers have neither, and so pay for no path.
func (w *jsonWriter[V]) under(s segment, depth int, err error) {
	if w.answer && (err != nil && w.lossy == "" || w.placed > depth) {
		w.path, w.placed = append(w.path, s), depth
	}
}

func (w *jsonWriter[V]) where() string {
	var b []byte
	for _, s := range w.path {
		switch {
		case s.index >= 0:
			b = append(b, '[')
			b = strconv.AppendInt(b, int64(s.index), 10)
			b = append(b, ']')
		case isIdentifier(s.key):
			if len(b) > 0 {
				b = append(b, '.')
			}
			b = append(b, s.key...)
		default:
			b = append(b, '[')
			b = literal.AppendQuoted(b, s.key)
			b = append(b, ']')
		}
	}
	return string(b)
}

// value writes v and reports whether there was something to write. It is under
// a key or, from 0 on, an index.
func (w *jsonWriter[V]) value(v V, key string, index int, open []V) (bool, error) {
	if w.count++; w.count%valuesBetween == 0 {
		w.r.Check()
	}
	if len(w.out) > w.limit {
		return false, errTooLarge
	}
	kind := w.r.Kind(v)
	if w.exact {
		if done, err := w.exactValue(v, kind, key); done || err != nil {
			return true, err
		}
	}
	if w.answer && kind == KindObject {
		if text, ok := w.r.Unread(v); ok {
			if w.out = append(w.out, text...); len(w.out) > w.limit {
				return false, errTooLarge
			}
			return true, nil
		}
	}
	if kind >= KindArray || kind == runtime.KindBytes {
		if index >= 0 {
			key = strconv.Itoa(index)
		}
		if u, ok := w.r.ToJSON(v, key); ok {
			if w.mode == modeData && kind == KindObject && w.r.Kind(u) == runtime.KindNull && w.r.Class(v) == "Date" {
				return false, w.fail("it is an invalid Date, which would be stored as null; check what it was made of")
			}
			v, kind, w.keys = u, w.r.Kind(u), nil
		}
	}
	switch kind {
	case runtime.KindNull:
		w.out = append(w.out, "null"...)
	case runtime.KindBool:
		w.out = strconv.AppendBool(w.out, w.r.Bool(v))
	case runtime.KindNumber:
		return true, w.number(w.r.Number(v))
	case runtime.KindString:
		s := w.r.Units(v)
		if w.mode == modeData && !utf8.ValidString(s) {
			return false, w.fail("the string has a lone surrogate or invalid UTF-8")
		}
		return true, w.quoted(s)
	case runtime.KindUndefined:
		if w.mode == modeData && index >= 0 {
			return false, w.fail("undefined is not JSON; use null")
		}
		return false, nil
	case KindFunction, KindSymbol, KindBigInt:
		return w.unprintable(v, kind)
	case KindArray:
		return true, w.nested(v, true, open)
	case KindError:
		if w.mode == modeDisplay {
			w.out = literal.AppendQuoted(w.out, w.r.Describe(v))
			return true, nil
		}
		return true, w.nested(v, false, open)
	case runtime.KindBytes:
		if w.mode == modeData {
			return false, w.fail("bytes are not JSON; use their toString('base64')")
		}
		return true, w.nested(v, false, open)
	default:
		if w.answer {
			if err := w.lost(v); err != nil {
				return false, err
			}
		}
		return true, w.nested(v, false, open)
	}
	return true, nil
}

// quoted writes a string, a long one in pieces: it may become six times as long.
func (w *jsonWriter[V]) quoted(s string) error {
	const piece = 64 << 10
	w.out = append(w.out, '"')
	for len(s) > piece {
		end := piece
		for end > piece-utf8.UTFMax && !utf8.RuneStart(s[end]) {
			end--
		}
		w.r.Check()
		w.out = literal.AppendEscaped(w.out, s[:end])
		if s = s[end:]; len(w.out) > w.limit {
			return errTooLarge
		}
	}
	w.out = append(literal.AppendEscaped(w.out, s), '"')
	if len(w.out) > w.limit {
		return errTooLarge
	}
	return nil
}

func (w *jsonWriter[V]) unprintable(v V, kind runtime.Kind) (bool, error) {
	switch {
	case w.mode == modeData, kind == KindBigInt && w.mode == modePrint:
		return false, w.fail("%s is not JSON", kindName(kind))
	case w.mode == modeDisplay:
		w.out = append(w.out, w.r.Describe(v)...)
		return true, nil
	}
	return false, nil
}

func (w *jsonWriter[V]) number(f float64) error {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		switch w.mode {
		case modeData:
			return w.fail("%s is not JSON", literal.FormatNumber(f))
		case modeDisplay:
			w.out = append(w.out, literal.FormatNumber(f)...)
		default:
			w.out = append(w.out, "null"...)
		}
		return nil
	}
	w.out = literal.AppendNumber(w.out, f)
	return nil
}

// nested guards what all containers share: cycles and depth.
func (w *jsonWriter[V]) nested(v V, array bool, open []V) error {
	for _, o := range open {
		if w.r.Same(o, v) {
			if w.mode == modeDisplay {
				w.out = append(w.out, "[Circular]"...)
				return nil
			}
			return w.fail("the value contains itself: cycles are not JSON")
		}
	}
	most := maxPrintDepth
	if w.mode == modeData {
		most = maxDataDepth
	}
	if len(open) >= most {
		if w.mode == modeDisplay {
			w.out = append(w.out, "[Object]"...)
			return nil
		}
		return w.fail("the value is nested deeper than %d levels", most)
	}
	open = append(open, v)
	if array {
		return w.array(v, open)
	}
	return w.object(v, open)
}

func (w *jsonWriter[V]) array(v V, open []V) error {
	w.out = append(w.out, '[')
	n := w.r.Len(v)
	for i := range n {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.newline(len(open))
		w.enter(segment{index: i})
		ok, err := w.value(w.r.Index(v, i), "", i, open)
		if w.under(segment{index: i}, len(open), err); err != nil {
			return err
		}
		w.leave()
		if !ok {
			w.out = append(w.out, "null"...)
		}
	}
	if n > 0 {
		w.newline(len(open) - 1)
	}
	w.out = append(w.out, ']')
	return nil
}

func (w *jsonWriter[V]) object(v V, open []V) error {
	w.out = append(w.out, '{')
	first := true
	keys := w.keys
	if w.keys = nil; keys == nil {
		keys = w.r.Keys(v)
	}
	for _, key := range keys {
		mark := len(w.out)
		if !first {
			w.out = append(w.out, ',')
		}
		w.newline(len(open))
		if w.mode == modeData && !utf8.ValidString(key) {
			return w.fail("a key has a lone surrogate or invalid UTF-8")
		}
		if err := w.quoted(key); err != nil {
			return err
		}
		w.out = append(w.out, ':')
		if w.gap != "" {
			w.out = append(w.out, ' ')
		}
		ok, err := w.property(v, key, open)
		if w.under(segment{key: key, index: -1}, len(open), err); err != nil {
			return err
		}
		if !ok {
			w.out = w.out[:mark]
			continue
		}
		first = false
	}
	if !first {
		w.newline(len(open) - 1)
	} else if w.mode == modeData || w.answer {
		return w.empty(v, len(open))
	}
	w.out = append(w.out, '}')
	return nil
}

// property writes the value of a property.
func (w *jsonWriter[V]) property(v V, key string, open []V) (bool, error) {
	defer func(was bool) { w.exact = was }(w.exact)
	w.enter(segment{key: key, index: -1})
	if len(w.below) > 0 && len(w.path) == 2 && slices.Contains(w.below, key) {
		w.exact = true
	}
	if w.exact && key != "" && key[0] == '$' && w.r.FromRequest(v) {
		return false, w.inexact("OPERATOR_FROM_REQUEST",
			"the operator came in with the request, so it is data; write it here, as in {%s: request.query.value}", key)
	}
	ok, err := w.value(w.r.Get(v, key), key, -1, open)
	if err == nil {
		w.leave()
	}
	return ok, err
}

func (w *jsonWriter[V]) newline(depth int) {
	if w.gap == "" {
		return
	}
	w.out = append(w.out, '\n')
	for range depth {
		w.out = append(w.out, w.gap...)
	}
}
