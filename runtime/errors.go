package runtime

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Codes of [Error].
const (
	CodeSyntax      = "SYNTAX_ERROR"    // the source can't be parsed
	CodeUnsupported = "UNSUPPORTED"     // an engine can't run the source as its author meant it
	CodeLoad        = "LOAD_ERROR"      // no main file, too much source, an unknown engine
	CodeHandler     = "HANDLER_ERROR"   // JavaScript threw, or answered what can't be sent
	CodeInternal    = "ENGINE_ERROR"    // an engine or a host function panicked
	CodeCPU         = "BUDGET_CPU"      // Limits.CPU
	CodeWall        = "BUDGET_WALL"     // the context's deadline
	CodeMemory      = "BUDGET_MEMORY"   // Limits.Memory
	CodeResponse    = "BUDGET_RESPONSE" // Limits.ResponseBytes
	CodeCanceled    = "CANCELED"        // the context was canceled
	CodeInvalid     = "INVALID"         // a value that can't cross to Go, see HostError
)

// Error is why a source didn't load or a run failed.
type Error struct {
	// Code is one of the Code constants.
	Code string
	// Name, Message and Stack are those of the JavaScript error. For a thrown
	// value that isn't an Error, Message is its text and Name is empty.
	Name    string
	Message string
	Stack   string
	// ThrownCode is the code property of the thrown error, "" without one.
	ThrownCode string
	// File, Line and Column are where it happened in the author's source,
	// counted from 1; 0 is unknown. SourceLine is that line.
	File       string
	Line       int
	Column     int
	SourceLine string
	// Allowed and Used describe a budget that was exceeded, with their unit.
	Allowed string
	Used    string
	// Err is the Go error behind it, such as the context's.
	Err error
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File)
		if e.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
		}
		b.WriteString(": ")
	}
	if e.Name != "" {
		b.WriteString(e.Name + ": ")
	}
	b.WriteString(e.Message)
	if e.Allowed != "" {
		fmt.Fprintf(&b, " (allowed %s, used %s)", e.Allowed, e.Used)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// Excerpt shows SourceLine, and below it a caret at Column:
//
//	3 | return foo.bar
//	  |           ^
//
// It is empty when there is no line to show, and of a long line, such as a minified
// one, it has the part around the column. Columns count bytes.
func (e *Error) Excerpt() string {
	if e.SourceLine == "" || e.Line < 1 {
		return ""
	}
	const before, width = 50, 80 // characters
	column := max(e.Column-1, 0)
	known := column <= len(e.SourceLine) // what is past 400 bytes was cut off
	if !known {
		column = 0
	}
	text := []rune(e.SourceLine)
	at := utf8.RuneCountInString(e.SourceLine[:column])
	from := max(0, at-before)
	n := strconv.Itoa(e.Line)
	out := fmt.Sprintf("%s | %s", n, string(text[from:min(len(text), from+width)]))
	if !known {
		return out
	}
	indent := make([]rune, 0, at-from)
	for _, r := range text[from:at] {
		if r != '\t' {
			r = ' '
		}
		indent = append(indent, r)
	}
	return fmt.Sprintf("%s\n%s | %s^", out, strings.Repeat(" ", len(n)), string(indent))
}

// locate fills SourceLine in from the text of its file.
func (e *Error) locate(text string) *Error {
	if e.SourceLine != "" || e.Line < 1 {
		return e
	}
	rest := text
	for range e.Line - 1 {
		_, after, ok := strings.Cut(rest, "\n")
		if !ok {
			return e
		}
		rest = after
	}
	line, _, _ := strings.Cut(rest, "\n")
	const most = 400 // a minified bundle is one line of megabytes
	line = strings.TrimSuffix(line, "\r")
	if len(line) > most {
		line = strings.ToValidUTF8(line[:most], "") + "..."
	}
	e.SourceLine = line
	return e
}

// HostError is an error from a [Func] that says how it looks to JavaScript:
// an Error with this name, code and message. Any other error that a Func
// returns becomes an Error with its text and no code.
type HostError struct {
	Name    string // default: "Error"
	Code    string // "" adds no code property
	Message string
	Err     error
}

func (e *HostError) Error() string {
	if e.Code != "" {
		return e.Code + ": " + e.Message
	}
	return e.Message
}

func (e *HostError) Unwrap() error { return e.Err }

// Stop is an error from a [Func] that ends the run at once with Response.
// JavaScript can't catch it.
type Stop struct {
	Response Response
}

func (s *Stop) Error() string { return fmt.Sprintf("run ended with status %d", s.Response.Status) }

// Invalid returns the error for a value that can't cross to Go: a TypeError
// with the code INVALID.
func Invalid(format string, args ...any) *HostError {
	return &HostError{Name: "TypeError", Code: CodeInvalid, Message: fmt.Sprintf(format, args...)}
}
