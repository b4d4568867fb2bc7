package js

import (
	"math"
	"strconv"
	"strings"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/literal"
)

// Format prints the arguments of console.log as Node does: %s %d %i %f %j %o %O
// %c and %% in a first string, the other arguments behind it. Objects are JSON.
// It stops where the line would be cut.
func Format[V any](r Reader[V], args []V) string {
	var b line
	if len(args) > 1 && r.Kind(args[0]) == runtime.KindString {
		n := formatVerbs(&b, r, head(r.String(args[0])), args[1:])
		args = args[1+n:]
		if len(args) > 0 {
			b.WriteByte(' ')
		}
	}
	for i, v := range args {
		if b.full() {
			break
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		b.add(display(r, v))
	}
	return b.String()
}

// line is a line that is being put together, up to a little more than is kept of
// it, so that it is seen that there was more.
type line struct{ strings.Builder }

func (b *line) add(text string) { b.WriteString(head(text)) }

func (b *line) full() bool { return b.Len() > runtime.MaxLineBytes }

// head is as much of a text as can matter.
func head(text string) string { return text[:min(len(text), runtime.MaxLineBytes+1)] }

// formatVerbs returns how many arguments the format used.
func formatVerbs[V any](b *line, r Reader[V], format string, args []V) int {
	used := 0
	for !b.full() {
		i := strings.IndexByte(format, '%')
		if i < 0 || i+1 == len(format) {
			b.WriteString(format)
			return used
		}
		b.WriteString(format[:i])
		verb := format[i+1]
		format = format[i+2:]
		switch {
		case verb == '%':
			b.WriteByte('%')
		case strings.IndexByte("sdifjoOc", verb) < 0 || used == len(args):
			b.WriteByte('%')
			b.WriteByte(verb)
		default:
			b.add(formatVerb(r, verb, args[used]))
			used++
		}
	}
	return used
}

func formatVerb[V any](r Reader[V], verb byte, v V) string {
	switch verb {
	case 'd', 'i', 'f':
		f := toNumber(r, v)
		if verb == 'i' {
			f = math.Trunc(f)
		}
		return literal.FormatNumber(f)
	case 'j':
		out, ok, err := AppendJSON(nil, r, v, "", runtime.MaxLineBytes)
		switch {
		case err == errTooLarge:
			return string(out)
		case err != nil:
			return "[Circular]"
		case !ok:
			return "undefined"
		}
		return string(out)
	case 'o', 'O':
		if r.Kind(v) == runtime.KindString {
			return string(literal.AppendQuoted(nil, head(r.String(v))))
		}
	case 'c':
		return "" // CSS, which a log has no use for
	}
	return display(r, v)
}

func toNumber[V any](r Reader[V], v V) float64 {
	switch r.Kind(v) {
	case runtime.KindNumber:
		return r.Number(v)
	case runtime.KindBool:
		if r.Bool(v) {
			return 1
		}
		return 0
	case runtime.KindNull:
		return 0
	case runtime.KindString:
		s := strings.TrimSpace(r.String(v))
		if s == "" {
			return 0
		}
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return f
		}
	}
	return math.NaN()
}

func display[V any](r Reader[V], v V) string {
	switch r.Kind(v) {
	case runtime.KindString:
		return r.String(v)
	case runtime.KindUndefined:
		return "undefined"
	case runtime.KindNumber:
		if f := r.Number(v); f == 0 && math.Signbit(f) {
			return "-0"
		}
		return literal.FormatNumber(r.Number(v))
	case KindFunction, KindSymbol, KindBigInt, KindError, runtime.KindBytes:
		return r.Describe(v)
	}
	w := jsonWriter[V]{r: r, mode: modeDisplay, limit: runtime.MaxLineBytes}
	ok, err := w.value(v, "", -1, nil)
	if !ok && err == nil {
		return "undefined"
	}
	return string(w.out)
}
