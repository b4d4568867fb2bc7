package acme_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"log"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/fazt-sh/fazt/frontdoor/acme"
	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

func open(t *testing.T) storage.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "data.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

var loopback = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443}

func everything(context.Context, string) (bool, error) { return true, nil }

// A server with HTTPS for the hosts that it knows. The authority is asked at the first
// handshake.
func Example() {
	store, err := sqlite.Open(context.Background(), "data.db", sqlite.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	l, err := net.Listen("tcp", ":443")
	if err != nil {
		log.Fatal(err)
	}
	certificates, err := acme.New(acme.Options{
		Store:   store,
		Email:   "you@example.com",
		Known:   func(_ context.Context, host string) (bool, error) { return host == "example.com", nil },
		TLSAddr: l.Addr(),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer certificates.Close()
	secure := tls.NewListener(l, certificates.TLSConfig())
	defer secure.Close() // after frontdoor.Door.Serve, or http.Serve
}

func TestOptions(t *testing.T) {
	_, err := acme.New(acme.Options{Email: "You <you@example.com>", Directory: "http://ca.test", NewHosts: -1, CheckEvery: -1})
	if err == nil {
		t.Fatal("they are taken")
	}
	want := []string{
		"acme: Store is missing", "acme: Known is missing", "acme: TLSAddr is missing",
		`acme: Email "You <you@example.com>" is not an e-mail address; give one such as you@example.com`,
		`acme: Directory "http://ca.test" is not an https URL; give one such as ` + acme.DefaultDirectory,
		"acme: NewHosts is -1; give a positive number, or 0 for 20", "acme: CheckEvery is -1ns; give a positive time, or 0 for 10m0s",
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestClose leaves nothing behind.
func TestClose(t *testing.T) {
	store := open(t)
	leaks := goleak.IgnoreCurrent()
	c, err := acme.New(acme.Options{Store: store, Email: "you@example.com", Known: everything, TLSAddr: loopback})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	c.Close()
	goleak.VerifyNone(t, leaks)
}

func TestKeeper(t *testing.T) {
	store := open(t)
	k := acme.NewKeeper(t.Context(), store, slog.New(slog.DiscardHandler))
	for _, key := range []string{"certificates/ca/a.test/a.test.crt", "certificates/ca/a.test/a.test.key", "certificates/ca-b/b.test/b.test.crt", "acme/ca/user.json"} {
		if err := k.Store(t.Context(), key, []byte(key)); err != nil {
			t.Fatal(err)
		}
	}
	list := func(below string, recursive bool) []string {
		t.Helper()
		keys, err := k.List(t.Context(), below, recursive)
		if err != nil {
			t.Fatal(err)
		}
		return keys
	}
	for _, tt := range []struct {
		below     string
		recursive bool
		want      []string
	}{
		{"", false, []string{"acme", "certificates"}},
		{"certificates", false, []string{"certificates/ca", "certificates/ca-b"}},
		{"certificates/ca/", false, []string{"certificates/ca/a.test"}},
		{"certificates/ca", true, []string{"certificates/ca/a.test", "certificates/ca/a.test/a.test.crt", "certificates/ca/a.test/a.test.key"}},
	} {
		if diff := cmp.Diff(tt.want, list(tt.below, tt.recursive)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.below, diff)
		}
	}
	for key, want := range map[string]bool{"certificates/ca/a.test/a.test.crt": true, "certificates/ca/a.test": true, "certificates/c": false, "none": false} {
		if got := k.Exists(t.Context(), key); got != want {
			t.Errorf("%s exists: %v", key, got)
		}
	}
	info, err := k.Stat(t.Context(), "acme/ca/user.json")
	if err != nil || !info.IsTerminal || info.Size != 17 || time.Since(info.Modified) > time.Hour {
		t.Errorf("%+v, %v", info, err)
	}
	if info, err := k.Stat(t.Context(), "acme"); err != nil || info.IsTerminal {
		t.Errorf("%+v, %v", info, err)
	}
	if err := k.Delete(t.Context(), "certificates"); err != nil {
		t.Error(err)
	}
	_, loadErr := k.Load(t.Context(), "certificates/ca/a.test/a.test.crt")
	_, statErr := k.Stat(t.Context(), "certificates")
	_, listErr := k.List(t.Context(), "certificates", true)
	for _, err := range []error{loadErr, statErr, listErr} {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("after its removal: %v", err)
		}
	}
	if err := k.Delete(t.Context(), "certificates"); err != nil {
		t.Error(err)
	}

	// What the authority gave is in the audit log, by its host.
	entries, err := store.Audit(t.Context(), storage.AuditQuery{})
	if err != nil {
		t.Fatal(err)
	}
	var hosts []string
	for _, e := range entries {
		hosts = append(hosts, e.Action+" "+e.Target)
	}
	if diff := cmp.Diff([]string{"certificate.store b.test", "certificate.store a.test"}, hosts); diff != "" {
		t.Errorf("audit log (-want +got):\n%s", diff)
	}
}

// TestKeeperLocks: of many goroutines of two servers, one at a time has a lock.
func TestKeeperLocks(t *testing.T) {
	store := open(t)
	var keepers []*acme.Keeper
	for range 2 {
		keepers = append(keepers, acme.NewKeeper(t.Context(), store, slog.New(slog.DiscardHandler)))
	}
	var work sync.WaitGroup
	in := 0 // unguarded, for the race detector
	for i := range 6 {
		work.Go(func() {
			k := keepers[i%2]
			if err := k.Lock(t.Context(), "a"); err != nil {
				t.Error(err)
				return
			}
			if in++; in != 1 {
				t.Errorf("%d have the lock", in)
			}
			in--
			if err := k.Unlock(t.Context(), "a"); err != nil {
				t.Error(err)
			}
		})
	}
	work.Wait()
	if err := keepers[0].Lock(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := keepers[1].Lock(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a lock that another has: %v", err)
	}
	if err := keepers[0].Unlock(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	if err := keepers[1].Unlock(t.Context(), "a"); err != nil {
		t.Errorf("one that it does not have: %v", err)
	}
}

// TestCleanStorage: certmagic finds its way in the store.
func TestCleanStorage(t *testing.T) {
	k := acme.NewKeeper(t.Context(), open(t), slog.New(slog.DiscardHandler))
	cert := expired(t)
	for _, ext := range []string{".crt", ".key", ".json"} {
		if err := k.Store(t.Context(), "certificates/ca/a.test/a.test"+ext, cert); err != nil {
			t.Fatal(err)
		}
	}
	err := certmagic.CleanStorage(t.Context(), k, certmagic.CleanStorageOptions{Logger: zap.NewNop(), ExpiredCerts: true, OCSPStaples: true})
	if err != nil {
		t.Fatal(err)
	}
	if k.Exists(t.Context(), "certificates") {
		t.Error("a certificate that has expired is still there")
	}
}

// TestLog: certmagic's steps are debug lines, and so is what any client can make it
// say.
func TestLog(t *testing.T) {
	var out bytes.Buffer
	h := slog.NewTextHandler(&out, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})
	l := acme.NewLogger(h).With(zap.String("host", "a.test"))
	l.Info("a step")
	l.Error("tls-alpn challenge", zap.Error(errors.New("there is none")))
	l.Named("x").Warn("careful", zap.Int("n", 2))
	l.Error("failed", zap.Error(errors.New("no")))
	want := `level=WARN msg="certificates: careful" host=a.test n=2
level=ERROR msg="certificates: failed" host=a.test error=no
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
