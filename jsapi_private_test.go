package fazt_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt"
)

func TestPrivateBindings(t *testing.T) {
	srv := open(t)
	for _, engine := range []string{"otto", "goja"} {
		for _, tt := range []struct{ name, js, want string }{
			{"text", `p.read('a.txt')`, `200 hello`},
			{"not there", `code(function () { return p.read('none') })`, `200 NOT_FOUND Error`},
			{"JSON", `p.readJSON('d/good.json').b[1].c`, `200 é`},
			{"JSON in order", `p.readJSON('d/good.json')`, `200 {"b":[1,{"c":"é"}],"a":null}`},
			{"broken JSON", `code(function () { return p.readJSON('d/broken.json') })`, `200 INVALID_JSON SyntaxError`},
			{"more than JSON", `code(function () { return p.readJSON('d/more.json') })`, `200 INVALID_JSON SyntaxError`},
			{"deep JSON", `code(function () { return p.readJSON('d/deep.json') })`, `200 INVALID_JSON SyntaxError`},
			{"exists", `[p.exists('a.txt'), p.exists('../a.txt'), p.exists('b')]`, `200 [true,true,false]`},
			{"list", `[p.list().length, p.list('d/g'), p.list('x')]`, `200 [5,["d/good.json"],[]]`},
		} {
			deploy(t, srv, "app", files(
				"manifest.json", `{"engine": "`+engine+`"}`,
				"private/a.txt", "hello",
				"private/d/good.json", `{"b": [1, {"c": "é"}], "a": null}`,
				"private/d/broken.json", `{"b": `,
				"private/d/more.json", `{} {}`,
				"private/d/deep.json", strings.Repeat("[", 1e6),
				"api/main.js", `var p = fazt.private; function code(f) { try { return f() } catch (e) { return e.code + ' ' + e.name } }; `+tt.js))
			if got := get(srv, "http://app.localhost/api"); got != tt.want {
				t.Errorf("%s on %s: got %s, want %s", tt.name, engine, got, tt.want)
			}
		}
	}
}

// Reading JSON is the run's own work, which its limits end on the way.
func TestPrivateJSONIsBudgeted(t *testing.T) {
	srv := open(t, func(o *fazt.Options) { o.Handler.CPU = 20 * time.Millisecond })
	for _, engine := range []string{"otto", "goja"} {
		deploy(t, srv, "app", files(
			"manifest.json", `{"engine": "`+engine+`"}`,
			"private/long.json", "["+strings.Repeat("0,", 4e6)+"0]",
			"api/main.js", `try { fazt.private.readJSON('long.json') } catch (e) {} 'read'`))
		if got := get(srv, "http://app.localhost/api"); !strings.HasPrefix(got, `503 {"error":{"code":"BUDGET_CPU"`) {
			t.Errorf("%s: got %s", engine, got)
		}
	}
}
