// Package othertest runs the suites against HTTP servers that are not fazt: what they
// find there, and what they leave out.
package othertest

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/fazt-sh/fazt/harnesstest"
)

// site is a directory with a page and a file.
func site(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"index.html": "<!doctype html><title>home</title>", "notes.txt": "notes"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// found asks a target all that the suites have. It returns what failed with its text, and
// how many checks do not apply.
func found(t *testing.T, target harnesstest.Target) (failed map[string]string, without int) {
	t.Helper()
	var mu sync.Mutex
	failed = map[string]string{}
	try := func(name string, check harnesstest.Check) {
		res := check.Try(t, target)
		mu.Lock()
		defer mu.Unlock()
		switch res.Outcome {
		case harnesstest.Failed:
			failed[name] = res.Text
		case harnesstest.NotApplicable:
			without++
		}
	}
	var all sync.WaitGroup
	defer all.Wait()
	for _, suite := range harnesstest.Suites() {
		for _, check := range suite.Checks {
			name := suite.Name + "/" + check.Name
			if check.Parallel { // many of these wait for a deadline that the server does not have
				all.Go(func() { try(name, check) })
			} else {
				try(name, check)
			}
		}
	}
	return failed, without
}

// compare reports what was found otherwise than these, of which each says a part.
func compare(t *testing.T, want map[string]string, target harnesstest.Target) {
	t.Helper()
	got, without := found(t, target)
	for name, part := range want {
		if !strings.Contains(got[name], part) || got[name] == "" {
			t.Errorf("%s: found %q, want %q", name, got[name], part)
		}
		delete(got, name)
	}
	for name, text := range got {
		t.Errorf("%s: %s", name, text)
	}
	t.Logf("%d checks do not apply: they ask for what only fazt has", without)
}

// A file server of net/http has no limits of its own, and takes any method for GET.
func TestNetHTTP(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.FileServer(http.Dir(site(t)))) // and no harnesstest.Handler: the listener is judged as well
	t.Cleanup(srv.Close)
	compare(t, map[string]string{
		"Requests/http/unknown-method": "status 200",
		"Security/connections/address": "limit the connections of an address",
		"Security/headers/slow":        "give the server a deadline for headers",
	}, harnesstest.URL(t, srv.URL))
}

// fasthttp reads requests in its own way, and takes some that nobody should.
func TestFastHTTP(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := fasthttp.Server{Handler: fasthttp.FSHandler(site(t), 0), Logger: log.New(io.Discard, "", 0)}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		if err := errors.Join(server.Shutdown(), <-done); err != nil {
			t.Error(err)
		}
	})
	compare(t, map[string]string{
		"Requests/http/request-line":   "HTTP/9.9",
		"Requests/http/unknown-method": "status 200",
		"Security/headers/malformed":   "X A: b",
		"Security/connections/address": "limit the connections of an address",
		"Security/headers/slow":        "give the server a deadline for headers",
		"Security/body/slow":           "give the server a deadline for bodies",
	}, harnesstest.URL(t, "http://"+l.Addr().String()))
}
