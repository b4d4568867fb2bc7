// Package nodetest compares the engines with Node: the same program has the same
// result on all of them.
package nodetest

import (
	_ "embed"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/gojajs"
	"github.com/fazt-sh/fazt/runtime/ottojs"
	"github.com/fazt-sh/fazt/runtime/runtimetest"
)

// Each line of library.txt is a program, an expression. One that has another
// result on an engine is listed in differences.
//
//go:embed testdata/library.txt
var library string

// differences are the programs, by a part of their text, that an engine gives
// another result for, with the reason.
var differences = []struct{ engine, part, reason string }{
	{"otto", "[3, 4].entries", "iterators need newer syntax"},
	{"otto", "encodeURIComponent('\\ud800')", "otto's strings are UTF-8 and have no lone surrogates"},
	{"otto", "\\ud800é", "the same"},
	{"otto", "String(new RegExp(", "otto's source is the text that the expression was made of"},
	{"goja", "String(new RegExp(", "goja writes a slash in a source as an escape"},
	{"goja", "/[/]/.source", "the same"},
}

// Each line of auto.txt is the body of a function, most of them in ES5, which the engine
// answers as Node does that is chosen for it.
//
//go:embed testdata/auto.txt
var auto string

func TestChosenEngineAgainstNode(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED under -short: programs compared with Node one after the other, in one goroutine")
	}
	bodies := strings.Split(strings.TrimSpace(auto), "\n")
	want := askNode(t, bodies, `
		console.log(JSON.stringify(JSON.parse(require('fs').readFileSync(0,
			'utf8')).map(body => String(JSON.stringify(new Function(body)())))))`)
	r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{ottojs.New(), gojajs.New()}})
	if err != nil {
		t.Fatal(err)
	}
	for i, body := range bodies {
		if diff := cmp.Diff(want[i], onEngine(t, r, "(function () { "+body+" })()")); diff != "" {
			t.Errorf("%s\n(-node +chosen)\n%s", body, diff)
		}
	}
}

func programs() []string { return strings.Split(strings.TrimSpace(library), "\n") }

func TestAgainstNode(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED under -short: programs compared with Node one after the other, in one goroutine")
	}
	want := onNode(t, programs())
	for _, engine := range []runtime.Engine{ottojs.New(), gojajs.New()} {
		t.Run(engine.Name(), func(t *testing.T) {
			r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{engine}})
			if err != nil {
				t.Fatal(err)
			}
			for i, program := range programs() {
				got := onEngine(t, r, program)
				reason := expected(engine.Name(), program)
				if diff := cmp.Diff(want[i], got); diff != "" && reason == "" {
					t.Errorf("%s\n(-node +%s)\n%s", program, engine.Name(), diff)
				} else if diff == "" && reason != "" {
					t.Errorf("%s: no different any more; take it off the list", program)
				}
			}
		})
	}
}

func expected(engine, program string) string {
	for _, d := range differences {
		if d.engine == engine && strings.Contains(program, d.part) {
			return d.reason
		}
	}
	return ""
}

// onNode has Node evaluate the programs, which are expressions.
func onNode(t *testing.T, programs []string) []string {
	t.Helper()
	return askNode(t, programs, `
		console.log(JSON.stringify(JSON.parse(require('fs').readFileSync(0,
			'utf8')).map(p => String(JSON.stringify((0, eval)('(' + p + ')'))))))`)
}

// askNode runs one process of Node, whose script reads the programs as a list in JSON
// and prints what each has come to.
func askNode(t *testing.T, programs []string, script string) (results []string) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("FAZT_NODE") == "required" {
			t.Fatal("node is not on the PATH, and FAZT_NODE=required")
		}
		t.Skip("SKIPPED: node is not on the PATH; install Node 18 or newer to compare with it")
	}
	list, err := json.Marshal(programs)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, "-e", script)
	cmd.Stdin = strings.NewReader(string(list))
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "TZ=UTC", "LC_ALL=en_US.UTF-8")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v", err)
	}
	if err := json.Unmarshal(out, &results); err != nil {
		t.Fatal(err)
	}
	return results
}

func onEngine(t *testing.T, r *runtime.Runtime, program string) string {
	p, err := runtimetest.Load(r, map[string]string{"api/main.js": "return String(JSON.stringify(" + program + "))"}, nil)
	if err != nil {
		return err.Error()
	}
	defer p.Close()
	res, err := p.Run(t.Context(), &runtime.Request{Method: "GET", Path: "/api"})
	if err != nil {
		return err.Error()
	}
	return string(res.Response.Body)
}
