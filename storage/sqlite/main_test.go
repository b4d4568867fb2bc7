package sqlite_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// childEnv names the part of a test that this binary plays as a child process.
const childEnv = "FAZT_STORAGE_TEST_CHILD"

// children are those parts. Their arguments are the data file and more.
var children = map[string]func(args []string) error{
	"crash":   crashChild,
	"early":   earlyChild,
	"disk":    fullDiskChild,
	"migrate": migrateChild,
	"publish": publishChild,
	"hold":    holdChild,
	"fill":    fillChild,
	"shrink":  shrinkChild,
	"nobody":  nobodyChild,

	"fillAndWait": fillAndWaitChild,
	"restore":     restoreChild,
}

func TestMain(m *testing.M) {
	if name := os.Getenv(childEnv); name != "" {
		if err := children[name](strings.Split(os.Getenv(childEnv+"_ARGS"), "\n")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// child is a process that plays a part of a test.
type child struct {
	*exec.Cmd
	stdout io.Reader
	lines  *bufio.Scanner // of stdout
	stdin  interface{ Close() error }
	stderr *strings.Builder
}

// startChild starts this binary as a child. It ends when the test ends, or when
// its standard input is closed, if it waits for that.
func startChild(t testing.TB, name string, args ...string) *child {
	t.Helper()
	c := &child{Cmd: childCommand(t, name, args...), stderr: &strings.Builder{}}
	c.Stderr = c.stderr
	stdin, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.stdin, c.stdout, c.lines = stdin, stdout, bufio.NewScanner(stdout)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
	})
	return c
}

func childCommand(t testing.TB, name string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self)
	c.Env = append(os.Environ(), childEnv+"="+name, childEnv+"_ARGS="+strings.Join(args, "\n"))
	return c
}

// line returns the next line that the child prints.
func (c *child) line(t *testing.T) string {
	t.Helper()
	if !c.lines.Scan() {
		t.Fatalf("the child printed no more: %v\n%s", c.lines.Err(), c.stderr)
	}
	return c.lines.Text()
}

// finish lets the child end, which must succeed.
func (c *child) finish(t *testing.T) {
	t.Helper()
	c.stdin.Close()
	for c.lines.Scan() {
	}
	if err := c.Wait(); err != nil {
		t.Errorf("child: %v\n%s", err, c.stderr)
	}
}
