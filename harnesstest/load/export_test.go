package load

import (
	"bufio"
	"bytes"
)

// ReadAnswer is the reader of answers, for fuzzing.
func ReadAnswer(r *bufio.Reader) (Answer, error) { return readAnswer(r, false, new(bytes.Buffer)) }
