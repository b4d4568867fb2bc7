package cli_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/cli"
)

// printing starts a server whose app memo prints what it is asked to.
func printing(t *testing.T, dataFile string) (srv *fazt.Server, say func(query string)) {
	t.Helper()
	srv, err := fazt.New(t.Context(), fazt.Options{DataFile: dataFile})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	main := &fstest.MapFile{Data: []byte(`
		if (request.query.fail) missing();
		console[request.query.level || 'log'](request.query.text);`)}
	if _, err := srv.Deploy(t.Context(), "memo", fstest.MapFS{"api/main.js": main}); err != nil {
		t.Fatal(err)
	}
	return srv, func(query string) {
		srv.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "http://memo.localhost/api?"+query, nil))
	}
}

func TestLogs(t *testing.T) {
	dataFile := filepath.Join(t.TempDir(), "data.db")
	srv, say := printing(t, dataFile)
	code, stdout, stderr := run("app", "logs", "memo", "--db", dataFile)
	if want := "nothing yet; a handler logs with console.log, and the newest 10000 lines are kept for 7 days\n"; code != 0 || stdout != "" || stderr != want {
		t.Errorf("an empty log: exit %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	say("text=one")
	say("text=two%0Alines,+%22quoted%22&level=warn")
	say("text=%1b[31mred%3Cb%3E%C2%9B0m&level=debug")
	say("fail=1")
	if err := srv.Close(); err != nil { // which stores them
		t.Fatal(err)
	}
	stamp := regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)`)
	id := regexp.MustCompile(`[0-9a-f]{24}`)
	for _, tt := range []struct{ args, want string }{
		{"memo", `TIME  info   one  ID
TIME  warn   two  ID
INDENTlines, "quoted"
TIME  debug  �[31mred<b>�0m  ID
TIME  error  api/main.js:2:27: ReferenceError: 'missing' is not defined; declare it, or is it misspelled?  ID
`},
		{"-n 1 MEMO", "TIME  error  api/main.js:2:27: ReferenceError: 'missing' is not defined; declare it, or is it misspelled?  ID\n"},
		{"", `TIME  info   memo          one  ID
TIME  warn   memo          two  ID
INDENT              lines, "quoted"
TIME  debug  memo          �[31mred<b>�0m  ID
TIME  error  memo          api/main.js:2:27: ReferenceError: 'missing' is not defined; declare it, or is it misspelled?  ID
`},
		{"memo --level warn -n 1", "TIME  error  api/main.js:2:27: ReferenceError: 'missing' is not defined; declare it, or is it misspelled?  ID\n"},
		{"memo --grep one --since 1h", "TIME  info   one  ID\n"},
		{"memo --since 2006-01-02 --level error", "TIME  error  api/main.js:2:27: ReferenceError: 'missing' is not defined; declare it, or is it misspelled?  ID\n"},
	} {
		code, stdout, stderr := run(append([]string{"app", "logs", "--db", dataFile}, strings.Fields(tt.args)...)...)
		got := id.ReplaceAllString(stamp.ReplaceAllString(stdout, "TIME"), "ID")
		got = strings.ReplaceAll(got, strings.Repeat(" ", len(stamp.FindString(stdout))+9), "INDENT")
		if diff := cmp.Diff(tt.want, got); diff != "" || code != 0 || stderr != "" {
			t.Errorf("%s: exit %d, stderr %q (-want +got):\n%s", tt.args, code, stderr, diff)
		}
	}

	_, stdout, _ = run("app", "logs", "memo", "--db", dataFile, "--format=json", "--lines=3")
	if strings.ContainsFunc(strings.ReplaceAll(stdout, "\n", ""), unicode.IsControl) {
		t.Errorf("json with control characters: %q", stdout)
	}
	var texts []string
	for text := range strings.Lines(stdout) {
		var l api.LogLine
		if err := json.Unmarshal([]byte(text), &l); err != nil || l.ID == 0 || l.Time.IsZero() || l.RequestID == "" {
			t.Errorf("%s: %v", text, err)
		}
		texts = append(texts, l.Level+" "+l.Text)
	}
	want := []string{"warn two\nlines, \"quoted\"", "debug \x1b[31mred<b>\u009b0m", "error api/main.js:2:27: ReferenceError: 'missing' is not defined; declare it, or is it misspelled?"}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Errorf("json (-want +got):\n%s", diff)
	}
	_, stdout, _ = run("app", "logs", "memo", "--db", dataFile, "--format=csv", "-n", "3")
	if !strings.HasPrefix(stdout, "id,app,time,level,text,request_id\n") || !strings.Contains(stdout, ",warn,\"two\nlines, \"\"quoted\"\"\",") {
		t.Errorf("csv: %s", stdout)
	}

	code, _, stderr = run("app", "logs", "nope", "--db", dataFile)
	if want := "fazt: logs: there is no app named \"nope\"; list the apps to see their names\n"; code != cli.ExitFailed || stderr != want {
		t.Errorf("no such app: exit %d, stderr %q", code, stderr)
	}
	for args, want := range map[string]string{
		"-n 0":           "--lines 0 is not from 1 to 10000",
		"-n 10001":       "--lines 10001 is not from 1 to 10000",
		"--level bad":    "--level bad is unknown; give debug, info, warn, error",
		"--since -3m":    "--since -3m is no time; give how long ago, such as 10m, 24h or 7d, or 2026-01-02, or 2026-01-02T15:04:05Z",
		"--since monday": "--since monday is no time; give how long ago, such as 10m, 24h or 7d, or 2026-01-02, or 2026-01-02T15:04:05Z",
		"--format xml":   "--format xml is unknown; give table, json or csv",
	} {
		code, stdout, stderr := run(append([]string{"app", "logs", "memo"}, strings.Fields(args)...)...)
		if code != cli.ExitUsage || stdout != "" || stderr != "fazt: "+want+"\n" {
			t.Errorf("%s: exit %d, stdout %q, stderr %q", args, code, stdout, stderr)
		}
	}
}

// TestLogsFollow: another process's lines are printed as they come.
func TestLogsFollow(t *testing.T) {
	dataFile := filepath.Join(t.TempDir(), "data.db")
	_, say := printing(t, dataFile)
	empty := start(t, dataFile, "app", "logs", "memo", "-f", "--format", "json")
	say("text=early")
	empty.until(`"text":"early"`) // if not as a new line, then as the newest
	say("text=later")
	empty.until(`"text":"later"`)

	p := start(t, dataFile, "app", "logs", "-f", "memo", "-n=1")
	p.until(`^\S+ \S+  info   later  [0-9a-f]{24}$`)
	say("text=last&level=error")
	for _, p := range []*process{p, empty} {
		p.until(`error.*last`)
		if code := p.interrupt(os.Interrupt); code != 0 {
			t.Errorf("exit %d after Ctrl+C", code)
		}
	}
	p.rest()
	if strings.Contains(p.seen.String(), "early") {
		t.Errorf("more than the newest line:\n%s", p.seen.String())
	}
}
