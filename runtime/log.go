package runtime

import (
	"fmt"
	"strings"
	"time"
)

const (
	// MaxLineBytes bounds the text of a [Line], and the message and the stack of
	// an [Error]. What is longer is cut before anything is done with it.
	MaxLineBytes = 8 << 10
	// MaxLogBytes bounds the lines of one run together. What comes after is
	// dropped, as what is past [Limits.LogLines].
	MaxLogBytes = 1 << 20
)

// Print logs a line.
func (x *Exec) Print(level, text string) {
	text = cut(text)
	if len(x.log) >= x.Limits.LogLines || x.logged+len(text) > MaxLogBytes {
		x.dropped++
		return
	}
	x.logged += len(text)
	x.log = append(x.log, Line{Time: time.Now(), Level: level, Text: text})
}

// cut is as much of a text as is kept. It is a copy, so that the rest can be
// forgotten.
func cut(text string) string {
	const mark = "... (cut)"
	if len(text) <= MaxLineBytes {
		return text
	}
	return strings.ToValidUTF8(text[:MaxLineBytes-len(mark)], "") + mark
}

// lines returns the log, whose last line says what was dropped.
func (x *Exec) lines() []Line {
	if x.dropped > 0 {
		x.log[len(x.log)-1] = Line{Time: time.Now(), Level: "warn",
			Text: fmt.Sprintf("%d more lines were dropped: a run may log %d lines and %d MiB", x.dropped+1, x.Limits.LogLines, MaxLogBytes>>20)}
	}
	return x.log
}

// cut cuts what the author's source gave.
func (e *Error) cut() {
	for _, text := range []*string{&e.Name, &e.Message, &e.Stack, &e.ThrownCode} {
		*text = cut(*text)
	}
}
