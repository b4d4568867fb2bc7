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

// hostCalls are programs that call host functions by their names. They answer the
// same when these are looked up part by part.
var hostCalls = []string{
	`return fazt.kv.get('a')`,
	`return [fazt.kv.get('a'), fazt.kv.get(), shop.price('b', 2)]`,
	`
		var kv = fazt.kv; return [kv.get('a'), fazt.kv.get.call(null, 'b'), fazt['kv'].get('c'),
		fazt.kv['get']('d'), (fazt.kv).get('e')]`,
	`fazt.kv.get = function () { return 'mine'; }; return fazt.kv.get('a')`,
	`fazt.kv = fazt = {kv: {get: function () { return 'mine'; }}}; return fazt.kv.get('a')`,
	`this.fazt = 1; delete this.fazt; return [delete fazt.kv.get, delete fazt, fazt.kv.get('a')]`,
	`fazt.kv.get.x = 1; return [fazt.kv.get('a'), fazt.kv.get.x, typeof fazt.kv.get, fazt.kv.get === fazt.kv.get]`,
	`var fazt = {kv: {get: function () { return 'mine'; }}}; return fazt.kv.get('a')`,
	`function f(fazt) { return fazt.kv.get('a'); } return f({kv: {get: function () { return 'mine'; }}})`,
	`try { throw {kv: {get: function () { return 'mine'; }}}; } catch (fazt) { return fazt.kv.get('a'); }`,
	`
		var r = (function fazt(n) { return n || fazt.kv.get('a'); });
		r.kv = {get: function () { return 'mine'; }}; return r(0)`,
	`if (false) { function fazt() {} } return typeof fazt.kv`,
	`if (false) { for (var fazt in {}); } return fazt.kv.get('a')`,
	`return fazt.kv.nothing('a')`,
	`return fazt.nothing.get('a')`,
	`return 1 +
  fazt.kv.fail('a')`,
	`try { fazt.kv.fail('a'); } catch (e) { return [e.name, e.code, e.message, e.stack.split('\n')[1]]; }`,
	`return fazt.kv.fail(fazt.kv.get(unknown))`,
	`return new fazt.kv.get('a').constructor === Object`,
	`var list = []; for (var i = 0; i < 3; i++) list.push(fazt.kv.get(i)); return list`,
	`function handler(fazt) { return fazt.kv; }`,
	`function handler(req) { return {value: fazt.kv.get(req.path)}; }`,
	`return [1, 2].map(fazt.kv.get).length + [3].map(function (n) { return fazt.kv.get(n); })[0].args[0]`,
}

func TestHostCallsByName(t *testing.T) {
	for _, src := range hostCalls {
		// A name that is declared is looked up where it is used.
		want := hostOutcome(t, src+"\n;(function () { (function (fazt, shop) { }); });")
		if diff := cmp.Diff(want, hostOutcome(t, src)); diff != "" {
			t.Errorf("%s\n-looked up +bound\n%s", src, diff)
		}
	}
}

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
