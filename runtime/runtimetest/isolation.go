package runtimetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/runtime"
)

// Isolation proves that nothing of a request is there in the next, of the same
// app or of another, though VMs may be reused. The handlers in testdata/isolation
// are attempts to leave something: each answers what it finds and then tries to
// leave the request's id, so all requests have to get the same answer. On an
// engine that makes a new interpreter for each request they look for what programs
// share: compiled code, and what the host gives.
func Isolation(t *testing.T, engine runtime.Engine) {
	r := newRuntime(t, runtime.Options{Engines: []runtime.Engine{engine}})
	t.Run("after an error", func(t *testing.T) { isolatedAfterError(t, r) })
	for _, a := range scripts(t, "testdata/isolation", engine) {
		t.Run(a.name, func(t *testing.T) {
			host := testHost() // what apps could share
			var apps []*runtime.Handler
			for range 2 {
				p, err := Load(r, map[string]string{
					runtime.DefaultMain: a.src,
					"api/counter.js":    "var n = 0; exports.next = function () { return ++n; }",
				}, host)
				if err != nil {
					t.Fatal(err)
				}
				defer p.Close()
				apps = append(apps, p)
			}
			var answers []string
			for i, app := range []int{0, 0, 1, 0, 1} {
				res, err := apps[app].Run(t.Context(), &runtime.Request{Method: "GET", Path: "/api", ID: fmt.Sprintf("r%d", i+1)})
				if err != nil {
					t.Fatal(err)
				}
				answers = append(answers, string(res.Response.Body))
			}
			if diff := cmp.Diff(slices.Repeat(answers[:1], len(answers)), answers); diff != "" {
				t.Errorf("answers of five requests to two apps (-want +got)\n%s", diff)
			}
		})
		t.Run("stopped/"+a.name, func(t *testing.T) { isolatedAfterStop(t, r, a.src) })
	}
}

// isolatedAfterStop has a host function stop every other request, after its attempt: at
// once, in a function, in blocks, and in what a native calls.
func isolatedAfterStop(t *testing.T, r *runtime.Runtime, attempt string) {
	p, err := Load(r, map[string]string{
		runtime.DefaultMain: `var answer = (function () {` + attempt + `
		}).call(this);
		function stop() { test.stop(); }
		switch (request.method) {
		case 'A': test.stop();
		case 'B': stop();
		case 'C': out: { try { for (;;) { test.stop(); break out; } } finally { answer = 0; } }
		case 'D': [1].forEach(stop);
		case 'E': String({toString: stop});
		}
		return answer;`,
		"api/counter.js": "var n = 0; exports.next = function () { return ++n; }",
	}, testHost())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	want := ""
	for i, method := range []string{"GET", "A", "GET", "B", "GET", "C", "GET", "D", "GET", "E", "GET", "GET"} {
		id := fmt.Sprintf("r%02d", i+1)
		res, err := p.Run(t.Context(), &runtime.Request{Method: method, Path: "/api", ID: id})
		if method != "GET" {
			if res.Response.Status != 401 {
				t.Fatalf("%s is answered %d, %s, %v", method, res.Response.Status, res.Response.Body, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		got := "answer: " + strings.ReplaceAll(string(res.Response.Body), id, "its own") // a function around the attempt is not out of its reach
		if want == "" {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("request %d (-before any stop +now)\n%s", i+1, diff)
		}
	}
}

// isolatedAfterError looks at a VM on which a run threw.
func isolatedAfterError(t *testing.T, r *runtime.Runtime) {
	p, err := Load(r, map[string]string{runtime.DefaultMain: `
		var was = typeof stash;
		stash = request.id;
		if (request.method === 'POST') throw new Error('x');
		return was;`}, testHost())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Run(t.Context(), &runtime.Request{Method: "POST", Path: "/api"}); err == nil {
		t.Fatal("the handler didn't throw")
	}
	res, err := p.Run(t.Context(), &runtime.Request{Method: "GET", Path: "/api"})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(res.Response.Body); got != "undefined" {
		t.Errorf("the variable is %s, want undefined", got)
	}
}
