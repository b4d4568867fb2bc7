package harnesstest

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
)

// logLimit is how much of a server's log is kept for a test that fails: as much as
// somebody reads.
const logLimit = 256 << 10

// logTail keeps the end of a log.
type logTail struct {
	mu   sync.Mutex
	tail []byte
	cut  int // bytes that went before
}

// Write takes whole lines, as slog writes them.
func (l *logTail) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tail = append(l.tail, p...)
	if extra := len(l.tail) - logLimit; extra > logLimit { // not with each line
		if end := bytes.IndexByte(l.tail[extra:], '\n'); end >= 0 {
			extra += end + 1
		}
		l.cut += extra
		l.tail = append(l.tail[:0], l.tail[extra:]...)
	}
	return len(p), nil
}

// show writes the log to the output of a test that has failed.
func (l *logTail) show(tb testing.TB) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !tb.Failed() || len(l.tail) == 0 {
		return
	}
	if l.cut > 0 {
		fmt.Fprintf(tb.Output(), "the server's log, without its first %d bytes:\n", l.cut)
	} else {
		fmt.Fprintln(tb.Output(), "the server's log:")
	}
	tb.Output().Write(l.tail)
}
