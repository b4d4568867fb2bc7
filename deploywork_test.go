package fazt_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/harnesstest"
)

// gateFS calls opened before a file is opened.
type gateFS struct {
	fstest.MapFS
	opened func(name string)
}

func (f gateFS) Open(name string) (fs.File, error) {
	f.opened(name)
	return f.MapFS.Open(name)
}

// TestDeployBesideNeighbour has an app answered in the middle of another's deploy,
// on the only slot, and of its own: the deploy has no slot while it doesn't compute.
func TestDeployBesideNeighbour(t *testing.T) {
	srv := open(t, func(o *fazt.Options) { o.Slots = 1 })
	deploy(t, srv, "neighbour", files("api/main.js", "respond('neighbour')"))
	deploy(t, srv, "app", files("api/main.js", "respond('old')"))
	app := files("index.html", strings.Repeat("some text ", 1<<16), "z.txt", "last", "api/main.js", "respond('new')")
	answered := 0
	deploy(t, srv, "app", gateFS{app, func(name string) {
		if name != "z.txt" {
			return
		}
		for url, want := range map[string]string{"http://neighbour.localhost/api": "200 neighbour", "http://app.localhost/api": "200 old"} {
			if got := get(srv, url); got != want {
				t.Errorf("%s during the deploy: %s, want %s", url, got, want)
			}
		}
		answered++
	}})
	if answered == 0 {
		t.Error("the deploy never came to its last file")
	}
	if got := get(srv, "http://app.localhost/api"); got != "200 new" {
		t.Errorf("after the deploy: %s", got)
	}
}

// TestOneDeployAtATime has the second wait until the first has ended, as long as its
// own context allows.
func TestOneDeployAtATime(t *testing.T) {
	srv := open(t)
	inside, leave := make(chan struct{}), make(chan struct{})
	first := make(chan error, 1)
	go func() {
		blocked := false
		_, err := srv.Deploy(t.Context(), "first", gateFS{files("index.html", "1"), func(name string) {
			if name == "index.html" && !blocked {
				blocked = true
				close(inside)
				<-leave
			}
		}})
		first <- err
	}()
	<-inside
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	touched := gateFS{files("index.html", "2"), func(string) { t.Error("the second began beside the first") }}
	if _, err := srv.Deploy(gone, "second", touched); !errors.Is(err, context.Canceled) {
		t.Errorf("a deploy whose client has gone: %v", err)
	}
	close(leave)
	if err := <-first; err != nil {
		t.Error(err)
	}
	deploy(t, srv, "second", files("index.html", "2"))
}

// TestDeployOfLeaver has a client go away in the middle of a deploy: it ends, and
// the next begins.
func TestDeployOfLeaver(t *testing.T) {
	srv := open(t)
	ctx, leave := context.WithCancel(t.Context())
	_, err := srv.Deploy(ctx, "app", gateFS{files("index.html", "1", "z.txt", "last"), func(name string) {
		if name == "z.txt" {
			leave()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that the client has gone", err)
	}
	if got := get(srv, "http://app.localhost/"); !strings.HasPrefix(got, "404") {
		t.Errorf("what was deployed by halves: %s", got)
	}
	deploy(t, srv, "app", files("index.html", "2"))
}

// TestDeployNoticesLeaver has a client send all of its deploy, wait for another's to
// end, and go away.
func TestDeployNoticesLeaver(t *testing.T) {
	srv := harnesstest.Start(t)
	token, err := srv.Fazt.CreateKey(t.Context(), "deployer", "deploy")
	if err != nil {
		t.Fatal(err)
	}
	client := &api.Client{URL: srv.URL, Token: token, HTTP: srv.Client()}
	inFlight := func() int64 {
		stats, err := srv.Fazt.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return stats.InFlight
	}
	_, err = srv.Fazt.Deploy(t.Context(), "first", gateFS{files("index.html", "1", "z.txt", "last"), func(name string) {
		if name != "z.txt" {
			return
		}
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() {
			_, err := client.Deploy(ctx, "second", files("index.html", "2"))
			left <- err
		}()
		eventually(t, func() bool { return inFlight() == 1 })
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("the client: %v", err)
		}
		eventually(t, func() bool { return inFlight() == 0 })
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// TestDeployIsCharged has the time of a deploy among what the app was charged.
func TestDeployIsCharged(t *testing.T) {
	srv := open(t)
	deploy(t, srv, "app", files("index.html", strings.Repeat("some text ", 1<<16)))
	stats, err := srv.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range stats.Apps {
		if a.Name == "app" && a.Charges.ProcessorMS > 0 {
			return
		}
	}
	t.Errorf("no charge in %+v", stats.Apps)
}
