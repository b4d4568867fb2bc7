package cli_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/storage"
)

// onTerminal runs the command with a terminal as its output, and returns what that
// shows.
func onTerminal(t *testing.T, env []string, args ...string) string {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("fazt", args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = terminal, terminal
	err = cmd.Start()
	terminal.Close()
	if err != nil {
		t.Fatal(err)
	}
	var shown bytes.Buffer
	_, _ = io.Copy(&shown, master) // an error is how a terminal ends
	if err := cmd.Wait(); err != nil {
		t.Fatalf("fazt %v: %v\n%s", args, err, shown.Bytes())
	}
	return shown.String()
}

// TestOnATerminal: people get tables and colours, unless they want none, and nothing
// else does.
func TestOnATerminal(t *testing.T) {
	db := filepath.Join(t.TempDir(), "data.db")
	server, err := fazt.New(t.Context(), fazt.Options{DataFile: db})
	if err != nil {
		t.Fatal(err)
	}
	made, err := server.Deploy(t.Context(), "notes", fstest.MapFS{"index.html": {Data: []byte("x")}})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Store().AppendLogs(t.Context(), []storage.LogLine{{App: made.AppID, Time: time.Now(), Level: "error", Text: "bad\x1b[31m"}}); err != nil {
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	env := []string{"FAZT_DB_PATH=" + db, "FAZT_FORMAT=", "NO_COLOR=", "TERM=xterm"}
	if got := onTerminal(t, env, "app", "list"); !strings.HasPrefix(got, "name   version  ") {
		t.Errorf("a list is\n%s", got)
	}
	if got := onTerminal(t, env, "app", "logs", "notes"); !strings.Contains(got, "\x1b[31merror\x1b[0m") || strings.Contains(got, "bad\x1b") {
		t.Errorf("a log is %q", got)
	}
	if got := onTerminal(t, append(env, "NO_COLOR=1"), "app", "logs", "notes"); strings.Contains(got, "\x1b") {
		t.Errorf("a log without colours is %q", got)
	}
	if got := onTerminal(t, append(env, "TERM=dumb"), "app", "logs", "notes"); strings.Contains(got, "\x1b") {
		t.Errorf("a log on a dumb terminal is %q", got)
	}
	if got := onTerminal(t, env, "backup", filepath.Join(t.TempDir(), "copy.db")); !strings.Contains(got, "checking the copy") {
		t.Errorf("a backup shows %q", got)
	}
	// The same in a pipe.
	for _, args := range [][]string{{"app", "list"}, {"app", "logs", "notes"}, {"backup", filepath.Join(t.TempDir(), "copy.db")}} {
		cmd := exec.Command("fazt", args...)
		cmd.Env = append(os.Environ(), env...)
		out, err := cmd.CombinedOutput()
		if err != nil || bytes.ContainsAny(out, "\x1b\r") {
			t.Errorf("%v prints %q, %v", args, out, err)
		}
	}
}
