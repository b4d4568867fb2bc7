package reference_test

import (
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/internal/jsapi"
	"github.com/fazt-sh/fazt/internal/jsapi/reference"
	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/bundle"
	"github.com/fazt-sh/fazt/runtime/gojajs"
	"github.com/fazt-sh/fazt/runtime/ottojs"
)

var update = flag.Bool("update", false, "write docs/javascript.md anew")

const docsFile = "../../../docs/javascript.md"

// TestDocs: docs/javascript.md is what the chapters and the table of functions say.
func TestDocs(t *testing.T) {
	want := reference.Markdown()
	if *update {
		if err := os.WriteFile(docsFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/javascript.md is stale; write it with: go test ./internal/jsapi/reference -run TestDocs -update\n%s", diff)
	}
}

// TestFunctionsAreDocumented: each function of the table says what it does, what it
// throws, and shows it.
func TestFunctionsAreDocumented(t *testing.T) {
	entries := reference.Entries()
	for _, g := range jsapi.Table() {
		for _, f := range g.Functions {
			i := slices.IndexFunc(entries, func(e reference.Entry) bool {
				return e.Function != nil && e.Group.Prefixes[0] == g.Prefixes[0] && e.Function.Name == f.Name
			})
			if i < 0 {
				t.Errorf("%s.%s has no heading in internal/jsapi/reference/chapters", g.Prefixes[0], f.Name)
				continue
			}
			checkEntry(t, entries[i])
		}
	}
}

func checkEntry(t *testing.T, e reference.Entry) {
	t.Helper()
	if len(e.Blocks) == 0 || e.Blocks[0].Kind != "" || !strings.Contains(e.Blocks[0].Text, ".") {
		t.Errorf("%s: say first what it does", e.Name)
		return
	}
	if !strings.Contains(e.Blocks[0].Text, "\n\nThrows ") {
		t.Errorf("%s: has no paragraph that begins with Throws", e.Name)
	}
	if !slices.ContainsFunc(e.Blocks, func(b reference.Block) bool { return b.Language() == "js" }) {
		t.Errorf("%s: has no example", e.Name)
	}
}

func TestHeadingsAreThereOnce(t *testing.T) {
	seen := make(map[string]bool)
	for _, e := range reference.Entries() {
		if seen[e.Name] {
			t.Errorf("%s is there twice", e.Name)
		}
		seen[e.Name] = true
	}
}

var link = regexp.MustCompile(`\]\(#([a-z0-9-]+)\)`)

// TestLinks: a link inside the page leads to a heading.
func TestLinks(t *testing.T) {
	anchors := make(map[string]bool)
	for _, e := range reference.Entries() {
		anchors[anchor(e.Name)] = true
	}
	for _, m := range link.FindAllStringSubmatch(reference.Markdown(), -1) {
		if !anchors[m[1]] {
			t.Errorf("there is no heading for #%s", m[1])
		}
	}
}

// anchor is what GitHub makes of a heading.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z':
			return r
		}
		return -1
	}, strings.ToLower(heading))
}

// standard are the globals of the language itself, which need no documentation here.
var standard = strings.Fields(`AggregateError Array ArrayBuffer BigInt BigInt64Array BigUint64Array Boolean DataView Date Error EvalError
	Float32Array Float64Array Function Int16Array Int32Array Int8Array Intl Iterator JSON Map Math Number Object Promise Proxy RangeError
	ReferenceError Reflect RegExp Set SharedArrayBuffer String Symbol SyntaxError TypeError URIError Uint16Array Uint32Array
	Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet FinalizationRegistry GeneratorFunction AsyncFunction AsyncGeneratorFunction
	decodeURI decodeURIComponent encodeURI encodeURIComponent escape eval globalThis isFinite isNaN parseFloat parseInt unescape arguments
	Bytes GoError`)

// native is a line of an engine's natives.txt: the name, how it is bounded, and why.
var native = regexp.MustCompile(`(?m)^(?:[gs]et )?([A-Za-z]\w*)((?:\.\w+)*)\t\w+\t(.*)$`)

