package fazt_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/fazt-sh/fazt/runtime"
)

// TestLastPlace: the error of a breach has the place where the handler was, for its
// author alone. otto knows that of the last call.
func TestLastPlace(t *testing.T) {
	dev := harnesstest.Start(t, func(o *fazt.Options) { o.Handler = runtime.Limits{CPU: time.Second} })
	public := harnesstest.Start(t, func(o *fazt.Options) {
		o.Dev, o.Handler = false, runtime.Limits{CPU: time.Second}
	})
	for _, test := range []struct {
		engine, code, main, file string
		line                     int
	}{
		{"otto", "BUDGET_CPU", "function f() {\n  for (;;) {}\n}\nf();", "api/main.js", 4},
		{"goja", "BUDGET_CPU", "function f() {\n  for (;;) {}\n}\nf();", "api/main.js", 2},
		{"otto", "BUDGET_CPU", "require('./lib.js').spin();", "api/lib.js", 2},
		{"goja", "BUDGET_CPU", "require('./lib.js').spin();", "api/lib.js", 2},
		{"otto", "BUDGET_MEMORY", "var s = 'x';\nfor (;;) {\n  s += s;\n}", "api/main.js", 3},
		{"goja", "BUDGET_MEMORY", "var s = 'x';\nfor (;;) {\n  s += s;\n}", "api/main.js", 3},
		{"otto", "BUDGET_OPS", "fazt.app.name;\nfor (;;) {\n  fazt.storage.kv.get('a');\n}", "api/main.js", 3},
		{"goja", "BUDGET_OPS", "fazt.app.name;\nfor (;;) {\n  fazt.storage.kv.get('a');\n}", "api/main.js", 3},
		{"goja", "BUDGET_CPU", "try {\n  for (;;) {}\n} catch (e) {} finally { for (;;) {} }", "api/main.js", 2},
	} {
		app := files("fazt.json", `{"engine": "`+test.engine+`"}`, "api/main.js", test.main, "api/lib.js", "exports.spin = function () {\n  for (;;) Math.random();\n};")
		var answer struct {
			Error struct {
				Code, Message string
				Details       struct {
					File       string
					Line       int
					SourceLine string `json:"source_line"`
				}
			}
		}
		res := dev.TryDeploy("app", app)
		if res.Status != 200 {
			t.Fatalf("%s: %v", test.main, res)
		}
		json.Unmarshal([]byte(dev.Visit("app").Get("/api").Body), &answer)
		e := answer.Error
		if e.Code != test.code || e.Details.File != test.file || e.Details.Line != test.line || e.Details.SourceLine == "" || !strings.HasPrefix(e.Message, test.file+":") {
			t.Errorf("%s: %s\n%+v; want %s at %s:%d", test.engine, test.main, e, test.code, test.file, test.line)
		}
		public.DeployAs("app", app)
		if res := public.Visit("app").Get("/api"); strings.Contains(res.Body, ".js") || !strings.Contains(res.Body, test.code) {
			t.Errorf("%s: a visitor sees %v", test.engine, res)
		}
	}
}
