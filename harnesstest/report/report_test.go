package report_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fazt-sh/fazt/harnesstest/gaps"
	"github.com/fazt-sh/fazt/harnesstest/report"
)

var update = flag.Bool("update", false, "write the golden files")

// written is what a method writes.
func written(t *testing.T, write func(io.Writer) error) string {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestGolden(t *testing.T) {
	r := sample()
	for name, write := range map[string]func(io.Writer) error{
		"report.txt": r.Text, "report.md": r.Markdown, "report.json": r.JSON, "report.html": r.HTML, "figures.md": r.Figures,
	} {
		t.Run(name, func(t *testing.T) {
			got := written(t, write)
			file := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("to take it as it is now: go test ./harnesstest/report -run TestGolden -update (-want +got):\n%s", diff)
			}
		})
	}
}

func TestJSONRoundTrip(t *testing.T) {
	r := sample()
	again, err := report.Read(strings.NewReader(written(t, r.JSON)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, again, cmpopts.IgnoreUnexported(report.Report{})); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
}

func TestRead(t *testing.T) {
	for _, test := range []struct{ name, document, want string }{
		{"not JSON", "requests/s", "it is not the JSON of a report"},
		{"a type that is none", `{"format": 1, "title": 5}`, "it is not the JSON of a report"},
		{"something else", `{"name": "app"}`, `has no "format"`},
		{"of the future", `{"format": 2}`, "format 2 is later than 1"},
		{"with a field of a later release", `{"format": 1, "mood": "good"}`, ""},
	} {
		_, err := report.Read(strings.NewReader(test.document))
		if (err != nil) != (test.want != "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
	if _, err := report.ReadFile(os.DirFS("testdata"), "nothing.json"); err == nil {
		t.Error("a file that isn't there was read")
	}
}

// A report of nothing is written, too, and read again.
func TestEmpty(t *testing.T) {
	r := report.New("nothing")
	for _, write := range []func(io.Writer) error{r.Text, r.Markdown, r.HTML, r.Figures} {
		if got := written(t, write); got == "" {
			t.Error("nothing was written")
		}
	}
	if _, err := report.Read(strings.NewReader(written(t, r.JSON))); err != nil {
		t.Error(err)
	}
}

func TestSave(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	r := sample()
	if err := r.Save(dir); err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func(io.Writer) error{"report.txt": r.Text, "report.md": r.Markdown, "report.json": r.JSON, "report.html": r.HTML} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(got) != written(t, write) {
			t.Errorf("%s has %d bytes, %v", name, len(got), err)
		}
	}
	if err := r.Save(filepath.Join(dir, "report.txt")); err == nil {
		t.Error("a report was saved below a file")
	}
}

// Add is for tests that run in parallel. What is the same measurement gets more runs.
func TestAdd(t *testing.T) {
	r := report.New("many")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 50 {
				r.Add(
					report.Measurement{Name: "a", Loop: report.Closed, Connections: i % 2, Runs: []report.Run{{Rate: 1}}},
					report.Timing{Name: "t", Took: []time.Duration{1}}, report.Note("once"), report.Check{Name: "c", Outcome: report.Passed},
				)
			}
		})
	}
	all.Wait()
	r.Notes = slices.DeleteFunc(r.Notes, func(note string) bool { return note != "once" }) // of the machine
	got := []int{len(r.Measurements), len(r.Measurements[0].Runs), len(r.Measurements[1].Runs), len(r.Timings), len(r.Timings[0].Took), len(r.Notes), len(r.Checks)}
	if diff := cmp.Diff([]int{2, 200, 200, 1, 400, 1, 1}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r.Add(report.Check{Name: "c", Outcome: report.Failed, Text: "no"}, report.Check{Name: "c", Outcome: report.Passed},
		report.Resource{Name: "idle", Resident: 5, Files: 1}, report.Resource{Name: "idle", Resident: 3, Files: 2})
	if diff := cmp.Diff([]report.Check{{Name: "c", Outcome: report.Failed, Text: "no"}}, r.Checks); diff != "" {
		t.Errorf("checks (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]report.Resource{{Name: "idle", Resident: 5, Files: 2}}, r.Resources); diff != "" {
		t.Errorf("resources (-want +got):\n%s", diff)
	}
}

func TestMerge(t *testing.T) {
	a, b := base(1, 3), base(2, 4)
	b.Add(report.Measurement{Name: "only there", Loop: report.Closed, Connections: 1, Runs: []report.Run{{Rate: 1}}})
	count := len(a.Measurements)
	a.Merge(b)
	if len(a.Measurements) != count+1 || len(a.Measurements[0].Runs) != 7 || len(b.Measurements[0].Runs) != 4 {
		t.Errorf("%d measurements, the first with %d runs", len(a.Measurements), len(a.Measurements[0].Runs))
	}
}

// A report that was made beside other work says so.
func TestOtherWork(t *testing.T) {
	for _, test := range []struct {
		loadavg string
		cpus    int
		want    string
	}{
		{"12.34 10.00 8.00 3/400 1234\n", 2, "a load average of 12.3 with 2 processors"},
		{"0.90 10.00 8.00 3/400 1234\n", 2, ""},
		{"0.90 10.00 8.00 3/400 1234\n", 1, "a load average of 0.9 with 1 processor)"},
		{"", 2, ""}, {"no number", 2, ""},
	} {
		if got := report.OtherWork(test.loadavg, test.cpus); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%q, %d processors: %q, want %q", test.loadavg, test.cpus, got, test.want)
		}
	}
}