// TestGlobalsAreDocumented: whatever an engine has beside the language's own has a
// heading, and what belongs to it is declared.
func TestGlobalsAreDocumented(t *testing.T) {
	headings := make(map[string]bool)
	for _, e := range reference.Entries() {
		headings[e.Name] = true
	}
	declared := reference.Declarations()
	for _, file := range []string{"../../../runtime/ottojs/testdata/natives.txt", "../../../runtime/gojajs/testdata/natives.txt"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range native.FindAllStringSubmatch(string(text), -1) {
			name, member := m[1], m[2][strings.LastIndex(m[2], ".")+1:]
			switch {
			case slices.Contains(standard, name), name == "request", m[3] == "does nothing":
			case !headings[name]:
				t.Errorf("%s has %s, and internal/jsapi/reference/chapters no heading for it", file, name)
			case name == "Intl": // TypeScript declares it
			case member != "" && !regexp.MustCompile(`\b`+member+`\b`).MatchString(declared):
				t.Errorf("%s has %s%s, which is not declared", file, name, m[2])
			}
		}
	}
}

// TestWebClassesAreDeclared: what a handler of modules has beside other handlers' globals is
// declared, with all of its members.
func TestWebClassesAreDeclared(t *testing.T) {
	made, err := bundle.Bundle(t.Context(), fstest.MapFS{"api/main.js": {Data: []byte(`
const names = (f) => [...Object.getOwnPropertyNames(f), ...Object.keys(f === Headers ? {} : new f('http://a')),
  ...Object.getOwnPropertyNames(f.prototype), ...Object.getOwnPropertyNames(Object.getPrototypeOf(f.prototype))];
export default () => ({ Headers: names(Headers), Request: names(Request), Response: names(Response) });`)}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{gojajs.New()}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Load(t.Context(), runtime.Source{Files: map[string]string{"api/main.js": string(made.Files["api/main.js"])}})
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.Bind(nil).Run(t.Context(), &runtime.Request{Method: "GET", Path: "/api"})
	if err != nil {
		t.Fatal(err)
	}
	var found map[string][]string
	if err := json.Unmarshal(res.Response.Body, &found); err != nil || len(found["Response"]) < 20 {
		t.Fatalf("got %s, %v", res.Response.Body, err)
	}
	ofFunctions := strings.Fields(`length name prototype constructor hasOwnProperty isPrototypeOf propertyIsEnumerable toLocaleString toString
		valueOf __proto__ __defineGetter__ __defineSetter__ __lookupGetter__ __lookupSetter__`)
	for class, members := range found {
		_, text, ok := strings.Cut(reference.Declarations(), "declare class "+class+" {")
		text, _, _ = strings.Cut(text, "\n}")
		if !ok {
			t.Errorf("%s is not declared", class)
		}
		for _, member := range members {
			if !strings.HasPrefix(member, "(") && !slices.Contains(ofFunctions, member) && !regexp.MustCompile(`\b`+member+`[(:]`).MatchString(text) {
				t.Errorf("%s.%s is not declared", class, member)
			}
		}
	}
}

// TestGlobalsAreDeclared: each global of a fresh interpreter of either engine is the
// language's own, or is declared.
func TestGlobalsAreDeclared(t *testing.T) {
	r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{ottojs.New(), gojajs.New()}})
	if err != nil {
		t.Fatal(err)
	}
	declaration := regexp.MustCompile(`(?m)^declare (?:const|function|class|namespace|var) (\w+)`)
	declared := make(map[string]bool)
	for _, m := range declaration.FindAllStringSubmatch(reference.Declarations(), -1) {
		declared[m[1]] = true
	}
	for engine, global := range map[string]string{"otto": "(function () { return this; })()", "goja": "globalThis"} {
		p, err := r.Load(t.Context(), runtime.Source{Engine: engine, Files: map[string]string{
			"api/main.js": "return Object.getOwnPropertyNames(" + global + ")"}})
		if err != nil {
			t.Fatal(err)
		}
		res, err := p.Bind(nil).Run(t.Context(), &runtime.Request{Method: "GET", Path: "/api"})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		if err := json.Unmarshal(res.Response.Body, &names); err != nil || !slices.Contains(names, "Object") {
			t.Fatalf("%s has %s, %v", engine, res.Response.Body, err)
		}
		// goja makes the others when a program mentions them; a test holds this list to be whole.
		natives, err := os.ReadFile("../../../runtime/" + engine + "js/testdata/natives.txt")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range native.FindAllStringSubmatch(string(natives), -1) {
			names = append(names, m[1])
		}
		for _, name := range names {
			if !declared[name] && !slices.Contains(standard, name) && !slices.Contains([]string{"NaN", "Infinity", "undefined"}, name) {
				t.Errorf("%s has the global %s, which is not declared", engine, name)
			}
		}
	}
}
