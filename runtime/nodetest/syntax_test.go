package nodetest

import (
	_ "embed"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/gojajs"
	"github.com/fazt-sh/fazt/runtime/ottojs"
	"github.com/fazt-sh/fazt/runtime/runtimetest"
)

// The programs, which an empty line separates, are function bodies: those of
// syntax.txt in ES5, those of newer.txt in what goja runs.
var (
	//go:embed testdata/syntax.txt
	syntax string
	//go:embed testdata/newer.txt
	newer string
)

// syntaxDifferences are programs, by a part of their text, that an engine refuses
// or answers otherwise, with the reason.
var syntaxDifferences = []struct{ engine, part, reason string }{
	{"otto", "g = 2", "otto has no variables of a block, and refuses what needs one"},
	{"otto", "f(g)", "the same"},
	{"otto", "catch (g) { {", "the same"},
	{"otto", "function b() { return a() } } return [typeof a", "the same of a switch"},
}

// A program has the result that Node gives it, or the same error.
func TestSyntaxAgainstNode(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED under -short: programs compared with Node one after the other, in one goroutine")
	}
	for _, tt := range []struct {
		name, programs string
		engines        []runtime.Engine
	}{
		{"syntax", syntax, []runtime.Engine{ottojs.New(), gojajs.New()}},
		{"newer", newer, []runtime.Engine{gojajs.New()}},
	} {
		programs := strings.Split(strings.TrimSpace(tt.programs), "\n\n")
		want := bodiesOnNode(t, programs)
		for _, engine := range tt.engines {
			t.Run(tt.name+"/"+engine.Name(), func(t *testing.T) {
				r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{engine}})
				if err != nil {
					t.Fatal(err)
				}
				for i, program := range programs {
					got := bodyOnEngine(t, r, program)
					reason := differs(engine.Name(), program)
					if diff := cmp.Diff(want[i], got); diff != "" && reason == "" {
						t.Errorf("%s\n(-node +%s)\n%s", program, engine.Name(), diff)
					} else if diff == "" && reason != "" {
						t.Errorf("%s: no different any more; take it off the list", program)
					}
				}
			})
		}
	}
}

func differs(engine, program string) string {
	for _, d := range syntaxDifferences {
		if d.engine == engine && strings.Contains(program, d.part) {
			return d.reason
		}
	}
	return ""
}

// bodiesOnNode has Node run the programs, each as the body of a function.
func bodiesOnNode(t *testing.T, programs []string) []string {
	t.Helper()
	return askNode(t, programs, `
		const make = (kind, body) => new (Object.getPrototypeOf(kind).constructor)('request', body);
		const run = async body => {
			let f;
			try { f = make(function () {}, body); } catch { f = make(async function () {}, body); }
			try {
				const v = await f({});
				return typeof v === 'string' ? v : JSON.stringify(v) || '';
			} catch (e) {
				return 'throws ' + e.name;
			}
		};
		process.on('unhandledRejection', () => {}); // a program's own affair
		(async () => {
			const out = [];
			for (const p of JSON.parse(require('fs').readFileSync(0, 'utf8'))) out.push(await run(p));
			console.log(JSON.stringify(out));
		})();`)
}

func bodyOnEngine(t *testing.T, r *runtime.Runtime, program string) string {
	p, err := runtimetest.Load(r, map[string]string{"api/main.js": program}, nil)
	if err != nil {
		return err.Error()
	}
	defer p.Close()
	res, err := p.Run(t.Context(), &runtime.Request{Method: "GET", Path: "/api"})
	if e, ok := err.(*runtime.Error); ok && e.Code == runtime.CodeHandler {
		return "throws " + e.Name
	} else if err != nil {
		return err.Error()
	}
	return string(res.Response.Body)
}
