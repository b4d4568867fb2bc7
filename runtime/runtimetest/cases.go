package runtimetest

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/runtime"
)

//go:embed testdata
var testdata embed.FS

// Conformance runs the cases in testdata on an engine, except for those in newer
// language.
func Conformance(t *testing.T, engine runtime.Engine) { runCases(t, engine, "testdata") }

// Newer runs the cases in testdata/newer, which only an engine for newer
// JavaScript than ES5 can run.
func Newer(t *testing.T, engine runtime.Engine) { runCases(t, engine, "testdata/newer") }

func runCases(t *testing.T, engine runtime.Engine, dir string) {
	files, err := testdata.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	r := newRuntime(t, runtime.Options{Engines: []runtime.Engine{engine}})
	for _, file := range files {
		if file.IsDir() {
			continue
		}
		text, err := testdata.ReadFile(dir + "/" + file.Name())
		if err != nil {
			t.Fatal(err)
		}
		cases, err := parse(string(text))
		if err != nil {
			t.Fatalf("%s: %v", file.Name(), err)
		}
		for _, c := range cases {
			t.Run(strings.TrimSuffix(file.Name(), ".txt")+"/"+c.name, func(t *testing.T) { c.run(t, r) })
		}
	}
}

func newRuntime(t testing.TB, opt runtime.Options) *runtime.Runtime {
	t.Helper()
	r, err := runtime.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

type testCase struct {
	name     string
	request  *runtime.Request
	files    map[string]string
	response string
	log      *string
	failure  string
}

func parse(text string) ([]*testCase, error) {
	var cases []*testCase
	for block := range strings.SplitSeq("\n"+text, "\n=== ") {
		if strings.TrimSpace(block) == "" {
			continue
		}
		name, rest, _ := strings.Cut(block, "\n")
		c := &testCase{name: name, files: map[string]string{}, request: &runtime.Request{Method: "GET", Path: "/api"}}
		for section := range strings.SplitSeq("\n"+rest, "\n-- ") {
			if strings.TrimSpace(section) == "" {
				continue
			}
			title, body, ok := strings.Cut(section, " --\n")
			if !ok {
				return nil, fmt.Errorf("case %s: bad section %q", name, section)
			}
			if err := c.section(title, strings.TrimRight(body, "\n")); err != nil {
				return nil, fmt.Errorf("case %s: %w", name, err)
			}
		}
		if (c.response == "") == (c.failure == "") {
			return nil, fmt.Errorf("case %s: want a response or an error", name)
		}
		cases = append(cases, c)
	}
	return cases, nil
}

func (c *testCase) section(title, body string) (err error) {
	switch {
	case title == "request":
		c.request, err = parseRequest(body)
	case title == "response":
		c.response = body
	case title == "error":
		c.failure = body
	case title == "log":
		c.log = &body
	case strings.Contains(title, "."):
		c.files[title] = body
	default:
		err = fmt.Errorf("unknown section %q", title)
	}
	return err
}

func parseRequest(text string) (*runtime.Request, error) {
	head, body, _ := strings.Cut(text, "\n\n")
	first, headers, _ := strings.Cut(head, "\n")
	method, target, _ := strings.Cut(first, " ")
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	req := &runtime.Request{Method: method, Path: u.Path, Query: u.Query(), Header: http.Header{}, Body: []byte(body), IsText: true,
		ID: "req-1", IP: "192.0.2.1", Host: "app.example", Cookies: map[string]string{}}
	for line := range strings.SplitSeq(headers, "\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			req.Header.Add(name, value)
		}
	}
	switch req.Header.Get("Content-Type") {
	case "application/json":
		req.JSON = json.RawMessage(body)
	case "application/x-www-form-urlencoded":
		req.Form = runtime.ParseForm(body)
	}
	for _, cookie := range (&http.Request{Header: req.Header}).Cookies() {
		req.Cookies[cookie.Name] = cookie.Value
	}
	if data := req.Header.Get("X-Upload"); data != "" {
		req.Files = map[string][]runtime.UploadedFile{"doc": {{Name: "a.txt", Type: "text/plain", Data: []byte(data)}}}
	}
	return req, nil
}

// run loads the program and runs it twice, as the second run is on a used VM,
// and then at the same time as itself, as VMs share what was compiled.
func (c *testCase) run(t *testing.T, r *runtime.Runtime) {
	p, err := Load(r, c.files, testHost())
	if err != nil {
		if problem := c.check(nil, err); problem != "" {
			t.Error(problem)
		}
		return
	}
	defer p.Close()
	once := func() {
		if problem := c.check(p.Run(t.Context(), c.request)); problem != "" {
			t.Error(problem)
		}
	}
	once()
	once()
	var runs sync.WaitGroup
	for range 4 {
		runs.Go(once)
	}
	runs.Wait()
}

// check says what is wrong with a run's outcome.
func (c *testCase) check(result *runtime.Result, err error) string {
	if c.failure != "" {
		if got := describe(err); !matches(got, c.failure) {
			return fmt.Sprintf("error\n got %s\nwant %s", got, c.failure)
		}
	} else if err != nil {
		return fmt.Sprintf("%+v", err)
	} else if diff := cmp.Diff(c.response, print(result.Response)); diff != "" {
		return "response (-want +got)\n" + diff
	}
	if c.log != nil {
		var got []string
		for _, l := range result.Log {
			got = append(got, l.Level+" "+l.Text)
		}
		if diff := cmp.Diff(*c.log, strings.Join(got, "\n")); diff != "" {
			return "log (-want +got)\n" + diff
		}
	}
	return ""
}

// describe prints an error as the cases write it.
func describe(err error) string {
	e, ok := errors.AsType[*runtime.Error](err)
	if !ok {
		return fmt.Sprint(err)
	}
	place := e.File
	if e.Line > 0 {
		place += ":" + strconv.Itoa(e.Line) + ":" + strconv.Itoa(e.Column)
	}
	text := e.Message
	if e.Name != "" {
		text = e.Name + ": " + text
	}
	if e.ThrownCode != "" {
		text += " [" + e.ThrownCode + "]"
	}
	return e.Code + " " + place + " " + text
}

// matches compares code and place, and looks for a part of the text, as engines
// word their messages differently.
func matches(got, want string) bool {
	g, w := strings.SplitN(got, " ", 3), strings.SplitN(want, " ", 3)
	for len(w) < 3 {
		w = append(w, "")
	}
	return len(g) == 3 && g[0] == w[0] && (w[1] == "-" || g[1] == w[1]) && strings.Contains(g[2], w[2])
}

// print shows a response as the cases write it: status, content type, the other
// headers, body.
func print(res runtime.Response) string {
	var b strings.Builder
	contentType := res.Header.Get("Content-Type")
	if contentType == "" {
		contentType = res.ContentType
	}
	fmt.Fprintf(&b, "%d %s", res.Status, contentType)
	var h strings.Builder
	header := res.Header.Clone()
	header.Del("Content-Type")
	_ = header.Write(&h) // a strings.Builder doesn't fail
	out := strings.TrimRight(b.String(), " ")
	if s := strings.TrimSpace(strings.ReplaceAll(h.String(), "\r\n", "\n")); s != "" {
		out += "\n" + s
	}
	if len(res.Body) > 0 {
		out += "\n" + string(res.Body)
	}
	return out
}
