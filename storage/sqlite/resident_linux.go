package sqlite

import (
	"bytes"
	"os"
	"strconv"
)

// residentBytes is how much memory the process has (proc(5), /proc/pid/statm).
func residentBytes() (int64, bool) {
	text, err := os.ReadFile("/proc/self/statm")
	fields := bytes.Fields(text)
	if err != nil || len(fields) < 2 {
		return 0, false
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	return pages * int64(os.Getpagesize()), err == nil
}
