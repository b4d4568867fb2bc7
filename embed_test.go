package fazt_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
)

// TestCloseByMany: whoever calls Close, the data file is released when it returns.
func TestCloseByMany(t *testing.T) {
	file := filepath.Join(t.TempDir(), "data.db")
	srv, err := fazt.New(t.Context(), fazt.Options{DataFile: file})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := srv.Close(); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(file + "-wal"); err == nil {
				t.Error("Close has returned, and the data file is open")
			}
		})
	}
	wg.Wait()
}

// TestCloseEndsServe: a Close before the context's end ends Serve, and there is none after.
func TestCloseEndsServe(t *testing.T) {
	srv := open(t)
	deploy(t, srv, "root", files("index.html", "page"))
	listen := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l, served := listen(), make(chan error, 1)
	go func() { served <- srv.Serve(context.Background(), l) }()
	res, err := http.Get("http://" + l.Addr().String() + "/api/health") // it serves
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	l = listen()
	if err := srv.Serve(t.Context(), l); storage.CodeOf(err) != storage.CodeClosed {
		t.Errorf("Serve after Close: %v", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener: %v, want it closed", err)
	}
}

// TestOptionsBeforeFile: what any package says of the options is said together, and a
// data file isn't made for them.
func TestOptionsBeforeFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "data.db")
	_, err := fazt.New(t.Context(), fazt.Options{
		DataFile: file, Domain: "exa mple.com", RateLimit: -1, Quotas: storage.Quotas{Key: -1},
		Handler: runtime.Limits{CPU: -1}, Providers: []auth.Provider{nil},
	})
	for _, want := range []string{"Domain", "RateLimit", "Key", "Limits.CPU", "provider 0"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not named in: %v", want, err)
		}
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("there is a data file")
	}
}

// TestDataFileIsAPath: names that mean something else to SQLite make no file.
func TestDataFileIsAPath(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{":memory:", "file:data.db?mode=memory"} {
		if _, err := fazt.New(t.Context(), fazt.Options{DataFile: name}); storage.CodeOf(err) != storage.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if made, err := os.ReadDir("."); err != nil || len(made) > 0 {
		t.Error(made, err)
	}
}

// TestDeployOfNothing: nil is an error that says so, and the next deploy is made.
func TestDeployOfNothing(t *testing.T) {
	srv := open(t)
	if _, err := srv.Deploy(t.Context(), "app", nil); !errors.Is(err, fazt.ErrInvalidApp) {
		t.Error(err)
	}
	if _, err := srv.DeployZIP(t.Context(), "app", nil, 1); !errors.Is(err, fazt.ErrInvalidApp) {
		t.Error(err)
	}
	deploy(t, srv, "app", files("index.html", "page"))
}

// panics is a type whose methods for JSON fail inside.
type panics struct{}

func (panics) MarshalJSON() ([]byte, error) { panic("written") }
func (*panics) UnmarshalJSON([]byte) error  { panic("read") }
func (e *panics) Error() string             { panic("said") }
func (panics) String() string               { return "" }

var _ error = (*panics)(nil)

// TestBindTypes: a type that can't cross is refused at once, and not by each call.
func TestBindTypes(t *testing.T) {
	srv := open(t)
	type list []list // ends nowhere by its type
	for name, test := range map[string]struct {
		fn any
		ok bool
	}{
		"channel":        {func(chan int) {}, false},
		"function":       {func(func()) {}, false},
		"error":          {func(error) {}, false},
		"context last":   {func(int, context.Context) {}, false},
		"complex result": {func() complex128 { return 0 }, false},
		"channel result": {func() (chan int, error) { return nil, nil }, false},
		"variadic":       {func(...int) {}, false},
		"three results":  {func() (int, int, error) { return 0, 0, nil }, false},
		"nothing":        {nil, false},
		"no function":    {3, false},
		"nil function":   {(func())(nil), false},
		"any":            {func(any) any { return nil }, true},
		"recursive":      {func(list) list { return nil }, true},
		"time and errors": {func(context.Context, time.Time, *int, []byte, map[int]string) (time.Time, error) {
			return time.Time{}, nil
		}, true},
		"error alone": {func() error { return nil }, true},
	} {
		err := srv.Bind("test."+strings.ReplaceAll(name, " ", "_"), test.fn)
		if (err == nil) != test.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestBoundFunctionMisbehaves: what a function's types do is as much the program's as
// the function: its panics are errors. A value that is too large and a goroutine that
// ends are the run's end, and no slot is lost by either.
func TestBoundFunctionMisbehaves(t *testing.T) {
	srv := open(t, func(o *fazt.Options) { o.Slots, o.Handler.Memory = 1, 8<<20 })
	for name, fn := range map[string]any{
		"test.written": func() panics { return panics{} },
		"test.read":    func(panics) {},
		"test.said":    func() error { return (*panics)(nil) },
		"test.large":   func() string { return strings.Repeat("x", 9<<20) },
		"test.bytes":   func() []byte { return make([]byte, 9<<20) },
		"test.many":    func() []byte { return make([]byte, 3<<20) },
		"test.exits":   func() { goruntime.Goexit() },
	} {
		if err := srv.Bind(name, fn); err != nil {
			t.Fatal(err)
		}
	}
	for _, engine := range []string{"otto", "goja"} {
		for _, test := range []struct{ call, want string }{
			{"test.written()", `200 INTERNAL`},
			{"test.read(1)", `200 INTERNAL`},
			{"test.said()", `200 INTERNAL`},
			{"test.large()", `503 {"error":{"code":"BUDGET_MEMORY"`},
			{"test.bytes()", `503 {"error":{"code":"BUDGET_MEMORY"`},
			{"for (var i = 0; i < 3; i++) test.many()", `503 {"error":{"code":"BUDGET_MEMORY"`},
			{"test.exits()", `500 {"error":{"code":"ENGINE_ERROR"`},
			{"1", `200 done`},
		} {
			deploy(t, srv, engine, files("manifest.json", `{"engine": "`+engine+`"}`,
				"api/main.js", `try { `+test.call+`; respond('done') } catch (e) { respond(e.code) }`))
			got := get(srv, "http://"+engine+".localhost/api")
			if d := cmp.Diff(test.want, got[:min(len(got), len(test.want))]); d != "" {
				t.Errorf("%s: %s: %s\n%s", engine, test.call, d, got)
			}
		}
	}
}
