package harnesstest

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// labelKey marks the goroutines of one server. Goroutines inherit the labels of
// the one that starts them, so a server's can be told from those of tests that
// run in parallel.
const labelKey = "harnesstest"

var labels atomic.Int64

// labelled runs f in a goroutine whose descendants all carry the label that it
// returns.
func labelled(name string, f func()) (label string) {
	label = name + "#" + strconv.FormatInt(labels.Add(1), 10)
	go pprof.Do(context.Background(), pprof.Labels(labelKey, label), func(context.Context) { f() })
	return label
}

// leakPatience is how long goroutines get to end after the server has closed.
// It is long, since it is only ever waited for in full by a test that fails.
const leakPatience = 20 * time.Second

// leaked returns the stacks of the goroutines with a label that do not end
// within patience.
func leaked(label string, patience time.Duration) []string {
	deadline := time.Now().Add(patience)
	for pause := time.Millisecond; ; pause = min(2*pause, time.Second) {
		stacks := withLabel(label)
		if len(stacks) == 0 || time.Now().After(deadline) {
			return stacks
		}
		time.Sleep(pause)
	}
}

// withLabel reads the goroutine profile, whose text form has an entry for each
// distinct stack, with its labels, between empty lines.
func withLabel(label string) []string {
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		return []string{err.Error()}
	}
	want := strconv.Quote(labelKey) + ":" + strconv.Quote(label)
	var stacks []string
	for entry := range strings.SplitSeq(profile.String(), "\n\n") {
		if strings.Contains(entry, want) {
			stacks = append(stacks, entry)
		}
	}
	return stacks
}

// stillOpen returns the files of a data file that this process has open: itself, and
// what the engine keeps beside it. It looks where the system shows them, as Linux does.
func stillOpen(dataFile string) (files []string) {
	const open = "/proc/self/fd"
	entries, err := os.ReadDir(open)
	if err != nil || dataFile == "" { // the test has the store, and closes it
		return nil
	}
	for _, e := range entries {
		// One that has been closed in the meantime is not there.
		if file, err := os.Readlink(filepath.Join(open, e.Name())); err == nil && strings.HasPrefix(file, dataFile) {
			files = append(files, file)
		}
	}
	return files
}
