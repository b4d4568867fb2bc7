package cli_test

import (
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/cli"
)

// TestPeerFaults: whatever answers at a peer's address, one line says what it is and
// what to do; and the key goes nowhere else.
func TestPeerFaults(t *testing.T) {
	const key = "fzt_someid_somesecret"
	var leaked atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { leaked.Add(1) }))
	defer elsewhere.Close()
	answer := func(status int, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, body)
		})
	}
	// A server of an older version: healthy, and without what is asked of it.
	old := http.NewServeMux()
	old.Handle("/api/health", answer(200, `{"data":{"status":"ok","version":"0.0.9","uptime":1}}`))
	old.Handle("/api/system/limits", answer(200, `{"data":{}}`))
	old.Handle("/", answer(404, `{"error":{"code":"NO_ROUTE","message":"there is no such route"}}`))
	// One that answers with what moves a terminal's cursor.
	rude := http.NewServeMux()
	rude.Handle("/api/health", answer(200, `{"data":{"status":"ok\u001b[31m","version":"9\u001b[2J","uptime":1}}`))
	rude.Handle("/api/system/limits", answer(200, `{"data":{}}`))
	rude.Handle("/", answer(500, `{"error":{"code":"X","message":"red \u001b[31m and\nmore"}}`))

	plain := func(h http.Handler) *httptest.Server { return httptest.NewUnstartedServer(h) }
	for _, tt := range []struct {
		name   string
		server *httptest.Server
		tls    bool
		scheme string // to ask by, if it is not the server's own
		want   string // on stderr of app list, URL standing for the address
	}{
		{"redirect", plain(http.RedirectHandler(elsewhere.URL, http.StatusPermanentRedirect)), false, "",
			`@p: URL redirects to ` + elsewhere.URL + `, which is not followed; if that is right: fazt peer add p --replace --url with its address`},
		{"another site", plain(answer(200, "<h1>Welcome</h1>")), false, "",
			`@p: URL answered 200, and not as fazt's management does; is it at https://admin.<domain>?`},
		{"another API", plain(answer(200, `{"errors":[]}`)), false, "",
			`@p: URL answered 200, and not as fazt's management does; is it at https://admin.<domain>?`},
		{"an answer of another shape", plain(answer(200, `{"data":"text"}`)), false, "",
			`@p: URL answered 200, and not as fazt's management does; is it at https://admin.<domain>?`},
		{"an app's 404", plain(answer(404, "not here")), false, "",
			`@p: URL answered 404, and not as fazt's management does; is it at https://admin.<domain>?`},
		{"a proxy alone", plain(answer(502, "bad gateway")), false, "",
			`@p: URL answered 502, as a proxy before a server that is down does; see whether fazt serve runs there`},
		{"wrong key", plain(answer(401, `{"error":{"code":"UNAUTHORIZED","message":"x"}}`)), false, "",
			`@p: the server does not take the API key; make one there with: fazt auth key create laptop --scopes admin, and then: fazt peer add p --replace --url URL`},
		{"too old", plain(old), false, "",
			`@p: it runs fazt 0.0.9, and cannot do this for fazt ` + version(t) + `; update the older one`},
		{"escape sequences", plain(rude), false, "", "red \ufffd[31m and; more"},
		{"a certificate of its own", plain(answer(200, "x")), true, "",
			`@p: nobody whom this machine trusts vouches for the certificate of URL; check the address, or name an authority of your own in SSL_CERT_FILE`},
		{"TLS where there is none", plain(answer(200, "x")), false, "https",
			`@p: URL does not speak TLS; check the address and the port`},
		{"none where there is TLS", plain(answer(200, "x")), true, "http",
			`@p: URL answered 400, and not as fazt's management does; is it at https://admin.<domain>?`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.server.Config.ErrorLog = log.New(io.Discard, "", 0)
			if tt.tls {
				tt.server.TLS = &tls.Config{NextProtos: []string{"http/1.1"}}
				tt.server.StartTLS()
			} else {
				tt.server.Start()
			}
			defer tt.server.Close()
			url := tt.server.URL
			if tt.scheme != "" {
				url = tt.scheme + url[strings.Index(url, ":"):]
			}
			want := "fazt: " + strings.ReplaceAll(tt.want, "URL", url) + "\n"
			db := filepath.Join(t.TempDir(), "data.db")
			t.Setenv("FAZT_DB_PATH", db)
			t.Setenv("FAZT_TOKEN", key)
			if code, _, stderr := run("peer", "add", "p", "--url", url, "--no-check"); code != cli.ExitOK {
				t.Fatal(stderr)
			}
			code, stdout, stderr := run("@p", "app", "list", "--format", "csv")
			if code != cli.ExitFailed || stdout != "" || stderr != want {
				t.Errorf("exit %d, stdout %q\n%swant\n%s", code, stdout, stderr, want)
			}
			code, stdout, stderr = run("peer", "list", "--format", "csv")
			if code != cli.ExitOK || stderr != "" || strings.ContainsAny(stdout, "\x1b") || strings.Contains(stdout, key) || strings.Count(stdout, "\n") != 2 {
				t.Errorf("listed: exit %d, %q, %q", code, stdout, stderr)
			}
			// What is not right is not added.
			code, stdout, stderr = run("peer", "add", "q", "--url", url)
			if good := tt.name == "too old" || tt.name == "escape sequences"; good != (code == cli.ExitOK) || strings.ContainsAny(stdout, "\x1b") {
				t.Errorf("added: exit %d, %q, %q", code, stdout, stderr)
			} else if !good && (!strings.HasPrefix(stderr, "fazt: @q: ") || !strings.HasSuffix(stderr, "; nothing was added: see fazt peer add --help\n")) {
				t.Errorf("stderr %q", stderr)
			}
		})
	}
	if n := leaked.Load(); n > 0 {
		t.Errorf("%d requests went where a redirect led", n)
	}
}

