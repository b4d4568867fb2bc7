package fazt_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
)

// readStore counts how often content is read, which a handler's loading begins
// with, and lets each wait.
type readStore struct {
	storage.Store
	reads atomic.Int32
	wait  func(context.Context) error
}

func (s *readStore) OpenContent(ctx context.Context, hash, encoding string) (io.ReadSeekCloser, error) {
	s.reads.Add(1)
	if s.wait != nil {
		if err := s.wait(ctx); err != nil {
			return nil, err
		}
	}
	return s.Store.OpenContent(ctx, hash, encoding)
}

// openReads makes a server that finds an app called app in its store.
func openReads(t *testing.T) (*fazt.Server, *readStore) {
	t.Helper()
	store := &readStore{Store: openStore(t)}
	here := func(o *fazt.Options) { o.DataFile, o.Store = "", store }
	deploy(t, open(t, here), "app", files("api/main.js", `'version ' + fazt.app.version`))
	return open(t, here), store
}

// A program that was compiled for a deploy is the one that answers.
func TestDeployCompilesOnce(t *testing.T) {
	srv, store := openReads(t)
	for _, want := range []string{"200 version 2", "200 version 3"} {
		deploy(t, srv, "app", files("api/main.js", `'version ' + fazt.app.version`))
		if got := get(srv, "http://app.localhost/api"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if n := store.reads.Load(); n != 0 {
		t.Errorf("the handler was loaded %d times more", n)
	}
}

// What runs no handler compiles none.
func TestNothingIsCompiledUnasked(t *testing.T) {
	srv, store := openReads(t)
	if _, err := srv.Apps(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := srv.Logs(t.Context(), api.LogQuery{Apps: []string{"app"}}); err != nil {
		t.Error(err)
	}
	if _, err := srv.CreateKey(t.Context(), "ci", "deploy"); err != nil {
		t.Error(err)
	}
	if err := srv.Backup(t.Context(), filepath.Join(t.TempDir(), "copy.db"), nil); err != nil {
		t.Error(err)
	}
	if err := srv.RemoveApp(t.Context(), "app", api.Removal{}); err != nil {
		t.Error(err)
	}
	if n := store.reads.Load(); n != 0 {
		t.Errorf("%d files were read", n)
	}
}

// request sends a GET whose client may leave; the answer comes on the channel.
func request(ctx context.Context, srv http.Handler) <-chan string {
	answer := make(chan string, 1)
	go func() {
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://app.localhost/api", nil).WithContext(ctx))
		answer <- strings.TrimSpace(w.Body.String())
	}()
	return answer
}

// The first requests to an app share one load. One that leaves takes nothing from
// the others.
func TestRequestsShareALoad(t *testing.T) {
	srv, store := openReads(t)
	reading, goOn := make(chan struct{}), make(chan struct{})
	store.wait = func(ctx context.Context) error {
		reading <- struct{}{}
		select {
		case <-goOn:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	ctx, leave := context.WithCancel(t.Context())
	first := request(ctx, srv)
	<-reading
	second, third := request(t.Context(), srv), request(t.Context(), srv)
	for fazt.LoadWaiters(srv, "app") < 3 {
		goruntime.Gosched() // they are on their way
	}
	leave()
	if got := <-first; got != "" {
		t.Errorf("a client that has gone was answered %s", got)
	}
	close(goOn)
	for _, answer := range []<-chan string{second, third} {
		if got := <-answer; got != "version 1" {
			t.Errorf("got %s", got)
		}
	}
	if n := store.reads.Load(); n != 1 {
		t.Errorf("the handler was loaded %d times", n)
	}
}

// A load that nobody waits for ends, and the next request begins another.
func TestAbandonedLoadEnds(t *testing.T) {
	srv, store := openReads(t)
	reading, ended := make(chan struct{}), make(chan error)
	store.wait = func(ctx context.Context) error {
		reading <- struct{}{}
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	}
	ctx, leave := context.WithCancel(t.Context())
	first := request(ctx, srv)
	<-reading
	leave()
	<-first
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the load ended with %v", err)
	}
	store.wait = nil
	if got := get(srv, "http://app.localhost/api"); got != "200 version 1" {
		t.Errorf("got %s", got)
	}
}

// A source that would take minutes to compile is the app's mistake, at a place.
func TestDeployOfWhatTakesLong(t *testing.T) {
	srv := open(t)
	deep := "var a;\n" + strings.Repeat("(a=", 40) + "0" + strings.Repeat(")=>0", 40)
	_, err := srv.Deploy(t.Context(), "app", files("api/main.js", "require('./deep')", "api/deep.js", deep))
	e, ok := errors.AsType[*runtime.Error](err)
	if !ok || !errors.Is(err, fazt.ErrInvalidApp) || e.File != "api/deep.js" || e.Line != 2 || e.Column == 0 {
		t.Errorf("got %v", err)
	}
}

// A deploy whose client has left ends, and nothing is changed.
func TestDeployEndsWithItsClient(t *testing.T) {
	srv := open(t)
	ctx, leave := context.WithCancel(t.Context())
	leave()
	_, err := srv.Deploy(ctx, "app", files("api/main.js", "1"))
	if !errors.Is(err, context.Canceled) || errors.Is(err, fazt.ErrInvalidApp) {
		t.Errorf("got %v", err)
	}
	if apps, err := srv.Apps(t.Context()); err != nil || len(apps) != 0 {
		t.Errorf("there are %d apps, error %v", len(apps), err)
	}
}
