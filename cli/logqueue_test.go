package cli_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/fazt-sh/fazt/cli"
)

// TestLogQueue: with a writer that is stuck, records are taken until too many
// wait; what is dropped is counted in its place once the writer goes on.
func TestLogQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		q := cli.NewLogQueue(w)
		const size = 1000
		record := func(i int) []byte { return fmt.Appendf(nil, "%0*d\n", size-1, i) }
		write := func(i int) {
			if n, err := q.Write(record(i)); n != size || err != nil {
				t.Errorf("record %d: %d, %v", i, n, err)
			}
		}
		write(0)
		synctest.Wait() // until it is stuck
		const most = cli.LogQueueBytes / size
		for i := range most + 5 {
			write(1 + i)
		}
		var got []string
		read := make(chan struct{})
		go func() {
			defer close(read)
			for scan := bufio.NewScanner(r); scan.Scan(); {
				got = append(got, strings.TrimLeft(scan.Text(), "0"))
			}
		}()
		synctest.Wait() // until it has caught up
		write(most + 6)
		q.Close()
		w.Close()
		<-read
		if len(got) != most+3 || got[most] != fmt.Sprint(most) || !strings.HasSuffix(got[most+1], " records=5") || got[most+2] != fmt.Sprint(most+6) {
			t.Errorf("%d lines, the last of them %q", len(got), got[len(got)-3:])
		}
	})
}

// TestLogQueueStuck: the end doesn't wait for a writer that is stuck for good.
func TestLogQueueStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		q := cli.NewLogQueue(w)
		fmt.Fprintln(q, "one")
		q.Close()
		fmt.Fprintln(q, "to nobody")
		r.Close() // so that the writer's goroutine ends with the test
		synctest.Wait()
	})
}

// TestServeLogUnread: nobody reads the server's log. Requests are answered all the
// same, and it ends in good order.
func TestServeLogUnread(t *testing.T) {
	dataFile := filepath.Join(t.TempDir(), "data.db")
	for _, name := range []string{"one", "two", "three"} {
		dir := write(t, map[string]string{"api/main.js": "for (var i = 0; i < 900; i++) console.log(new Array(1000).join('x')); respond('logged')"})
		if out, err := faztOn(dataFile, "app", "deploy", dir, "--name", name).CombinedOutput(); err != nil {
			t.Fatalf("deploy: %v: %s", err, out)
		}
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := exec.Command("fazt", "serve", "--addr", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), "FAZT_DB_PATH="+dataFile)
	cmd.Stderr = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	w.Close()
	var base string
	var line []byte
	for base == "" { // byte by byte, so that nothing more is read
		b := make([]byte, 1)
		if _, err := io.ReadFull(r, b); err != nil {
			t.Fatalf("it ended after printing %q", line)
		}
		line = append(line, b...)
		if found := regexp.MustCompile(`msg=serving url=http://127\.0\.0\.1(:\d+/) `).FindSubmatch(line); found != nil {
			base = string(found[1])
		}
	}
	for range 2 {
		for _, name := range []string{"one", "two", "three"} { // 5 MB, of which a pipe takes 64 KiB
			wantBody(t, "http://"+name+".localhost"+base+"api", "logged")
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}
