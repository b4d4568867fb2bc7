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
func Format[V any](r Reader[V], args []V) string {
	var b strings.Builder
	if len(args) > 1 && r.Kind(args[0]) == runtime.KindString {
		n := formatVerbs(&b, r, r.String(args[0]), args[1:])
		args = args[1+n:]
		if len(args) > 0 {
			b.WriteByte(' ')
		}
	}
	for i, v := range args {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(display(r, v))
		if b.Len() > runtime.MaxLineBytes {
			break
		}
	}
	return b.String()
}

// formatVerbs returns how many arguments the format used.
func formatVerbs[V any](b *strings.Builder, r Reader[V], format string, args []V) int {
	used := 0
	for {
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
			b.WriteString(formatVerb(r, verb, args[used]))
			used++
		}
	}
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
			return string(literal.AppendQuoted(nil, r.String(v)))
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
