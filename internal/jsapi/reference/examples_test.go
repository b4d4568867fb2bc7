package reference_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/fazt-sh/fazt/internal/jsapi/reference"
	"github.com/fazt-sh/fazt/runtime/bundle"
)

// sample is an example of the page: a handler, and perhaps requests with their answers.
type sample struct {
	name     string // the heading, and which of its examples
	engines  []string
	source   string
	module   string            // what an ES module's file is called; "" is none
	manifest string            // "" is none
	files    map[string]string // of the heading's examples before it
	requests []exchange
}

type exchange struct{ method, path, body, status, answer string }

// samples are all examples.
func samples(t *testing.T) (list []sample) {
	t.Helper()
	for _, e := range reference.Entries() {
		files := make(map[string]string)
		n, manifest := 0, ""
		for _, b := range e.Blocks {
			switch {
			case b.Language() == "js" && strings.HasPrefix(b.Text, "// api/"):
				name, _, _ := strings.Cut(strings.TrimPrefix(b.Text, "// "), "\n")
				files[name] = b.Text
			case b.Language() == "js", b.Kind == "ts module":
				n++
				s := sample{name: fmt.Sprintf("%s %d", e.Name, n), source: b.Text, files: files, manifest: manifest, engines: []string{"otto", "goja"}}
				switch _, how, _ := strings.Cut(b.Kind, " "); how {
				case "module":
					s.engines, s.module = []string{"auto"}, "api/main."+b.Language()
				case "goja":
					s.engines = []string{"goja"}
				}
				list = append(list, s)
			case b.Kind == "json fazt.json":
				manifest = b.Text
			case b.Language() == "text" && strings.HasPrefix(b.Text, "> "):
				list[len(list)-1].requests = exchanges(t, b.Text)
			}
		}
	}
	return list
}

// exchanges reads requests and their answers: "> METHOD PATH BODY", "< STATUS BODY".
func exchanges(t *testing.T, text string) (list []exchange) {
	t.Helper()
	for line := range strings.Lines(text) {
		fields := strings.SplitN(strings.TrimSpace(line), " ", 4)
		switch {
		case fields[0] == ">" && len(fields) > 2:
			fields = append(fields, "")
			list = append(list, exchange{method: fields[1], path: fields[2], body: fields[3]})
		case fields[0] == "<" && len(list) > 0:
			_, answer, _ := strings.Cut(strings.TrimSpace(line[2:]), " ")
			list[len(list)-1].status, list[len(list)-1].answer = fields[1], answer
		default:
			t.Fatalf("what is %q?", line)
		}
	}
	return list
}

var (
	gives  = regexp.MustCompile(`^(\s*)((?:var \w+ = )?)(.*?);\s*// => (.*)$`)
	throws = regexp.MustCompile(`^(\s*)(.*?);\s*// throws ([A-Z_]+)$`)
)

// checked is the source of an example whose comments are checked, on the same lines.
func (s sample) checked(t *testing.T) string {
	t.Helper()
	lines := strings.Split(s.source, "\n")
	for i, line := range lines {
		if m := gives.FindStringSubmatch(line); m != nil {
			lines[i] = fmt.Sprintf("%s%s__is(%d, (%s), (%s));", m[1], m[2], i+1, m[3], m[4])
		} else if m := throws.FindStringSubmatch(line); m != nil {
			lines[i] = fmt.Sprintf("%s__throws(%d, function () { %s; }, '%s');", m[1], i+1, m[2], m[3])
		} else if strings.Contains(line, "// =>") || strings.Contains(line, "// throws") {
			t.Errorf("this can't be checked, as it is no statement of one line: %s", line)
		}
	}
	const check = `function __is(line, got, want) {
		if (JSON.stringify(got) === JSON.stringify(want)) return got;
		throw new Error('line ' + line + ' gives ' + JSON.stringify(got)); }
	function __throws(line, f, code) {
		var got = 'nothing';
		try { f(); } catch (e) { got = e.code || String(e); }
		if (got !== code) throw new Error('line ' + line + ' throws ' + got); } `
	return strings.ReplaceAll(check, "\n", " ") + strings.Join(lines, "\n")
}

// TestExamples runs each example on each engine that it is for: it fails nowhere, each
// comment holds, and each answer is the one that stands there.
func TestExamples(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED under -short: the examples of the page, one request after the other")
	}
	srv := harnesstest.Start(t)
	list := samples(t)
	for _, s := range list {
		for _, engine := range s.engines {
			t.Run(s.name+"/"+engine, func(t *testing.T) { s.run(t, srv, engine) })
		}
	}
	if len(list) < 60 {
		t.Errorf("found %d examples", len(list))
	}
}