func version(t *testing.T) string {
	t.Helper()
	_, stdout, _ := run("version")
	return strings.TrimSuffix(strings.TrimPrefix(stdout, "fazt "), "\n")
}

// TestPeersAreAskedAtOnce: many that never answer are waited for together, and one
// that does is seen.
func TestPeersAreAskedAtOnce(t *testing.T) {
	t.Setenv("FAZT_DB_PATH", filepath.Join(t.TempDir(), "data.db"))
	t.Setenv("FAZT_TOKEN", "fzt_a_b")
	const silent = 12
	// Each is answered when all are asked: one after the other would time out.
	asked := make(chan struct{}, silent)
	all := make(chan struct{})
	go func() {
		for range silent {
			<-asked
		}
		close(all)
	}()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/health" {
			asked <- struct{}{}
			select {
			case <-all:
			case <-r.Context().Done():
			}
		}
		io.WriteString(w, `{"data":{"status":"ok","version":"1.2.3","uptime":1}}`)
	}))
	defer server.Close()
	for i := range silent {
		if code, _, stderr := run("peer", "add", fmt.Sprintf("p%02d", i), "--url", server.URL, "--no-check"); code != cli.ExitOK {
			t.Fatal(stderr)
		}
	}
	_, stdout, _ := run("peer", "list", "--format", "csv")
	if n := strings.Count(stdout, ",ok,1.2.3\n"); n != silent {
		t.Errorf("%d of %d are ok:\n%s", n, silent, stdout)
	}
}

// TestPeerThatIsGone: nobody listens, or the name leads nowhere.
func TestPeerThatIsGone(t *testing.T) {
	t.Setenv("FAZT_DB_PATH", filepath.Join(t.TempDir(), "data.db"))
	t.Setenv("FAZT_TOKEN", "fzt_a_b")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	for url, want := range map[string]string{
		"http://" + l.Addr().String():  `nothing listens at http://127\.0\.0\.1:\d+; see whether fazt serve runs there`,
		"https://nowhere.invalid":      `the name in https://nowhere\.invalid leads nowhere; check the address, and this machine's network`,
		"https://127.0.0.1:1/fazt/api": `nothing listens at https://127\.0\.0\.1:1/fazt/api; .*`,
	} {
		code, _, stderr := run("peer", "add", "p", "--url", url)
		if code != cli.ExitFailed || !regexp.MustCompile(`^fazt: @p: `+want+`; nothing was added: see fazt peer add --help\n$`).MatchString(stderr) {
			t.Errorf("%s: exit %d, %q", url, code, stderr)
		}
	}
}

// TestPeerByTLS: a certificate is checked against the machine's authorities, which are
// named by SSL_CERT_FILE here, and for the name that was asked.
func TestPeerByTLS(t *testing.T) {
	dir := t.TempDir()
	server, err := fazt.New(t.Context(), fazt.Options{DataFile: filepath.Join(dir, "peer.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	listener := httptest.NewUnstartedServer(server)
	listener.Config.ErrorLog = log.New(io.Discard, "", 0)
	listener.StartTLS()
	defer listener.Close()
	key, err := server.CreateKey(t.Context(), "test", "read")
	if err != nil {
		t.Fatal(err)
	}
	authorities := filepath.Join(dir, "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: listener.Certificate().Raw})
	if err := os.WriteFile(authorities, block, 0o600); err != nil {
		t.Fatal(err)
	}
	command := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("fazt", args...)
		cmd.Env = append(os.Environ(), "FAZT_DB_PATH="+filepath.Join(dir, "data.db"), "FAZT_TOKEN="+key, "SSL_CERT_FILE="+authorities)
		out, _ := cmd.CombinedOutput() // what it says is what is asked for
		return string(out)
	}
	if got := command("peer", "add", "p", "--url", listener.URL); !strings.HasPrefix(got, "p is https://127.0.0.1:") {
		t.Fatal(got)
	}
	if got := command("@p", "app", "list", "--format", "csv"); !strings.Contains(got, "name,version,") {
		t.Error(got)
	}
	url := strings.Replace(listener.URL, "127.0.0.1", "localhost", 1)
	want := "fazt: @q: the certificate of " + url + " is not for it; check the address; nothing was added: see fazt peer add --help\n"
	if got := command("peer", "add", "q", "--url", url); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
