package js

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/literal"
)

// Console is what one run's console remembers. The zero value is ready.
type Console struct {
	counts map[string]int
	timers map[string]time.Time
	indent int // groups that are open
}

// Bounds of what a console remembers: more groups look no different, and more labels are
// no labels.
const (
	maxIndent = 32
	maxLabels = 1000
	maxTitle  = 256 // bytes of a label
)

// ConsoleCall does what a function of console does with its arguments, as Node does. print
// logs a line, and stack gives the places where the call is, the innermost first.
func ConsoleCall[V any](c *Console, r Reader[V], part *runtime.HostValue, args []V, print func(level, text string), stack func() []string) {
	say := func(text string) { print(part.Level, c.indented(text)) }
	switch method := part.Console; method {
	case "dir":
		if len(args) > 1 {
			args = args[:1] // the others are options about colours and depth
		}
		say(Format(r, args))
	case "assert":
		if len(args) == 0 || !truthy(r, args[0]) {
			say(withTitle(r, "Assertion failed", args[min(1, len(args)):]))
		}
	case "trace":
		say(strings.Join(append([]string{withTitle(r, "Trace", args)}, stack()...), "\n    at "))
	case "count", "countReset":
		c.count(method, label(r, args), print, say)
	case "time", "timeEnd", "timeLog":
		text := ""
		if method == "timeLog" && len(args) > 1 {
			text = " " + Format(r, args[1:])
		}
		c.time(method, label(r, args), text, print, say)
	case "group", "groupCollapsed":
		if len(args) > 0 {
			say(Format(r, args))
		}
		c.indent++
	case "groupEnd":
		c.indent = max(0, c.indent-1)
	case "table":
		say(table(r, args))
	default:
		say(Format(r, args))
	}
}

func (c *Console) indented(text string) string {
	if c.indent == 0 {
		return text
	}
	space := strings.Repeat("  ", min(c.indent, maxIndent))
	return space + strings.ReplaceAll(text, "\n", "\n"+space)
}

// withTitle is the text of arguments behind a title.
func withTitle[V any](r Reader[V], title string, args []V) string {
	if len(args) == 0 {
		return title
	}
	return title + ": " + Format(r, args)
}

func truthy[V any](r Reader[V], v V) bool {
	switch r.Kind(v) {
	case runtime.KindUndefined, runtime.KindNull:
		return false
	case runtime.KindBool:
		return r.Bool(v)
	case runtime.KindNumber:
		f := r.Number(v)
		return f != 0 && !math.IsNaN(f)
	case runtime.KindString:
		return r.String(v) != ""
	}
	return true
}

func label[V any](r Reader[V], args []V) string {
	if len(args) == 0 || r.Kind(args[0]) == runtime.KindUndefined {
		return "default"
	}
	text := display(r, args[0])
	if len(text) > maxTitle {
		text = strings.ToValidUTF8(text[:maxTitle], "")
	}
	return text
}

func (c *Console) count(method, label string, print func(level, text string), say func(string)) {
	if c.counts == nil {
		c.counts = make(map[string]int)
	}
	n, known := c.counts[label]
	switch {
	case method == "countReset" && known:
		delete(c.counts, label)
	case method == "countReset":
		print("warn", c.indented("Count for '"+label+"' does not exist"))
	case !known && len(c.counts) >= maxLabels:
		print("warn", c.indented(fmt.Sprintf("console.count: there are more than %d labels", maxLabels)))
	default:
		c.counts[label] = n + 1
		say(label + ": " + strconv.Itoa(n+1))
	}
}

func (c *Console) time(method, label, text string, print func(level, text string), say func(string)) {
	if c.timers == nil {
		c.timers = make(map[string]time.Time)
	}
	start, running := c.timers[label]
	switch {
	case method != "time" && running:
		say(label + ": " + elapsed(time.Since(start)) + text)
		if method == "timeEnd" {
			delete(c.timers, label)
		}
	case method != "time":
		print("warn", c.indented("No such label '"+label+"' for console."+method+"()"))
	case running:
		print("warn", c.indented("Label '"+label+"' already exists for console.time()"))
	case len(c.timers) >= maxLabels:
		print("warn", c.indented(fmt.Sprintf("console.time: there are more than %d labels", maxLabels)))
	default:
		c.timers[label] = time.Now()
	}
}

// elapsed prints a time as Node does: 1.234ms, 1.234s.
func elapsed(d time.Duration) string {
	if d >= time.Second {
		return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) + "s"
	}
	return literal.FormatNumber(math.Round(float64(d)/1e3)/1e3) + "ms"
}
