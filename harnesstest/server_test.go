package harnesstest_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/harnesstest"
)

// A visitor with a role is known to an app, to the management API and to a service
// that mounts apps beside routes of its own, also where there is no provider.
func TestAs(t *testing.T) {
	t.Parallel()
	for _, dev := range []bool{true, false} {
		srv := harnesstest.Start(t, func(o *fazt.Options) { o.Dev = dev })
		app := srv.Deploy(fstest.MapFS{"api/main.js": {Data: []byte(`({user: fazt.auth.getUser()})`)}})
		ada := harnesstest.User{Email: "ada@example.com", Role: "admin"}
		var got struct {
			User struct{ Email, Name, Role string }
		}
		app.As(ada).Get("/api").Expect(200).JSON(&got)
		if got.User.Email != "ada@example.com" || got.User.Name != "ada" || got.User.Role != "admin" {
			t.Errorf("the app sees %+v", got)
		}
		if res := app.Get("/api"); res.Body != `{"user":null}` {
			t.Errorf("the app's other visitor is %v", res)
		}
		srv.As(ada).Get("/api/apps").Expect(200)
		srv.As(harnesstest.User{Email: "bob@example.com"}).Get("/api/apps").Expect(403)
		srv.Get("/api/apps").Expect(401)

		mux := http.NewServeMux()
		mux.Handle("/shop/", http.StripPrefix("/shop", srv.Fazt.App(app.Name)))
		mux.Handle("/account", srv.Fazt.Auth().RequireUser(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "Hello, ", auth.UserFrom(r.Context()).Name)
		})))
		service := srv.Serve(mux)
		service.Get("/account").Expect(401)
		visitor := service.As(harnesstest.User{Email: "eve@example.com", Name: "Eve"})
		if res := visitor.Get("/account").Expect(200); res.Body != "Hello, Eve" {
			t.Error(res)
		}
		visitor.Get("/shop/api").Expect(200).JSON(&got)
		if got.User.Name != "Eve" || got.User.Role != "user" {
			t.Errorf("the mounted app sees %+v", got)
		}
	}
}

// What an answer is expected to be ends the test with the request and the answer.
func TestExpect(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		run  func(*harnesstest.Visitor)
		want string
	}{
		{"status", func(v *harnesstest.Visitor) { v.Get("/a").Expect(200, 204) }, "/a: want status [200 204], got 418"},
		{"no JSON", func(v *harnesstest.Visitor) { var x any; v.Get("/b").Expect(418).JSON(&x) }, "/b: unexpected end of JSON input"},
	} {
		res := harnesstest.Check{Run: func(p *harnesstest.Probe) { test.run(p.Visit()) }}.Try(t, harnesstest.Handler(t, teapot))
		if res.Outcome != harnesstest.Failed || !strings.Contains(res.Text, test.want) {
			t.Errorf("%s: %+v, want %q", test.name, res, test.want)
		}
	}
}

// spy is a test that may fail, and whose output can be read.
type spy struct {
	*harnesstest.Probe
	out *strings.Builder
}

func (s spy) Output() io.Writer { return s.out }

// The log shows when the test has failed, and only then.
func TestLogOnFailure(t *testing.T) {
	t.Parallel()
	for _, fail := range []bool{false, true} {
		var out strings.Builder
		harnesstest.Check{Run: func(p *harnesstest.Probe) {
			srv := harnesstest.Start(spy{p, &out}, func(o *fazt.Options) { o.Logger.Info("it has begun") })
			srv.Get("/api/health").Expect(200)
			if fail {
				p.Error("failed on purpose")
			}
		}}.Try(t, nil)
		if got := strings.Contains(out.String(), "it has begun"); got != fail {
			t.Errorf("fails is %v, and the output is %q", fail, out.String())
		}
	}
}

// A server that leaves something behind fails its test.
func TestLeaks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		leak func(t *testing.T, o *fazt.Options) // from within the server
		want string
	}{
		{"a file", func(t *testing.T, o *fazt.Options) {
			f, err := os.Create(o.DataFile + "-extra")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { f.Close() })
		}, "data.db-extra is still open"},
		{"nothing", func(*testing.T, *fazt.Options) {}, ""},
	} {
		res := harnesstest.Check{Run: func(p *harnesstest.Probe) {
			harnesstest.Start(p, func(o *fazt.Options) { test.leak(t, o) })
		}}.Try(t, nil)
		if (res.Outcome == harnesstest.Failed) != (test.want != "") || !strings.Contains(res.Text, test.want) {
			t.Errorf("%s: %+v, want %q", test.name, res, test.want)
		}
	}
}

func TestLeakedGoroutines(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	done := make(chan struct{})
	if stacks := harnesstest.Leaked(never, func() {
		go func() { <-hold; close(done) }()
	}); len(stacks) != 1 || !strings.Contains(stacks[0], "TestLeakedGoroutines") {
		t.Errorf("a goroutine that waits shows as %q", stacks)
	}
	close(hold)
	<-done
	if stacks := harnesstest.Leaked(time.Minute, func() {}); stacks != nil {
		t.Errorf("nothing waits, and %q shows", stacks)
	}
}
