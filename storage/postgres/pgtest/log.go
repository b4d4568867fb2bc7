package pgtest

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// logShown is how much of a server's log a failure shows, from its end.
const logShown = 8 << 10

func (c *Cluster) logFile() string { return filepath.Join(c.folder, "log") }

// showLog shows what the server has logged since the last failure, if the test failed.
func (c *Cluster) showLog(tb testing.TB) {
	if !tb.Failed() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	text, size := readFrom(c.logFile(), c.logSeen)
	c.logSeen = size
	if text != "" {
		tb.Logf("the log of PostgreSQL at port %d:\n%s", c.port, text)
	}
}

// logTail is the end of the log.
func (c *Cluster) logTail() string {
	text, _ := readFrom(c.logFile(), 0)
	return text
}

// readFrom returns what a file has from offset on, or the end of that, and its size.
func readFrom(path string, offset int64) (string, int64) {
	f, err := os.Open(path)
	if err != nil {
		return "", offset
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", offset
	}
	offset = max(offset, info.Size()-logShown)
	text, err := io.ReadAll(io.NewSectionReader(f, offset, info.Size()-offset))
	if err != nil {
		return "", offset
	}
	return strings.TrimSpace(string(text)), info.Size()
}
