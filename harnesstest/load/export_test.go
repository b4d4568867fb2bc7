package load

import (
	"bufio"
	"bytes"
)

// ReadAnswer is the reader of answers, for fuzzing.
func ReadAnswer(r *bufio.Reader) (Answer, error) { return readAnswer(r, false, new(bytes.Buffer)) }

// FakeClock is the load in a synctest bubble.
func FakeClock(l Load) Load {
	l.fakeClock = true
	return l
}
