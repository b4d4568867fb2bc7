package runtimetest

import (
	"fmt"
	"slices"
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
