package acmetest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/frontdoor/acme"
	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// counted is a store that counts what handshakes may cost it.
type counted struct {
	storage.Store
	reads atomic.Int64
}

func (s *counted) Apps(ctx context.Context) ([]storage.App, error) {
	s.reads.Add(1)
	return s.Store.Apps(ctx)
}

func (s *counted) App(ctx context.Context, name string) (storage.App, error) {
	s.reads.Add(1)
	return s.Store.App(ctx, name)
}

func (s *counted) Alias(ctx context.Context, label string) (storage.Alias, error) {
	s.reads.Add(1)
	return s.Store.Alias(ctx, label)
}

func (s *counted) CertificateValue(ctx context.Context, name string) ([]byte, time.Time, error) {
	s.reads.Add(1)
	return s.Store.CertificateValue(ctx, name)
}

func (s *counted) CertificateValues(ctx context.Context, below string) ([]storage.CertificateInfo, error) {
	s.reads.Add(1)
	return s.Store.CertificateValues(ctx, below)
}

// site is a Server with HTTPS in this process.
type site struct {
	t      *testing.T
	a      *authority
	store  *counted
	server *fazt.Server
	addr   string // where it listens
	log    lines
}

type lines chan string

func (l lines) Write(p []byte) (int, error) {
	select {
	case l <- string(p):
	default:
	}
	return len(p), nil
}

