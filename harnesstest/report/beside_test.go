package report_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/harnesstest/report"
)

// What neighbours have of what they have alone is in each form of the report.
func TestBeside(t *testing.T) {
	r := report.New("test")
	r.Add(report.Beside{Attack: "endless loops", Resource: "processor", Asked: []report.Asked{
		{What: "handler", Alone: 1000, Beside: 250, P99: 20 * time.Millisecond}, {What: "set", Alone: 0},
	}}, report.Beside{Attack: "large bodies", Resource: "bodies", Asked: []report.Asked{{What: "static", Alone: 100, Beside: 50, P99: time.Second}}})
	for name, write := range map[string]func(*bytes.Buffer) error{
		"text":     func(b *bytes.Buffer) error { return r.Text(b) },
		"Markdown": func(b *bytes.Buffer) error { return r.Markdown(b) },
		"HTML":     func(b *bytes.Buffer) error { return r.HTML(b) },
		"JSON":     func(b *bytes.Buffer) error { return r.JSON(b) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		want := []string{"endless loops", "0.25, 20", "0.50, 1"}
		if name == "JSON" {
			want = []string{`"attack": "endless loops"`, `"beside": 250`}
		}
		for _, text := range want {
			if !strings.Contains(b.String(), text) {
				t.Errorf("%s has no %q:\n%s", name, text, &b)
			}
		}
	}
}
