package cli_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "github.com/mattn/go-sqlite3"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/cli"
	"github.com/fazt-sh/fazt/frontdoor"
)

// patience bounds every wait here. It is long, since only a test that fails
// waits for it in full.
const patience = time.Minute

// process is a running fazt command.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines chan string // of stdout and stderr
	read  sync.WaitGroup

	seen   strings.Builder
	exited bool
}

// start runs the command until the test ends, on a data file of its own.
func start(t *testing.T, dataFile string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command("fazt", args...), lines: make(chan string, 1000)}
	p.cmd.Env = append(os.Environ(), "FAZT_DB_PATH="+dataFile)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stdout, p.cmd.Stderr = w, w
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	p.read.Go(func() {
		defer close(p.lines)
		for scan := bufio.NewScanner(r); scan.Scan(); {
			p.lines <- scan.Text()
		}
	})
	t.Cleanup(func() {
		if !p.exited {
			p.cmd.Process.Kill()
			p.cmd.Wait()
		}
		r.Close()
		for range p.lines {
		}
		p.read.Wait()
		if t.Failed() {
			t.Logf("fazt %s printed:\n%s", strings.Join(args, " "), p.seen.String())
		}
	})
	return p
}

// until reads output up to a line that matches, and returns the submatches.
func (p *process) until(pattern string) []string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	timeout := time.After(patience)
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				p.t.Fatalf("it ended without printing %q", pattern)
			}
			p.seen.WriteString(line + "\n")
			if found := re.FindStringSubmatch(line); found != nil {
				return found
			}
		case <-timeout:
			p.t.Fatalf("it did not print %q", pattern)
		}
	}
}

// interrupt stops the command as Ctrl+C does and returns its exit code.
func (p *process) interrupt(signal os.Signal) int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
	p.exited = true
	p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode()
}

// rest reads what a command that has ended printed last.
func (p *process) rest() {
	for line := range p.lines {
		p.seen.WriteString(line + "\n")
	}
}

// get fetches a URL of an app: names below localhost resolve in browsers, but
// not everywhere.
func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		var d net.Dialer
		return d.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	}}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport, Timeout: patience}).Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func wantBody(t *testing.T, url, want string) {
	t.Helper()
	if status, body := get(t, url); status != http.StatusOK || body != want {
		t.Errorf("%s: %d %q; want 200 %q", url, status, body, want)
	}
}

// save writes a file as most editors do: whole, beside the old one, and then in
// its place.
func save(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+"~", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+"~", path); err != nil {
		t.Fatal(err)
	}
}

// TestServe deploys from another process, on the same data file.
func TestServe(t *testing.T) {
	dataFile := filepath.Join(t.TempDir(), "data.db")
	p := start(t, dataFile, "serve", "--addr", "127.0.0.1:0", "--domain", "example.com")
	base := p.until(`msg=serving url=(http://127\.0\.0\.1:\d+/)`)[1]
	if status, _ := get(t, base+"health"); status != http.StatusOK {
		t.Errorf("health: %d", status)
	}
	dir := write(t, map[string]string{"index.html": "served", "api/main.js": "console.warn('careful'); respond('handled')"})
	out, err := faztOn(dataFile, "app", "deploy", dir, "--name", "memo").CombinedOutput()
	if err != nil {
		t.Fatalf("deploy: %v: %s", err, out)
	}
	if want := "\n  " + strings.Replace(base, "127.0.0.1", "memo.example.com", 1) + "\n"; !strings.Contains(string(out), want) {
		t.Errorf("deploy does not say where the app is, %s:\n%s", want, out)
	}
	url := strings.Replace(base, "127.0.0.1", "memo.localhost", 1)
	deadline := time.Now().Add(patience)
	for {
		status, body := get(t, url)
		if status == http.StatusOK && body == "served" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the running server still answers %d %q", status, body)
		}
		time.Sleep(10 * time.Millisecond)
	}
	wantBody(t, url+"api", "handled")
	p.until(`level=WARN msg=careful app=memo`)
	if code := p.interrupt(syscall.SIGTERM); code != 0 {
		t.Errorf("exit %d after SIGTERM", code)
	}
}

