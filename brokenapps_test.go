package fazt_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/harnesstest"
)

var update = flag.Bool("update", false, "write the messages of testdata/broken anew")

// brokenApp is an app with one mistake, and what its author is told.
type brokenApp struct {
	title   string
	run     string   // "deploy", "warn", or a request: "POST /api BODY"
	engines []string // "auto" leaves fazt.json alone
	cpu     string   // "100ms" where it would take all that it may have; "" is the default
	want    map[string]string
	files   []txtar.File
}

func readBroken(t *testing.T, text string) (list []brokenApp) {
	t.Helper()
	for section := range strings.SplitSeq(strings.TrimPrefix(text, "=== "), "\n=== ") {
		title, rest, _ := strings.Cut(section, "\n")
		archive := txtar.Parse([]byte(rest + "\n"))
		b := brokenApp{title: title, engines: []string{"otto", "goja"}, want: make(map[string]string), files: archive.Files}
		for line := range strings.Lines(string(archive.Comment)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			switch key {
			case "run":
				b.run = value
			case "engines":
				b.engines = strings.Fields(value)
			case "cpu":
				b.cpu = value
			case "says":
				b.want["otto"], b.want["goja"], b.want["auto"] = value, value, value
			case "otto", "goja":
				b.want[key] = value
			default:
				t.Fatalf("%s: what is %q?", title, line)
			}
		}
		list = append(list, b)
	}
	return list
}

// text is the app as it stands in the file.
func (b brokenApp) text() string {
	comment := "=== " + b.title + "\nrun: " + b.run + "\n"
	if len(b.engines) == 1 {
		comment += "engines: " + b.engines[0] + "\n"
	}
	if b.cpu != "" {
		comment += "cpu: " + b.cpu + "\n"
	}
	first := b.want[b.engines[0]]
	if last := b.want[b.engines[len(b.engines)-1]]; last == first {
		comment += "says: " + first + "\n"
	} else {
		for _, engine := range b.engines {
			comment += engine + ": " + b.want[engine] + "\n"
		}
	}
	return strings.TrimSuffix(string(txtar.Format(&txtar.Archive{Comment: []byte(comment), Files: b.files})), "\n") + "\n"
}

func (b brokenApp) fsys(engine string) fstest.MapFS {
	fsys := fstest.MapFS{}
	if engine != "auto" {
		fsys["fazt.json"] = &fstest.MapFile{Data: []byte(`{"engine": "` + engine + `"}`)}
	}
	for _, f := range b.files {
		fsys[f.Name] = &fstest.MapFile{Data: []byte(strings.TrimSuffix(string(f.Data), "\n"))}
	}
	return fsys
}

// says is what the author is told: by the deploy, or with Dev on by the answer.
func (b brokenApp) says(t *testing.T, srv *harnesstest.Server, engine string) string {
	t.Helper()
	const name = "broken"
	res := srv.TryDeploy(name, b.fsys(engine))
	if res.Status == http.StatusOK && b.run == "warn" {
		var made struct {
			Data struct{ Warnings []string }
		}
		if err := json.Unmarshal([]byte(res.Body), &made); err != nil || len(made.Data.Warnings) != 1 {
			t.Fatalf("%v: %v", err, res)
		}
		return made.Data.Warnings[0]
	}
	if res.Status == http.StatusOK && b.run != "deploy" {
		fields := append(strings.SplitN(b.run, " ", 3), "", "")
		app := srv.Visit(name)
		req := app.Request(fields[0], fields[1], strings.NewReader(fields[2]))
		req.Header.Set("Content-Type", "application/json")
		res = app.Send(req)
	}
	var answer struct {
		Error struct{ Code, Message string }
	}
	if err := json.Unmarshal([]byte(res.Body), &answer); err != nil || answer.Error.Code == "" {
		return fmt.Sprintf("NOTHING: %d %.200s", res.Status, res.Body)
	}
	return answer.Error.Code + " " + used.ReplaceAllString(stopped.ReplaceAllString(answer.Error.Message, "main.js:3:1: the handler $1"), "...")
}

// TestBrokenApps: each mistake that an author makes is told with its place and what to do.
func TestBrokenApps(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: with -short, as under the race detector, a list that grows may meet another limit first; run without it")
	}
	usual := harnesstest.Start(t)
	hurried := harnesstest.Start(t, func(o *fazt.Options) { o.Handler.CPU = 100 * time.Millisecond })
	files, err := filepath.Glob("testdata/broken/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no broken apps: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		apps := readBroken(t, strings.TrimSuffix(string(text), "\n"))
		for _, b := range apps {
			srv := usual
			if b.cpu != "" {
				srv = hurried
			}
			for _, engine := range b.engines {
				t.Run(b.title+"/"+engine, func(t *testing.T) {
					got := b.says(t, srv, engine)
					if *update {
						b.want[engine] = got
					}
					if got != b.want[engine] {
						t.Errorf("\n got %s\nwant %s", got, b.want[engine])
					}
					checkMessage(t, got)
				})
			}
		}
		if *update {
			var all strings.Builder
			for _, b := range apps {
				all.WriteString(b.text())
			}
			if err := os.WriteFile(file, []byte(all.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

var (
	// used is a figure that is another one each time.
	used = regexp.MustCompile(`used (about )?[\d.]+ ?\w+|mostly in \w+: [\d.]+\w+`)
	// stopped is a place that depends on the moment.
	stopped = regexp.MustCompile(`main\.js:\d+:\d+: the handler (needed|computed)`)
	// In JSON a line is enough, as the key or the column is named behind it, and for a file
	// that is wrong as a whole.
	place = regexp.MustCompile(`(?:^| )(?:[\w./]+\.js:\d+:\d+|fazt\.json:\d+|api/index\.js:1): |line \d+, column \d+: `)
	// ofGo is what no author should read: texts of Go's packages, and its types.
	ofGo = regexp.MustCompile(`invalid character '|looking for beginning|json: |strconv|unmarshal|goroutine|runtime error|nil pointer|` +
		`interface|reflect\.|\.go:|deadline exceeded|\bEOF\b|%!|0x[0-9a-f]{6}|map\[|\*[a-z]+\.[A-Z]|context canceled`)
)

func checkMessage(t *testing.T, text string) {
	t.Helper()
	if strings.HasPrefix(text, "NOTHING") {
		t.Errorf("nothing is told: %s", text)
	} else if !place.MatchString(text) {
		t.Errorf("says no place: %s", text)
	}
	if m := ofGo.FindString(text); m != "" {
		t.Errorf("%q is Go's: %s", m, text)
	}
}
