package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/term"

	"github.com/fazt-sh/fazt/runtime"
)

// isTerminal reports whether w shows its text to a person.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// takesColor reports whether w is a terminal of a person who wants colours; see
// https://no-color.org.
func takesColor(w io.Writer) bool {
	return isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// A style is a terminal's escape sequence.
type style string

const (
	plain  style = ""
	dim    style = "\x1b[2m"
	bold   style = "\x1b[1m"
	red    style = "\x1b[31m"
	green  style = "\x1b[32m"
	yellow style = "\x1b[33m"
)

// console prints what happens while an app is developed, an event a line. It
// is the server's log handler as well, so that handlers' output and the
// command's own never mix within a line.
type console struct {
	out   *consoleWriter
	app   string // whose lines need not say whose they are
	attrs []slog.Attr
}

type consoleWriter struct {
	mu    sync.Mutex
	w     io.Writer
	color bool
}

func newConsole(w io.Writer, app string) *console {
	return &console{out: &consoleWriter{w: w, color: takesColor(w)}, app: app}
}

func (c *console) paint(s style, text string) string {
	if !c.out.color || s == plain {
		return text
	}
	return string(s) + text + "\x1b[0m"
}

// event prints one event: when, what kind, and text, whose further lines are
// set below the first.
func (c *console) event(at time.Time, s style, kind, text string) {
	const indent = "                 "
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s  %s\n", c.paint(dim, at.Format(time.TimeOnly)), c.paint(s, fmt.Sprintf("%-5s", kind)), printable(lines[0]))
	for _, line := range lines[1:] {
		b.WriteString(indent + printable(line) + "\n")
	}
	// A console that is gone is no reason to stop serving.
	_, _ = io.WriteString(c, b.String())
}

// Write prints text as it is.
func (c *console) Write(text []byte) (int, error) {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	return c.out.w.Write(text)
}

// Enabled shows a handler's console.debug, but not the server's own.
func (c *console) Enabled(context.Context, slog.Level) bool { return true }

// Handle prints a record: a line of a handler's console, a handler's error, or
// a warning of the server's.
func (c *console) Handle(_ context.Context, r slog.Record) error {
	attrs := make(map[string]slog.Value)
	add := func(a slog.Attr) bool {
		attrs[a.Key] = a.Value.Resolve()
		return true
	}
	for _, a := range c.attrs {
		add(a)
	}
	r.Attrs(add)
	text := r.Message
	switch {
	case attrs["source"].String() == "console":
	case attrs["source"].String() == "request":
		c.request(r.Time, attrs)
		return nil
	case r.Level < slog.LevelWarn:
		return nil
	case attrs["line"].Kind() == slog.KindInt64:
		at := runtime.Error{Line: int(attrs["line"].Int64()), Column: int(attrs["column"].Int64()), SourceLine: attrs["source_line"].String()}
		text = below(fmt.Sprintf("%v %v: %v", attrs["method"], attrs["path"], attrs["error"]), at.Excerpt())
	default:
		if err, ok := attrs["error"].Any().(error); ok {
			text += ": " + describe(err)
		}
	}
	if app, ok := attrs["app"]; ok && app.String() != c.app {
		text = app.String() + ": " + text
	}
	kind, s := kindOf(r.Level)
	c.event(r.Time, s, kind, text)
	return nil
}

// request prints what a request was answered, and what that took.
func (c *console) request(at time.Time, attrs map[string]slog.Value) {
	took := func(name string) time.Duration { return attrs[name].Duration().Round(10 * time.Microsecond) }
	text := fmt.Sprintf("%v %v  %v", attrs["method"], attrs["path"], took("duration"))
	if app := attrs["app"].String(); app != c.app {
		text = app + ": " + text
	}
	if _, ran := attrs["cpu"]; ran {
		text += fmt.Sprintf("  cpu %v  storage %v", took("cpu"), took("storage"))
		if n := attrs["operations"].Int64(); n > 0 {
			text += " in " + count(int(n), "operation")
		}
	}
	s := plain
	switch status := attrs["status"].Int64(); {
	case status >= 500:
		s = red
	case status >= 400:
		s = yellow
	}
	c.event(at, s, attrs["status"].String(), text)
}

// WithAttrs follows [slog.Handler].
func (c *console) WithAttrs(attrs []slog.Attr) slog.Handler {
	out := *c
	out.attrs = append(slices.Clip(c.attrs), attrs...)
	return &out
}

// WithGroup follows [slog.Handler]; groups have no place on the console.
func (c *console) WithGroup(string) slog.Handler { return c }

func kindOf(level slog.Level) (string, style) {
	switch {
	case level >= slog.LevelError:
		return "error", red
	case level >= slog.LevelWarn:
		return "warn", yellow
	case level >= slog.LevelInfo:
		return "log", plain
	}
	return "debug", dim
}

// describe is an error in full: a JavaScript error is where it happened, what
// it says, and below that its source line.
func describe(err error) string {
	if e, ok := errors.AsType[*runtime.Error](err); ok {
		return below(e.Error(), e.Excerpt())
	}
	return oneLine(err)
}

// below sets an excerpt, if there is one, below a text.
func below(text, excerpt string) string {
	if excerpt == "" {
		return text
	}
	return text + "\n" + excerpt
}

// printable replaces what could move a terminal's cursor or change its colours.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