func (s sample) run(t *testing.T, srv *harnesstest.Server, engine string) {
	app := srv.Deploy(s.app(t, engine))
	send := once(t, srv)
	if strings.Contains(s.source, "fazt.auth") || strings.Contains(s.source, "app.user") {
		app.SignIn("ann@example.com", "Ann", "admin")
		send = app.Send
	}
	if s.requests == nil {
		s.requests = []exchange{{method: http.MethodGet, path: "/api"}}
	}
	for _, x := range s.requests {
		var body any
		if x.body != "" {
			body = json.RawMessage(x.body)
		}
		res := send(app.Request(x.method, x.path, body))
		if x.status == "" && res.Status >= 400 && res.Status != http.StatusNotFound {
			t.Errorf("%s\n%s", res.Body, s.source)
		}
		if x.status != "" && strconv.Itoa(res.Status) != x.status {
			t.Errorf("%s %s: status %d, want %s\n%s", x.method, x.path, res.Status, x.status, res.Body)
		} else if x.answer != "" && !same(x.answer, res.Body) {
			t.Errorf("%s %s: %s, want %s", x.method, x.path, res.Body, x.answer)
		}
	}
}

// noteTS is what an example in TypeScript imports.
const noteTS = "export interface Note { id: string; text: string }\n"

func (s sample) app(t *testing.T, engine string) fstest.MapFS {
	more := "}"
	if s.manifest != "" {
		more = "," + strings.TrimPrefix(s.manifest, "{")
	}
	app := fstest.MapFS{
		"fazt.json":           {Data: []byte(`{"engine": "` + engine + `"` + more)},
		"api/main.js":         {Data: []byte(s.checked(t))},
		"private/prices.json": {Data: []byte(`{"mug": 12}`)},
		"private/terms.txt":   {Data: []byte("be kind\n")},
	}
	for name, text := range s.files {
		app[name] = &fstest.MapFile{Data: []byte(text)}
	}
	if s.module == "" {
		return app
	}
	delete(app, "api/main.js")
	app[s.module] = &fstest.MapFile{Data: []byte(s.source)}
	app["api/note.ts"] = &fstest.MapFile{Data: []byte(noteTS)}
	made, err := bundle.Bundle(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	delete(app, s.module)
	for name, text := range made.Files {
		app[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return app
}

// once sends a request of a stranger's and follows no redirect, which may be the answer.
func once(t *testing.T, srv *harnesstest.Server) func(*http.Request) *harnesstest.Response {
	client := srv.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return func(req *http.Request) *harnesstest.Response {
		t.Helper()
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return &harnesstest.Response{Status: res.StatusCode, Header: res.Header, Body: string(body)}
	}
}

func same(want, got string) bool {
	var x, y any
	if json.Unmarshal([]byte(want), &x) == nil && json.Unmarshal([]byte(got), &y) == nil {
		return cmp.Equal(x, y)
	}
	return want == got
}

// TestLanguageOfGoja: what the section on the language says is there, and what isn't.
func TestLanguageOfGoja(t *testing.T) {
	srv := harnesstest.Start(t)
	app := srv.Deploy(fstest.MapFS{
		"fazt.json": {Data: []byte(`{"engine": "goja"}`)},
		"api/main.js": {Data: []byte(`
function has(s, flag) { try { new RegExp(s, flag); return flag; } catch (e) { return undefined; } }
return {
  there: [[1].values().map(n => n).toArray, new Set().union, new Set().isSubsetOf, Object.groupBy,
    [].toSorted, Array.fromAsync, Promise.withResolvers, has('a', 'u')].map(f => f !== undefined),
  missing: [RegExp.escape, Intl.Segmenter, has('a', 'v'), has('a', 'd'),
    ...['WeakRef', 'FinalizationRegistry', 'SharedArrayBuffer', 'Atomics', 'Float16Array', 'Temporal',
      'setInterval', 'performance', 'AbortController', 'FormData', 'Blob'
    ].map(name => globalThis[name])].map(f => f === undefined),
};`)},
	})
	if res := once(t, srv)(app.Request(http.MethodGet, "/api", nil)); res.Status != 200 || strings.Contains(res.Body, "false") {
		t.Errorf("%d %s", res.Status, res.Body)
	}
}
