package gojajs_test

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/gojajs"
)

func load(t testing.TB, limits runtime.Limits, src string) *runtime.Program {
	t.Helper()
	r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{gojajs.New()}, Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Load(runtime.Source{Files: map[string]string{"api/main.js": src}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func TestTopLevelConst(t *testing.T) {
	p := load(t, runtime.Limits{}, `const seen = []; let n = 0; seen.push(++n); class A {} return {seen, n, name: A.name};`)
	for range 10_000 {
		res, err := p.Run(t.Context(), &runtime.Request{Method: "GET"})
		if err != nil || string(res.Response.Body) != `{"seen":[1],"n":1,"name":"A"}` {
			t.Fatalf("got %s, %v", res.Response.Body, err)
		}
	}
}

// A run that is stopped leaves no goroutine, nor does one with timers waiting.
func TestNothingIsLeft(t *testing.T) {
	p := load(t, runtime.Limits{CPU: 20 * time.Millisecond}, `
		setTimeout(() => {}, 1e6);
		if (request.method === 'LOOP') for (;;) ;
		if (request.method === 'WAIT') await new Promise(r => setTimeout(r, 1));
		return 'done';`)
	for _, method := range []string{"LOOP", "WAIT", "GET", "LOOP"} {
		_, err := p.Run(t.Context(), &runtime.Request{Method: method})
		if (err != nil) != (method == "LOOP") {
			t.Errorf("%s: %v", method, err)
		}
	}
	goleak.VerifyNone(t)
}

// The frames of the engine and of its library are left out of a stack.
func TestStackIsTheAuthors(t *testing.T) {
	p := load(t, runtime.Limits{}, "const f = list => list.map(x => x.y.z);\nf.call(null, [{}]);")
	_, err := p.Run(t.Context(), &runtime.Request{Method: "GET"})
	e, ok := err.(*runtime.Error)
	if !ok {
		t.Fatal(err)
	}
	if !strings.HasPrefix(e.Stack, "TypeError: Cannot read property 'z' of undefined") || !strings.Contains(e.Stack, "api/main.js:1:") ||
		!strings.Contains(e.Stack, "api/main.js:2:") || strings.Contains(e.Stack, "library") {
		t.Errorf("stack\n%s", e.Stack)
	}
}