// hostile is text that would do something in each of the forms.
const hostile = "</style><script>alert(1)</script> | `x` *b* [l](javascript:alert(1)) <!-- \x1b[31m \u202e & \"'\n# next"

// What was found is text, in every form.
func TestEscapes(t *testing.T) {
	r := report.New(hostile)
	r.Command, r.Machine.CPU = hostile+" ```", hostile
	r.Versions[hostile] = hostile
	r.Add(report.Note(hostile), report.Resource{Name: hostile, Resident: 1 << 20}, report.Timing{Name: hostile, Took: []time.Duration{1}},
		report.Check{Name: hostile, Outcome: report.Failed, Text: hostile}, report.Check{Name: hostile, Outcome: report.Passed},
		report.Check{Name: hostile, Outcome: report.NotApplicable, Text: hostile},
		report.Gap{ID: hostile, Category: hostile, Severity: gaps.Severity(hostile), Description: hostile, FoundBy: hostile, Fix: hostile})
	for _, loop := range []report.Loop{report.Closed, report.Open} {
		for _, c := range []int{1, 2} {
			r.Add(report.Measurement{Name: hostile, Loop: loop, Connections: c, Runs: []report.Run{{Rate: 10, P50: 1, P99: 2, Max: 3, Failed: map[string]int64{hostile: 1}}, {Invalid: hostile}}})
		}
	}
	r.Comparison = report.Compare(r, r)
	for name, write := range map[string]func(io.Writer) error{"text": r.Text, "Markdown": r.Markdown, "figures": r.Figures, "HTML": r.HTML} {
		got := written(t, write)
		// A page has the order of direction as it is; it can't leave its element there.
		if strings.Contains(got, "\x1b") && name != "HTML" || strings.Contains(got, "\u202e") && name != "HTML" {
			t.Errorf("%s has a control character", name)
		}
		if name == "Markdown" || name == "figures" {
			before, code, _ := strings.Cut(got, "\n```\n") // the command is code, in which nothing counts but its end
			_, after, _ := strings.Cut(code, "\n```\n")
			got = before + after
		}
		if name != "text" && (strings.Contains(got, "<script") || strings.Contains(got, "<!--")) {
			t.Errorf("%s has the tag as one", name)
		}
		for i, line := range strings.Split(got, "\n") {
			if name != "HTML" && strings.HasPrefix(line, "# next") || name != "HTML" && strings.HasPrefix(line, "|") && cells(line) != cells(headOf(got, i)) {
				t.Errorf("%s: line %d: %s", name, i+1, line)
			}
		}
	}
	before, code, _ := strings.Cut(written(t, r.Markdown), "\n```\n")
	code, after, ok := strings.Cut(code, "\n```\n")
	if prose := before + after; !ok || strings.Contains(code, "```") || strings.Contains(prose, "[l](") || strings.Contains(prose, " *b* ") {
		t.Errorf("Markdown has markup:\n%s", prose)
	}
	if got := written(t, r.HTML); strings.Count(got, "</style>") != 1 {
		t.Error("the style sheet ends early")
	}
}

// cells counts a Markdown row's, and headOf is the first row of its table.
func cells(line string) int {
	return strings.Count(line, "|") - strings.Count(line, `\|`)
}

func headOf(text string, line int) string {
	lines := strings.Split(text, "\n")
	for line > 0 && strings.HasPrefix(lines[line-1], "|") {
		line--
	}
	return lines[line]
}

// The names of the JSON's fields are other people's code.
func TestJSONFields(t *testing.T) {
	var document map[string]json.RawMessage
	if err := json.Unmarshal([]byte(written(t, sample().JSON)), &document); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"format", "title", "made", "command", "machine", "versions", "notes", "measurements", "resources", "timings", "checks", "gaps", "comparison"} {
		if document[name] == nil {
			t.Errorf("the document has no %q", name)
		}
	}
}

// handler is a server that has three answers.
func handler(t *testing.T) (addr string) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/busy":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/wrong":
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}