// TestFailureIsOneLine: a command's error is not in a log beside it, too, but with --verbose.
func TestFailureIsOneLine(t *testing.T) {
	dataFile := filepath.Join(t.TempDir(), "data.db")
	dir := write(t, map[string]string{"index.html": "x"})
	if out, err := faztOn(dataFile, "app", "deploy", dir, "--name", "memo").CombinedOutput(); err != nil {
		t.Fatalf("deploy: %v: %s", err, out)
	}
	db, err := sql.Open("sqlite3", dataFile)
	if err != nil {
		t.Fatal(err)
	}
	// The statement succeeds, and its commit fails, as one does on a disk that is full.
	_, err = db.Exec(`CREATE TABLE parent (id INTEGER PRIMARY KEY);
		CREATE TABLE child (id REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
		CREATE TRIGGER fails AFTER INSERT ON auth_invites BEGIN INSERT INTO child VALUES (1); END`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	out, err := faztOn(dataFile, "auth", "setup").CombinedOutput()
	if text := string(out); err == nil || !strings.HasPrefix(text, "fazt: ") || !strings.Contains(text, "commit failed") || strings.Count(text, "\n") != 1 {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = faztOn(dataFile, "auth", "setup", "--verbose").CombinedOutput()
	if err == nil || !strings.Contains(string(out), `level=ERROR msg="commit failed"`) {
		t.Errorf("--verbose: %v\n%s", err, out)
	}
}

// TestServeWhatCantBeWritten: apps are served from a data file that takes no more.
func TestServeWhatCantBeWritten(t *testing.T) {
	dataFile := filepath.Join(t.TempDir(), "data.db")
	dir := write(t, map[string]string{"index.html": "served"})
	if out, err := faztOn(dataFile, "app", "deploy", dir, "--name", "memo").CombinedOutput(); err != nil {
		t.Fatalf("deploy: %v: %s", err, out)
	}
	db, err := sql.Open("sqlite3", dataFile)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec("CREATE TRIGGER full BEFORE INSERT ON auth_invites BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	p := start(t, dataFile, "serve", "--addr", "127.0.0.1:0")
	base := p.until(`msg=serving url=(http://127\.0\.0\.1:\d+/)`)[1]
	p.until(`level=ERROR msg="no link to set this server up can be made; .* the disk is full`)
	wantBody(t, strings.Replace(base, "127.0.0.1", "memo.localhost", 1), "served")
	if code := p.interrupt(syscall.SIGTERM); code != 0 {
		t.Errorf("exit %d after SIGTERM", code)
	}
}

// TestServeBackups: a server copies itself, and a copy is a data file.
func TestServeBackups(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "copies")
	p := start(t, filepath.Join(t.TempDir(), "data.db"), "serve", "--addr=127.0.0.1:0", "--backup-to", dir, "--backup-every=1m", "--backup-keep=2")
	p.until(`msg="backup made" dir=\S+ bytes=\d+`)
	copies, err := filepath.Glob(filepath.Join(dir, "fazt-*Z.db"))
	if err != nil || len(copies) == 0 {
		t.Fatalf("%v, %v", copies, err)
	}
	if out, err := faztOn(filepath.Join(t.TempDir(), "data.db"), "restore", copies[0]).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if code := p.interrupt(syscall.SIGTERM); code != 0 {
		t.Errorf("exit %d after SIGTERM", code)
	}
}

// TestServeBehindProxy: the limit is a client's, whom a trusted proxy names.
func TestServeBehindProxy(t *testing.T) {
	p := start(t, filepath.Join(t.TempDir(), "data.db"), "serve", "--addr=127.0.0.1:0", "--rate-limit=1", "--trusted-proxy=10.0.0.0/8", "--trusted-proxy=127.0.0.1/32")
	url := p.until(`msg=serving url=(http://127\.0\.0\.1:\d+/)`)[1] + "health"
	from := func(client string) int {
		req, err := http.NewRequest("GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Forwarded-For", client)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode
	}
	defer http.DefaultClient.CloseIdleConnections()
	for deadline := time.Now().Add(patience); ; {
		status := from("203.0.113.1")
		if status == http.StatusTooManyRequests {
			break
		}
		if status != http.StatusOK || time.Now().After(deadline) {
			t.Fatalf("a client that sends too much is answered %d", status)
		}
	}
	if status := from("203.0.113.2"); status != http.StatusOK {
		t.Errorf("another client is answered %d", status)
	}
}

func TestServeOptions(t *testing.T) {
	for flags, want := range map[string]fazt.Options{
		"":                                     {RateLimit: frontdoor.DefaultRateLimit},
		"--rate-limit 0":                       {RateLimit: frontdoor.NoRateLimit},
		"--rate-limit 20 --domain=a.com --dev": {RateLimit: 20, Domain: "a.com", Dev: true},
		"--trusted-proxy 10.0.0.0/8 --trusted-proxy fd00::/8": {
			RateLimit:      frontdoor.DefaultRateLimit,
			TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")},
		},
	} {
		got, err := cli.ServeOptions(flags)
		if err != nil {
			t.Errorf("%q: %v", flags, err)
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
			t.Errorf("%q (-want +got):\n%s", flags, diff)
		}
	}
}

func faztOn(dataFile string, args ...string) *exec.Cmd {
	cmd := exec.Command("fazt", args...)
	cmd.Env = append(os.Environ(), "FAZT_DB_PATH="+dataFile)
	return cmd
}

// TestPortInUse: what holds the port is not ours to stop.
func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dataFile := filepath.Join(t.TempDir(), "data.db")
	dir := write(t, map[string]string{"index.html": ""})
	for _, args := range [][]string{{"serve", "--addr"}, {"dev", dir, "--addr"}, {"serve", "--addr=127.0.0.1:0", "--admin-addr"}} {
		flag := args[len(args)-1]
		out, err := faztOn(dataFile, append(args, l.Addr().String())...).CombinedOutput()
		want := "fazt: " + l.Addr().String() + " is in use; stop the program that uses it, or choose another with " + flag + "\n"
		if err == nil || string(out) != want {
			t.Errorf("%v: %v, %q", args, err, out)
		}
		if _, err := os.Stat(dataFile); err == nil {
			t.Errorf("%v made a data file", args)
		}
	}
}
