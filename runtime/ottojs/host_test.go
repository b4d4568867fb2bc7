package ottojs_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/ottojs"
	"github.com/fazt-sh/fazt/runtime/runtimetest"
)

// Many regular expressions have checkpoints between them, and are otherwise as they
// were.
func TestManyPatterns(t *testing.T) {
	const mail = `/^[^@\s]{1,64}@[^@\s]{1,255}$/i`
	src := `var all = [` + strings.Repeat(mail+", ", 40) + `1], hits = 0;
for (var i = 0; i < 40; i++) if (all[i].test('a@b.c') && all[i].source === all[0].source && all[i] !== all[i + 1]) hits++;
return [all.length, hits]`
	if diff := cmp.Diff([]string{"[41,40]", "[41,40]"}, hostOutcome(t, src)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// hostOutcome is what two requests get of a program that has host functions.
func hostOutcome(t *testing.T, src string) (out []string) {
	t.Helper()
	echo := func(_ context.Context, args runtime.Args) (runtime.Value, error) {
		return runtime.From(map[string]any{"args": args, "status": 200})
	}
	fail := func(context.Context, runtime.Args) (runtime.Value, error) {
		return runtime.Value{}, &runtime.HostError{Code: "NO", Message: "it fails"}
	}
	r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{ottojs.New()}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := runtimetest.Load(r, map[string]string{"api/main.js": src}, map[string]any{
		"fazt.kv.get": runtime.Brief(echo), "fazt.kv.fail": runtime.Func(fail), "shop.price": runtime.Func(echo),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for range 2 {
		res, err := p.Run(t.Context(), &runtime.Request{Method: "GET", Path: "/api/x"})
		if err != nil {
			e := err.(*runtime.Error)
			out = append(out, e.Error()+"\n"+e.SourceLine+"\n"+e.Stack)
			continue
		}
		out = append(out, string(res.Response.Body))
	}
	return out
}
