package acmetest_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/cli"
)

const (
	asCommand = "ACMETEST_AS_FAZT"
	// patience bounds every wait. It is long, since only a test that fails waits for it
	// in full.
	patience = time.Minute
)

// TestMain is the fazt command too, so that the tests run it as a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		os.Exit(cli.Main())
	}
	os.Exit(m.Run())
}

func httpsTransport(roots *x509.CertPool) *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true, DisableKeepAlives: true}
}

func command(t *testing.T, dataFile string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), asCommand+"=1", "FAZT_DB_PATH="+dataFile)
	return cmd
}

// server is a running fazt serve.
type server struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines chan string
	seen  strings.Builder

	tls, http string // addresses
}

func (a *authority) serve(t *testing.T, dataFile string, args ...string) *server {
	t.Helper()
	s := &server{t: t, lines: make(chan string, 1000)}
	s.cmd = command(t, dataFile, append([]string{"serve", "--domain", "example.test", "--tls-email", "you@example.test",
		"--acme-ca", a.directory, "--acme-root", a.rootFile, "--addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0"}, args...)...)
	r, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.lines)
		for scan := bufio.NewScanner(r); scan.Scan(); {
			s.lines <- scan.Text()
		}
	}()
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("fazt printed:\n%s", s.seen.String())
		}
	})
	s.http = s.until(`redirect to HTTPS" addr=(\S+)`)[1]
	s.tls = "127.0.0.1:" + s.until(`msg=serving url=https://example\.test:(\d+)/`)[1]
	return s
}

// until reads what is printed up to a line that matches.
func (s *server) until(pattern string) []string {
	s.t.Helper()
	re, timeout := regexp.MustCompile(pattern), time.After(patience)
	for {
		select {
		case line, ok := <-s.lines:
			if !ok {
				s.t.Fatalf("it ended without printing %q:\n%s", pattern, s.seen.String())
			}
			s.seen.WriteString(line + "\n")
			if found := re.FindStringSubmatch(line); found != nil {
				return found
			}
		case <-timeout:
			s.t.Fatalf("it did not print %q:\n%s", pattern, s.seen.String())
		}
	}
}

// kill ends it as a power failure would.
func (s *server) kill() {
	if s.cmd.ProcessState != nil {
		return
	}
	s.cmd.Process.Kill()
	for line := range s.lines {
		s.seen.WriteString(line + "\n")
	}
	s.cmd.Wait()
}

func deploy(t *testing.T, dataFile, name string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte(name), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := command(t, dataFile, "app", "deploy", dir, "--name", name).CombinedOutput(); err != nil {
		t.Fatalf("deploy: %v\n%s", err, out)
	}
}

// show sends the authority and the browsers to a server.
func (a *authority) show(s *server) {
	a.tls.to.Store(s.tls)
	a.http.to.Store(s.http)
}

// TestServe is HTTPS from the command line: an app, the redirect, a restart, and two
// servers on one data file.
func TestServe(t *testing.T) {
	a := startAuthority(t, 0)
	dataFile := filepath.Join(t.TempDir(), "data.db")
	deploy(t, dataFile, "notes")
	one := a.serve(t, dataFile)
	one.until(`Set up this server: https://admin\.example\.test:\d+/auth/setup/\S+$`)
	a.show(one)
	visitor := a.browser(a.tls.Addr().String)

	want := answer{Status: 200, Proto: 2, HSTS: true, Body: "notes"}
	for range 2 { // the second needs no order
		if diff := cmp.Diff(want, get(t, visitor, "https://notes.example.test/")); diff != "" {
			t.Errorf("an app (-want +got):\n%s", diff)
		}
	}
	if got := get(t, visitor, "https://admin.example.test/health"); got.Status != 200 || !strings.Contains(got.Body, `"ok"`) {
		t.Errorf("health: %+v", got)
	}
	a.wantOrders(t, 2)

	plain := a.browser(a.http.Addr().String)
	for url, want := range map[string]answer{
		"http://notes.example.test/a?b=c":                        {Status: 308, Proto: 1, Location: "https://notes.example.test:" + portOf(one.tls) + "/a?b=c"},
		"http://EXAMPLE.test:80/":                                {Status: 308, Proto: 1, Location: "https://EXAMPLE.test:" + portOf(one.tls) + "/"},
		"http://none.example.test/":                              {Status: 404, Proto: 1, Body: "there is nothing at this address"},
		"http://elsewhere.test/":                                 {Status: 404, Proto: 1, Body: "there is nothing at this address"},
		"http://127.0.0.1/api/health":                            {Status: 404, Proto: 1, Body: "there is nothing at this address"},
		"http://none.example.test/.well-known/acme-challenge/x":  {Status: 404, Proto: 1, Body: "there is nothing at this address"},
		"http://notes.example.test/.well-known/acme-challenge/x": {Status: 308, Proto: 1, Location: "https://notes.example.test:" + portOf(one.tls) + "/.well-known/acme-challenge/x"},
	} {
		if diff := cmp.Diff(want, get(t, plain, url)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", url, diff)
		}
	}

	// A restart finds the certificates, and so does another server on the data.
	one.kill()
	one = a.serve(t, dataFile)
	a.show(one)
	get(t, visitor, "https://notes.example.test/")
	two := a.serve(t, dataFile)
	a.show(two)
	get(t, visitor, "https://notes.example.test/")
	a.wantOrders(t, 2)

	// Both are asked at once for a host that is new. The authority examines only the
	// second, whichever of them has ordered.
	deploy(t, dataFile, "memo")
	var both sync.WaitGroup
	for _, s := range []*server{one, two} {
		both.Go(func() {
			c := a.browser(func() string { return s.tls })
			for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) { // until it has noticed the deploy
				res, err := c.Get("https://memo.example.test/")
				if err == nil {
					res.Body.Close()
					return
				}
				if time.Now().After(end) {
					t.Error(err)
					return
				}
			}
		})
	}
	both.Wait()
	a.wantOrders(t, 3)
}

func portOf(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }
