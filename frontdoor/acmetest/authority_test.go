package acmetest_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
)

// authority is an ACME server on loopback. It finds every name on loopback too, at
// the relays, which are where the servers are that it examines.
type authority struct {
	directory string
	rootFile  string         // whom to trust as the authority
	roots     *x509.CertPool // whose certificates it issues
	orders    atomic.Int64   // that it has taken
	server    *httptest.Server
	busy      atomic.Pointer[chan struct{}] // orders wait until it is closed; nil: they don't
	held      atomic.Int64                  // that wait, or have

	tls, http *relay
}

// startAuthority runs an authority whose certificates are valid for some seconds; 0 is
// the usual 90 days.
func startAuthority(t *testing.T, validity uint64) *authority {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	a := &authority{tls: startRelay(t), http: startRelay(t)}
	logger := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	issuer := ca.New(logger, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {ValidityPeriod: validity}})
	examiner := va.New(logger, a.http.port(), a.tls.port(), true, startDNS(t), store)
	front := wfe.New(logger, store, examiner, issuer, []string{"authority.test"}, true, false, 1, 1)
	handler := front.Handler()
	a.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/order-plz" {
			if busy := a.busy.Load(); busy != nil {
				a.held.Add(1)
				<-*busy
			}
			w = &counter{w, &a.orders}
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(a.server.Close)
	a.directory = a.server.URL + wfe.DirectoryPath
	a.rootFile = filepath.Join(t.TempDir(), "root.pem")
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.server.Certificate().Raw})
	if err := os.WriteFile(a.rootFile, root, 0o600); err != nil {
		t.Fatal(err)
	}
	a.roots = x509.NewCertPool()
	a.roots.AddCert(issuer.GetRootCert(0).Cert)
	return a
}

// counter counts the orders that were taken. Others are asked for again: some nonces
// are refused by design.
type counter struct {
	http.ResponseWriter
	orders *atomic.Int64
}

func (c *counter) WriteHeader(status int) {
	if status == http.StatusCreated {
		c.orders.Add(1)
	}
	c.ResponseWriter.WriteHeader(status)
}

// trust is whom to trust as the authority.
func (a *authority) trust(t *testing.T) *x509.CertPool {
	t.Helper()
	text, err := os.ReadFile(a.rootFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	return roots
}

func (a *authority) wantOrders(t *testing.T, want int64) {
	t.Helper()
	if got := a.orders.Load(); got != want {
		t.Errorf("the authority was asked %d times, not %d", got, want)
	}
}

// startDNS answers that every name is on loopback.
func startDNS(t *testing.T) (addr string) {
	t.Helper()
	l := listen(t)
	server := &dns.Server{Listener: l, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(r)
		if q := r.Question[0]; q.Qtype == dns.TypeA {
			m.Answer = []dns.RR{&dns.A{
				Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(127, 0, 0, 1),
			}}
		}
		_ = w.WriteMsg(m) // whose client has gone needs no answer
	})}
	done := make(chan error, 1)
	go func() { done <- server.ActivateAndServe() }()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().String()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// relay passes connections on to a server that may change: the public address of the
// servers behind it.
type relay struct {
	net.Listener
	to atomic.Value // string; "" is nowhere
}

func startRelay(t *testing.T) *relay {
	t.Helper()
	r := &relay{Listener: listen(t)}
	r.to.Store("")
	t.Cleanup(func() { r.Close() })
	go func() {
		for {
			c, err := r.Accept()
			if err != nil {
				return
			}
			go r.pass(c)
		}
	}()
	return r
}

func (r *relay) port() int { return r.Addr().(*net.TCPAddr).Port }

func (r *relay) pass(c net.Conn) {
	defer c.Close()
	to := r.to.Load().(string)
	if to == "" {
		return
	}
	server, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		io.Copy(server, c)
		server.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(c, server)
}

// browser is a client that trusts the authority and finds every host at addr.
func (a *authority) browser(addr func() string) *http.Client {
	transport := httpsTransport(a.roots)
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, addr())
	}
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// answer is a response, read.
type answer struct {
	Status   int
	Proto    int // major version
	Location string
	HSTS     bool
	Body     string
}

func get(t *testing.T, c *http.Client, url string) answer {
	t.Helper()
	res, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.ProtoMajor, res.Header.Get("Location"), res.Header.Get("Strict-Transport-Security") != "", strings.TrimSpace(string(body))}
}
