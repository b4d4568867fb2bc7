package fazt_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/frontdoor"
	"github.com/fazt-sh/fazt/harnesstest"
)

// handlerCase is a handler out of a public bug report about this or another server of
// JavaScript, with the answer that its author expects. See testdata/cases.
type handlerCase struct {
	Name     string            `json:"name"`
	Kind     string            `json:"kind"` // what is the same fault has the same; none where it holds anyway
	Engines  []string          `json:"engines"`
	MainJS   string            `json:"main_js"`
	Files    map[string]string `json:"files"`
	Manifest map[string]any    `json:"manifest"`
	Env      map[string]string `json:"env"` // of the server's process
	Request  struct {
		Method  string      `json:"method"`
		Path    string      `json:"path"`
		Headers [][2]string `json:"headers"`
		Body    string      `json:"body"`
	} `json:"request"`
	Expect caseExpectation `json:"expect"`
	Source string          `json:"source"` // the report
	Why    string          `json:"why"`
}

// caseExpectation is what an answer has to be; what is not given does not matter.
type caseExpectation struct {
	Status     int                 `json:"status"`
	BodyText   *string             `json:"body_text"`
	BodyJSON   json.RawMessage     `json:"body_json"`
	ErrorCode  string              `json:"error_code"`
	HasPlace   bool                `json:"has_place"`   // the error says in which line
	HeadersAll map[string][]string `json:"headers_all"` // all values of a header, in order
	OneHeader  string              `json:"one_header"`  // a header that is there once
	Names      string              `json:"names"`       // a text that the answer, or the deploy's, has
}

func (c handlerCase) files(engine string) fstest.MapFS {
	manifest := map[string]any{"engine": engine}
	for key, value := range c.Manifest {
		manifest[key] = value
	}
	text, _ := json.Marshal(manifest)
	fsys := fstest.MapFS{"manifest.json": {Data: text}, "api/main.js": {Data: []byte(c.MainJS)}}
	for name, data := range c.Files {
		fsys[name] = &fstest.MapFile{Data: []byte(data)}
	}
	return fsys
}

// problems says how the answers of an engine differ from what the case expects.
func (c handlerCase) problems(t *testing.T, srv *harnesstest.Server, engine string) string {
	const name = "case"
	res := srv.TryDeploy(name, c.files(engine))
	if res.Status == http.StatusOK {
		app := srv.Visit(name)
		req := app.Request(c.Request.Method, c.Request.Path, strings.NewReader(c.Request.Body))
		for _, h := range c.Request.Headers {
			req.Header.Add(h[0], h[1])
		}
		res = sendOnce(t, srv.Client(), req)
	} else if c.Expect.Names == "" {
		return "the deploy is refused: " + res.String()
	}
	return c.Expect.differs(res)
}

// sendOnce does not follow redirects.
func sendOnce(t *testing.T, client *http.Client, req *http.Request) *harnesstest.Response {
	t.Helper()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
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

func (e caseExpectation) differs(res *harnesstest.Response) string {
	var answer struct {
		Error struct {
			Code    string `json:"code"`
			Details struct {
				File string `json:"file"`
				Line int    `json:"line"`
			} `json:"details"`
		} `json:"error"`
	}
	json.Unmarshal([]byte(res.Body), &answer)
	place := answer.Error.Details
	switch {
	case e.Status != 0 && res.Status != e.Status:
		return fmt.Sprintf("status %d, want %d: %v", res.Status, e.Status, res)
	case e.BodyText != nil && res.Body != *e.BodyText:
		return cmp.Diff(*e.BodyText, res.Body)
	case e.BodyJSON != nil && !sameJSON(e.BodyJSON, []byte(res.Body)):
		return fmt.Sprintf("%s, want %s", res.Body, e.BodyJSON)
	case e.ErrorCode != "" && answer.Error.Code != e.ErrorCode:
		return fmt.Sprintf("code %q, want %q", answer.Error.Code, e.ErrorCode)
	case e.HasPlace && (place.File != "api/main.js" || place.Line < 1):
		return fmt.Sprintf("the error's place is %q, line %d", place.File, place.Line)
	case e.OneHeader != "" && len(res.Header.Values(e.OneHeader)) != 1:
		return fmt.Sprintf("header %s is %q, want one", e.OneHeader, res.Header.Values(e.OneHeader))
	case e.Names != "" && (res.Status < 400 || !strings.Contains(res.Body, e.Names)):
		return fmt.Sprintf("want an error that names %s: %v", e.Names, res)
	}
	for name, values := range e.HeadersAll {
		if diff := cmp.Diff(values, res.Header.Values(name)); diff != "" {
			return name + ": " + diff
		}
	}
	return ""
}

func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && cmp.Equal(x, y)
}

// The cases of testdata/cases hold on each of their engines, but those that are listed
// in differences.txt with the reason; and those listed do differ.
func TestHandlerCases(t *testing.T) {
	cases, listed := readCases(t)
	srv := harnesstest.Start(t, func(o *fazt.Options) {
		o.Dev = true
		o.RateLimit = frontdoor.NoRateLimit
	})
	zone := os.Getenv("FAZT_CASES_TZ")
	zones := map[string]bool{}
	for _, c := range cases {
		if c.Env["TZ"] != zone {
			zones[c.Env["TZ"]] = true
			continue
		}
		for _, engine := range c.Engines {
			name := c.Name + "/" + engine
			t.Run(name, func(t *testing.T) {
				problem := c.problems(t, srv, engine)
				switch {
				case problem != "" && !listed[name]:
					t.Errorf("%s (%s, after %s): %s\n%s", name, c.Kind, c.Source, problem, c.MainJS)
				case problem == "" && listed[name]:
					t.Errorf("%s holds: take it out of the list", name)
				}
			})
		}
	}
	if zone != "" {
		return
	}
	for zone := range zones { // a process has one time zone
		cmd := exec.Command(os.Args[0], "-test.run", "^TestHandlerCases$")
		cmd.Env = append(os.Environ(), "TZ="+zone, "FAZT_CASES_TZ="+zone)
		if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("PASS")) {
			t.Errorf("in the time zone %s: %v\n%s", zone, err, out)
		}
	}
}

// readCases returns the cases, and which of them, as "name/engine", are listed as
// differing.
func readCases(t *testing.T) (cases []handlerCase, listed map[string]bool) {
	t.Helper()
	text, err := os.ReadFile("testdata/cases/handlers.json")
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&cases); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, c := range cases {
		for _, engine := range c.Engines {
			known[c.Name+"/"+engine] = true
		}
	}
	listed = map[string]bool{}
	text, err = os.ReadFile("testdata/cases/differences.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, reason, _ := strings.Cut(strings.TrimSpace(line), " # ")
		if listed[name] || !known[name] || reason == "" {
			t.Errorf("%q: that is no case's name, there twice, or without a reason", name)
		}
		listed[name] = true
	}
	if !slices.ContainsFunc(cases, func(c handlerCase) bool { return c.Kind == "" }) {
		t.Error("there is no case that holds anyway")
	}
	return cases, listed
}
