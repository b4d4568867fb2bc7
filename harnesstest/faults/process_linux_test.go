package faults_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/harnesstest/faults"
)

// A test that panics leaves no process behind.
func TestProcessEndsWithItsParent(t *testing.T) {
	p := start(t, child("parent"))
	grandchild, err := strconv.Atoi(p.Answer()[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	gone := func() bool {
		state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", grandchild))
		return err != nil || strings.Contains(string(state), ") Z ") // which nobody may have waited for
	}
	eventually(t, "the child of a killed process is gone", gone)
}

func TestProcessWithAFullDisk(t *testing.T) {
	file := filepath.Join(t.TempDir(), "data")
	p := start(t, child("writer", "FAULTS_TEST_FILE="+file))
	c, err := net.Dial("tcp", p.Answer()[1])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	answers := bufio.NewReader(c)
	write := func(n int) string {
		t.Helper()
		fmt.Fprintln(c, n)
		answer, err := answers.ReadString('\n')
		if err != nil {
			t.Fatalf("%v; it printed:\n%s", err, p.Output())
		}
		return strings.TrimSpace(strings.TrimPrefix(answer, "wrote "))
	}
	limit := func(n int64) {
		t.Helper()
		if err := p.LimitFiles(n); err != nil {
			t.Fatal(err)
		}
	}
	if got := write(1000); got != "<nil>" {
		t.Fatal(got)
	}
	limit(1500)
	if got := write(1000); !strings.Contains(got, "file too large") {
		t.Errorf("past the limit: %s", got)
	}
	limit(faults.Unlimited)
	if got := write(1000); got != "<nil>" {
		t.Errorf("after it was lifted: %s", got)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := p.LimitFiles(1); err == nil {
		t.Error("a process that has ended was limited")
	}
}