func newSite(t *testing.T, a *authority, apps ...string) *site {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "data.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, a: a, store: &counted{Store: store}, log: make(lines, 1000)}
	if s.server, err = fazt.New(t.Context(), fazt.Options{Store: s.store, Domain: "example.test"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.server.Close(); err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, name := range apps {
		if _, err := s.server.Deploy(t.Context(), name, fstest.MapFS{"index.html": {Data: []byte(name)}}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// start serves until the test or stop ends it, where the authority examines.
func (s *site) start(change func(*acme.Options)) (stop func()) {
	s.t.Helper()
	l := listen(s.t)
	opt := acme.Options{Store: s.store, Email: "you@example.test", Known: s.server.HasHost, TLSAddr: l.Addr(),
		Directory: s.a.directory, Roots: s.a.trust(s.t), Logger: slog.New(slog.NewTextHandler(s.log, nil))}
	change(&opt)
	certificates, err := acme.New(opt)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	go func() { done <- s.server.Serve(ctx, tls.NewListener(l, certificates.TLSConfig())) }()
	s.addr = l.Addr().String()
	s.a.tls.to.Store(s.addr)
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if err := <-done; err != nil {
			s.t.Error(err)
		}
		certificates.Close()
	}
	s.t.Cleanup(stop)
	return stop
}

// shake makes a handshake and returns the certificate.
func (s *site) shake(name string, protos ...string) (*x509.Certificate, error) {
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	secure := tls.Client(c, &tls.Config{ServerName: name, RootCAs: s.a.roots, NextProtos: protos, InsecureSkipVerify: name == ""})
	if err := secure.Handshake(); err != nil {
		return nil, err
	}
	return secure.ConnectionState().PeerCertificates[0], nil
}

func (s *site) mustShake(name string) *x509.Certificate {
	s.t.Helper()
	cert, err := s.shake(name)
	if err != nil {
		s.t.Fatalf("%s: %v", name, err)
	}
	return cert
}

// wantLogged waits for a line of the log.
func (s *site) wantLogged(text string) {
	s.t.Helper()
	for timeout := time.After(patience); ; {
		select {
		case line := <-s.log:
			if strings.Contains(line, text) {
				return
			}
		case <-timeout:
			s.t.Fatalf("the log does not say %q", text)
		}
	}
}

// TestRandomNames: strangers' names cost no word to the authority, and the store no
// more than one read.
func TestRandomNames(t *testing.T) {
	a := startAuthority(t, 0)
	s := newSite(t, a, "notes")
	s.start(func(*acme.Options) {})
	s.mustShake("notes.example.test")
	a.wantOrders(t, 1)
	before := s.store.reads.Load()
	for i := range 1000 {
		name := fmt.Sprintf("r%d.example.test", i)
		switch i % 10 {
		case 1:
			name = fmt.Sprintf("a.r%d.example.test", i)
		case 2:
			name = fmt.Sprintf("r%d.test", i)
		case 3:
			name = fmt.Sprintf("notes.example.test.r%d.test", i)
		case 4:
			name = fmt.Sprintf("r%d-example.test", i)
		case 5:
			name = "" // none
		}
		if cert, err := s.shake(name); err == nil || !strings.Contains(err.Error(), "unrecognized name") {
			t.Errorf("%s: %v, %v", name, cert, err)
		}
	}
	if reads := s.store.reads.Load() - before; reads > 0 {
		t.Errorf("%d reads of the store", reads)
	}
	before = s.store.reads.Load()
	began := time.Now()
	for i := range 200 {
		if cert, err := s.shake(fmt.Sprintf("r%d.example.test", i), "acme-tls/1"); err == nil {
			t.Errorf("a challenge that is not under way gets %v", cert.Subject)
		}
	}
	seconds := int64(time.Since(began)/time.Second) + 1
	if reads := s.store.reads.Load() - before; reads > 20*seconds {
		t.Errorf("%d reads of the store for challenges in %d s", reads, seconds)
	}
	a.wantOrders(t, 1)
}

// TestRenewal: certificates that live for seconds are renewed without a visitor's
// help, once for two servers, and nobody sees one that has expired, or waits.
func TestRenewal(t *testing.T) {
	a := startAuthority(t, 15)
	s := newSite(t, a, "notes")
	var addrs []string
	for range 2 {
		s.start(func(opt *acme.Options) { opt.CheckEvery = 100 * time.Millisecond })
		addrs = append(addrs, s.addr)
	}
	first := s.mustShake("notes.example.test")
	serials := map[string]int{}
	began, renewed := time.Now(), map[string]bool{}
	for len(renewed) < 2 {
		if time.Since(began) > patience {
			t.Fatal("the certificate was not renewed")
		}
		for _, s.addr = range addrs {
			cert := s.mustShake("notes.example.test") // which verifies it
			serials[cert.SerialNumber.String()]++
			if time.Now().After(first.NotAfter) {
				renewed[s.addr] = true
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Logf("%d orders, handshakes by certificate %v in %v", a.orders.Load(), serials, time.Since(began).Round(time.Second))
	if orders := a.orders.Load(); orders > int64(len(serials))+1 || orders < 2 { // one may be under way
		t.Errorf("%d orders for %d certificates", orders, len(serials))
	}
}

// TestSlowAuthority: visitors wait for a host's first certificate longer than for a
// client that says nothing, too many are told so at once, and one that leaves does not
// end the order.
func TestSlowAuthority(t *testing.T) {
	a := startAuthority(t, 0)
	s := newSite(t, a, "notes")
	s.start(func(*acme.Options) {})
	busy := make(chan struct{})
	a.busy.Store(&busy)
	leaves, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		gone <- tls.Client(leaves, &tls.Config{ServerName: "notes.example.test"}).HandshakeContext(ctx)
	}()
	for end := time.Now().Add(patience); a.held.Load() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("there is no order")
		}
	}
	const visitors, waiting = 100, 63 // beside who leaves
	results := make(chan error, visitors)
	for range visitors {
		go func() {
			_, err := s.shake("notes.example.test")
			results <- err
		}()
	}
	for range visitors - waiting { // at once
		if err := <-results; err == nil {
			t.Fatal("there is a certificate")
		}
	}
	cancel()
	if err := <-gone; err == nil {
		t.Error("who left has a certificate")
	}
	select {
	case err := <-results:
		t.Fatalf("one that waits: %v", err)
	case <-time.After(6 * time.Second): // more than the server's deadline for handshakes
	}
	a.busy.Store(nil)
	close(busy)
	for range waiting {
		if err := <-results; err != nil {
			t.Errorf("one that waited: %v", err)
		}
	}
	a.wantOrders(t, 1)
}

// TestRenewalOfRemovedApp: the certificate of an app that is gone is not renewed.
func TestRenewalOfRemovedApp(t *testing.T) {
	a := startAuthority(t, 10)
	s := newSite(t, a, "notes")
	s.start(func(opt *acme.Options) { opt.CheckEvery = 100 * time.Millisecond })
	cert := s.mustShake("notes.example.test")
	if err := s.server.RemoveApp(t.Context(), "notes", api.Removal{}); err != nil {
		t.Fatal(err)
	}
	orders := a.orders.Load()
	time.Sleep(time.Until(cert.NotAfter)) // nothing tells of what is not done
	if _, err := s.shake("notes.example.test"); err == nil {
		t.Error("the app that was removed still has a certificate")
	}
	a.wantOrders(t, orders)
}

// TestNewHosts: of many new hosts, the authority is asked for a few in an hour,
// through restarts too.
func TestNewHosts(t *testing.T) {
	a := startAuthority(t, 0)
	s := newSite(t, a, "a", "b", "c")
	stop := s.start(func(opt *acme.Options) { opt.NewHosts = 2 })
	s.mustShake("a.example.test")
	s.mustShake("b.example.test")
	for range 2 {
		if _, err := s.shake("c.example.test"); err == nil {
			t.Error("there is a certificate for the third host")
		}
	}
	s.wantLogged("was asked for 2 new hosts within the hour")
	stop()
	stop = s.start(func(opt *acme.Options) { opt.NewHosts = 2 })
	if _, err := s.shake("c.example.test"); err == nil {
		t.Error("there is a certificate for the third host after a restart")
	}
	s.mustShake("a.example.test")
	a.wantOrders(t, 2)

	stop()
	s.age(time.Hour)
	s.start(func(opt *acme.Options) { opt.NewHosts = 2 })
	s.mustShake("c.example.test")
	a.wantOrders(t, 3)
}

// age makes what the store knows of orders older.
func (s *site) age(d time.Duration) {
	s.t.Helper()
	err := s.store.Write(s.t.Context(), func(tx storage.SQL) error {
		_, err := tx.Exec("UPDATE certificates SET updated_at = updated_at - ? WHERE name LIKE 'orders/%'", d.Milliseconds())
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// TestRefused: a host that the authority can't examine is not asked for again at
// once, by handshakes and by restarts, and waits for longer each time.
func TestRefused(t *testing.T) {
	a := startAuthority(t, 0)
	s := newSite(t, a, "notes")
	start := func() (stop func()) {
		stop = s.start(func(*acme.Options) {})
		a.tls.to.Store("") // nowhere
		return stop
	}
	stop := start()
	for range 3 {
		if _, err := s.shake("notes.example.test"); err == nil {
			t.Error("there is a certificate")
		}
	}
	s.wantLogged("no certificate; the host can't be reached")
	asked := a.orders.Load() // one order, or one for each kind of challenge
	if asked == 0 || asked > 3 {
		t.Errorf("the authority was asked %d times", asked)
	}
	stop()
	stop = start()
	if _, err := s.shake("notes.example.test"); err == nil {
		t.Error("there is a certificate after a restart")
	}
	s.wantLogged("the authority did not issue it, 1 times")
	a.wantOrders(t, asked)

	stop()
	s.age(time.Minute)
	s.start(func(*acme.Options) {})
	s.mustShake("notes.example.test")
}

// TestAuthorityDown: a server starts, and serves the certificates that it has.
func TestAuthorityDown(t *testing.T) {
	a := startAuthority(t, 0)
	s := newSite(t, a, "notes", "memo")
	stop := s.start(func(*acme.Options) {})
	s.mustShake("notes.example.test")
	stop()
	a.server.Close()
	s.start(func(*acme.Options) {})
	s.mustShake("notes.example.test")
	if _, err := s.shake("memo.example.test"); err == nil {
		t.Error("there is a certificate of nobody")
	}
	s.wantLogged("no certificate; the host can't be reached")
}
