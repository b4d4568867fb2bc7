package fazt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// reopen closes a server, which stores what waits, and opens its data file.
func reopen(t *testing.T, srv *fazt.Server, dataFile string) *fazt.Server {
	t.Helper()
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, func(o *fazt.Options) { o.DataFile = dataFile })
}

// logOf reads all that is kept of an app, as "level text" without ids and times.
func logOf(t *testing.T, srv *fazt.Server, app string) []string {
	t.Helper()
	page, err := srv.Logs(t.Context(), api.LogQuery{Apps: []string{app}})
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{}
	for _, l := range page.Lines {
		texts = append(texts, l.Level+" "+l.Text)
	}
	return texts
}

// TestNearLimit: a run that comes near a limit says so in its app's log, once a
// minute.
func TestNearLimit(t *testing.T) {
	dataFile := t.TempDir() + "/data.db"
	srv := open(t, func(o *fazt.Options) {
		o.DataFile, o.Budget.Operations, o.Handler.LogLines, o.Handler.ResponseBytes = dataFile, 10, 4, 1000
	})
	js := `for (var i = 0; i < Number(request.query.n); i++) fazt.storage.kv.get('k');
		respond(new Array(Number(request.query.size) + 1).join('x'))`
	for _, app := range []string{"app", "large", "modest", "over"} {
		deploy(t, srv, app, files("api/main.js", js))
	}
	get(srv, "http://modest.localhost/api/x?n=7&size=799")
	get(srv, "http://app.localhost/api/x?n=8&size=799")
	get(srv, "http://app.localhost/api/y?n=9&size=799")
	get(srv, "http://large.localhost/api/x?n=1&size=800")
	get(srv, "http://over.localhost/api/x?n=11&size=1")

	srv = reopen(t, srv, dataFile)
	if got := logOf(t, srv, "modest"); len(got) > 0 {
		t.Errorf("below 80%%: %q", got)
	}
	got := logOf(t, srv, "app")
	if len(got) != 1 || !strings.HasPrefix(got[0], "warn GET /api/x used 8 of 10 operations") {
		t.Errorf("at 80%% of the operations, twice: %q", got)
	}
	if diff := cmp.Diff([]string{"warn GET /api/x used 800 of 1000 response bytes"}, logOf(t, srv, "large")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := logOf(t, srv, "over"); len(got) != 1 || !strings.HasPrefix(got[0], "error api/main.js:1:51: too many operations (allowed 10, used 11") {
		t.Errorf("past the limit: %q", got)
	}
}

// TestLogKept: what a handler prints is there after Close, and so is why it
// failed.
func TestLogKept(t *testing.T) {
	dataFile := t.TempDir() + "/data.db"
	srv := open(t, func(o *fazt.Options) { o.DataFile = dataFile })
	deploy(t, srv, "app", files("api/main.js", `
		console.log('%s is %d', 'one', 1); console.info({a: [1]}); console.warn('two\nlines');
		console.error('bad'); console.debug('deep');
		fazt.log.debug('d'); fazt.log.info('i'); fazt.log.warn('w'); fazt.log.error('e');
		if (request.query.fail) missing.name;
		if (request.query.long) console.log(new Array(5000).join('日本'));
		'done'`))
	deploy(t, srv, "slow", files("manifest.json", `{"timeout": "1s"}`, "api/main.js", `console.log('begins'); while (true) {}`))
	deploy(t, srv, "silent", files("api/main.js", `'done'`))
	before := time.Now().Truncate(time.Millisecond)
	for _, url := range []string{"http://silent.localhost/api", "http://app.localhost/api"} {
		if got := get(srv, url); got != "200 done" {
			t.Fatal(got)
		}
	}
	get(srv, "http://app.localhost/api?fail=1")
	get(srv, "http://app.localhost/api?long=1")
	get(srv, "http://slow.localhost/api")
	after := time.Now()

	srv = reopen(t, srv, dataFile)
	page, err := srv.Logs(t.Context(), api.LogQuery{Apps: []string{"app"}})
	if err != nil {
		t.Fatal(err)
	}
	lines := page.Lines
	ids := make(map[string]int)
	for i, l := range lines {
		if l.Time.Before(before) || l.Time.After(after) || i > 0 && l.ID <= lines[i-1].ID || l.RequestID == "" {
			t.Errorf("line %d of a log from %v to %v: %+v", i, before, after, l)
		}
		ids[l.RequestID]++
	}
	if len(ids) != 3 {
		t.Errorf("lines of 3 requests have %d ids", len(ids))
	}
	printed := []string{"info one is 1", `info {"a":[1]}`, "warn two\nlines", "error bad", "debug deep", "debug d", "info i", "warn w", "error e"}
	got := logOf(t, srv, "app")
	want := append([]string{}, printed...)
	want = append(append(want, printed...), got[18]) // see below
	want = append(append(want, printed...), got[len(got)-1])
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("(-want +got):\n%s", d)
	}
	if !strings.HasPrefix(got[18], "error api/main.js:5:27: ReferenceError: ") || !strings.Contains(got[18], "missing") {
		t.Errorf("the failure is kept as %q", got[18])
	}
	if long := strings.TrimPrefix(got[len(got)-1], "info "); len(long) > storage.MaxLogText || !strings.HasPrefix(long, "日本") || !strings.HasSuffix(long, "... (cut)") {
		t.Errorf("a long line is kept as %d bytes, %.20q to %q", len(long), long, long[len(long)-20:])
	}
	if got := logOf(t, srv, "slow"); len(got) != 2 || got[0] != "info begins" || !strings.HasPrefix(got[1], "error api/main.js:1:1: the handler ran out of time (allowed ") {
		t.Errorf("running out of time is kept as %q", got)
	}
	if got := logOf(t, srv, "silent"); len(got) != 0 {
		t.Errorf("an app that prints nothing has a log: %q", got)
	}
}

// TestLogFlood: one app prints and throws more than it may, and another prints a
// single line in the middle of that. What is stored and what Options.Logger gets
// are bounded, and both say how much is missing.
func TestLogFlood(t *testing.T) {
	for name, source := range map[string]string{
		"lines":         `var line = text.slice(0, 8000); for (var i = 0; i < 900; i++) console.log(line)`,
		"one long line": `console.log(text)`,
		"errors":        `throw new Error(text)`,
		"values":        `throw text`,
		"names":         `var e = new Error('x'); e.name = text; throw e`,
	} {
		t.Run(name, func(t *testing.T) {
			dataFile := t.TempDir() + "/data.db"
			var logged bytes.Buffer
			srv := open(t, func(o *fazt.Options) {
				o.DataFile = dataFile
				o.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
			})
			deploy(t, srv, "loud", files("api/main.js", "var text = 'x'; while (text.length < 1e6) text += text;"+source))
			deploy(t, srv, "quiet", files("api/main.js", `console.log('hello')`))
			began := time.Now()
			for i := range 60 {
				get(srv, "http://loud.localhost/api")
				if i == 30 {
					get(srv, "http://quiet.localhost/api")
				}
			}
			took := time.Since(began)
			most := fazt.LogBurst + int((took.Seconds()+2)*fazt.LogRate)
			// Beside the text, a record has its attributes, and quotes.
			if n := logged.Len(); n > 2*most {
				t.Errorf("%d bytes were logged in %v", n, took)
			}
			srv = reopen(t, srv, dataFile)
			if got := logOf(t, srv, "quiet"); len(got) != 1 || got[0] != "info hello" {
				t.Errorf("beside a flood: %q", got)
			}
			size := 0
			for _, text := range logOf(t, srv, "loud") {
				size += len(text)
				if len(text) > storage.MaxLogText+100 {
					t.Errorf("a line of %d bytes", len(text))
				}
			}
			if size > most {
				t.Errorf("%d bytes were stored in %v", size, took)
			}
			if name == "lines" && !strings.Contains(logged.String(), `msg="lines that an app printed were dropped" app=loud lines=`) {
				t.Error("the server's log doesn't say that lines are missing")
			}
		})
	}
}

func TestLogAllowance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 1000 - fazt.LogOverhead
		var a fazt.LogAllowance
		taken := func() (n int) {
			for a.Take(size) {
				n++
			}
			return n
		}
		if got, want := taken(), fazt.LogBurst/1000; got != want {
			t.Errorf("%d lines at first, want %d", got, want)
		}
		time.Sleep(time.Second)
		if got, want := taken(), fazt.LogRate/1000; got < want || got > want+1 {
			t.Errorf("%d lines after a second, want %d", got, want)
		}
		time.Sleep(time.Hour)
		printed := make([]runtime.Line, 1100)
		for i := range printed {
			printed[i].Text = strings.Repeat("x", size)
		}
		const most = fazt.LogBurst / 1000
		if kept, dropped := a.Lines(printed); len(kept) != most || dropped != 2 {
			t.Errorf("%d lines kept after an hour, and %d dropped before, of which 2 were", len(kept), dropped)
		}
		time.Sleep(time.Hour)
		if kept, dropped := a.Lines(printed[:1]); len(kept) != 1 || dropped != len(printed)-most {
			t.Errorf("%d lines kept an hour after that, and %d dropped before, want %d", len(kept), dropped, len(printed)-most)
		}
	})
}

// batches records what a writer stores, and when.
type batches struct {
	mu    sync.Mutex
	start time.Time
	fail  int // so many calls fail
	calls []time.Duration
	got   [][]string // "app text" of each batch that was stored
}

func (b *batches) store(_ context.Context, lines []storage.LogLine) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls = append(b.calls, time.Since(b.start))
	if b.fail != 0 {
		b.fail--
		return errors.New("the disk is full")
	}
	batch := []string{}
	for _, l := range lines {
		batch = append(batch, l.App+" "+l.Text)
	}
	b.got = append(b.got, batch)
	return nil
}

// lines makes n lines of an app, numbered from first.
func lines(app string, first, n int) []storage.LogLine {
	made := make([]storage.LogLine, n)
	for i := range made {
		made[i] = storage.LogLine{App: app, Time: time.Now(), Level: "info", Text: fmt.Sprint(first + i)}
	}
	return made
}

func TestLogBatches(t *testing.T) {
	tests := []struct {
		name  string
		fail  int
		print func(w *fazt.LogWriter)
		sizes []int // of the batches
		calls []time.Duration
		logs  int // of the writer's own
	}{
		{name: "one line waits for company", print: func(w *fazt.LogWriter) {
			w.Add(lines("a", 0, 1)...)
			time.Sleep(fazt.LogInterval / 2)
			w.Add(lines("b", 0, 2)...)
			time.Sleep(time.Hour)
			w.Add(lines("a", 1, 1)...)
			time.Sleep(time.Hour)
			w.Close()
		}, sizes: []int{3, 1}, calls: []time.Duration{fazt.LogInterval, time.Hour + 3*fazt.LogInterval/2}},
		{name: "many lines go in several batches", print: func(w *fazt.LogWriter) {
			w.Add(lines("a", 0, 2*fazt.LogBatchLines+1)...)
			time.Sleep(time.Hour)
			w.Close()
		}, sizes: []int{fazt.LogBatchLines, fazt.LogBatchLines, 1},
			calls: []time.Duration{fazt.LogInterval, 2 * fazt.LogInterval, 3 * fazt.LogInterval}},
		{name: "Close waits for nothing", print: func(w *fazt.LogWriter) {
			w.Add(lines("a", 0, fazt.LogBatchLines+1)...)
			w.Close()
			w.Add(lines("a", 0, 1)...) // to nobody
		}, sizes: []int{fazt.LogBatchLines, 1}, calls: []time.Duration{0, 0}},
		{name: "a failure is tried again", fail: 2, print: func(w *fazt.LogWriter) {
			w.Add(lines("a", 0, 3)...)
			time.Sleep(time.Hour)
			w.Close()
		}, sizes: []int{3}, calls: []time.Duration{fazt.LogInterval, 3 * fazt.LogInterval, 7 * fazt.LogInterval}, logs: 1},
		{name: "a lasting failure costs the lines, and not their number", fail: fazt.LogAttempts, print: func(w *fazt.LogWriter) {
			w.Add(lines("a", 0, 3)...)
			time.Sleep(time.Hour)
			w.Close()
		}, sizes: []int{1}, calls: []time.Duration{1 * fazt.LogInterval, 3 * fazt.LogInterval, 7 * fazt.LogInterval, 15 * fazt.LogInterval, 16 * fazt.LogInterval}, logs: 2},
		{name: "a failure at the end is the end", fail: -1, print: func(w *fazt.LogWriter) {
			w.Add(lines("a", 0, 3*fazt.LogBatchLines)...)
			w.Close()
		}, calls: []time.Duration{0}, logs: 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &batches{start: time.Now(), fail: test.fail}
				var logged bytes.Buffer
				w := fazt.StartLogWriter(b.store, slog.New(slog.NewTextHandler(&logged, nil)))
				test.print(w)
				sizes := []int(nil)
				for _, batch := range b.got {
					sizes = append(sizes, len(batch))
				}
				if d := cmp.Diff(test.sizes, sizes); d != "" {
					t.Errorf("sizes (-want +got):\n%s", d)
				}
				if d := cmp.Diff(test.calls, b.calls); d != "" {
					t.Errorf("calls (-want +got):\n%s", d)
				}
				if got := strings.Count(logged.String(), "\n"); got != test.logs {
					t.Errorf("%d lines in the server's own log, want %d:\n%s", got, test.logs, &logged)
				}
				if test.fail == fazt.LogAttempts && b.got[0][0] != "a 3 lines were dropped: more was printed than could be stored" {
					t.Errorf("what could not be stored is kept as %q", b.got[0])
				}
			})
		})
	}
}

// TestLogTurns: apps take turns in a batch, so a line waits behind nobody's
// flood.
func TestLogTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &batches{start: time.Now()}
		w := fazt.StartLogWriter(b.store, slog.New(slog.DiscardHandler))
		w.Add(lines("loud", 0, 2*fazt.LogBatchLines)...)
		w.Add(lines("quiet", 0, 1)...)
		w.Add(lines("other", 0, 3)...)
		w.Close()
		want := []string{"loud 0", "quiet 0", "other 0", "loud 1", "other 1", "loud 2", "other 2", "loud 3", "loud 4"}
		if d := cmp.Diff(want, b.got[0][:len(want)]); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
}

// TestLogSheds: when too much waits, the largest give way, down to the level of
// the others.
func TestLogSheds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &batches{start: time.Now()}
		w := fazt.StartLogWriter(b.store, slog.New(slog.DiscardHandler))
		const all = fazt.LogQueueBytes / fazt.LogLineBytes // and some more than fits, with a text
		w.Add(lines("small", 0, 100)...)
		w.Add(lines("one", 0, all)...)
		w.Add(lines("two", 0, all)...)
		w.Close()
		kept, dropped := make(map[string]int), make(map[string]int)
		for _, batch := range b.got {
			for _, text := range batch {
				var app string
				var n int
				if _, err := fmt.Sscanf(text, "%s %d lines were dropped", &app, &n); err == nil {
					dropped[app] += n
				} else if _, err := fmt.Sscanf(text, "%s %d", &app, &n); err != nil || n != kept[app]+dropped[app] {
					t.Fatalf("%q after %d lines kept and %d dropped", text, kept[app], dropped[app])
				} else {
					kept[app]++
				}
			}
		}
		if kept["small"] != 100 || dropped["small"] != 0 {
			t.Errorf("a small log keeps %d lines of 100", kept["small"])
		}
		for _, app := range []string{"one", "two"} {
			if kept[app]+dropped[app] != all || kept[app] < all*4/10 || kept[app] > all/2 {
				t.Errorf("of %d lines %s keeps %d and drops %d", all, app, kept[app], dropped[app])
			}
		}
	})
}

// TestLogOfRemovedApp: its lines go with it, also those of a run that ends after.
func TestLogOfRemovedApp(t *testing.T) {
	srv := harnesstest.Start(t)
	app := srv.Deploy(files("api/main.js", `console.log('printed')`))
	app.Get("/api")
	if err := srv.Fazt.RemoveApp(t.Context(), app.Name, api.Removal{}); err != nil {
		t.Fatal(err)
	}
	if _, err := srv.Fazt.Logs(t.Context(), api.LogQuery{Apps: []string{app.Name}}); storage.CodeOf(err) != storage.CodeNotFound {
		t.Errorf("the log of an app that was removed: %v", err)
	}
	srv.DeployAs(app.Name, files("api/main.js", `1`))
	if got := logOf(t, srv.Fazt, app.Name); len(got) != 0 {
		t.Errorf("the next app of that name has the log %q", got)
	}
}

// BenchmarkLogBatch is how long a full batch holds up the store's other writers.
func BenchmarkLogBatch(b *testing.B) {
	store, err := sqlite.Open(b.Context(), b.TempDir()+"/data.db", sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	batch := lines("app", 0, fazt.LogBatchLines)
	for i := range batch {
		batch[i].Text, batch[i].RequestID = strings.Repeat("x", 100), "0123456789abcdef01234567"
	}
	for b.Loop() {
		if err := store.AppendLogs(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLogPoll is what a follower costs that finds nothing new, four times a
// second.
func BenchmarkLogPoll(b *testing.B) {
	srv, err := fazt.New(b.Context(), fazt.Options{DataFile: b.TempDir() + "/data.db"})
	if err != nil {
		b.Fatal(err)
	}
	defer srv.Close()
	if _, err := srv.Deploy(b.Context(), "app", files("index.html", "")); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := srv.Logs(b.Context(), api.LogQuery{Apps: []string{"app"}, Limit: 100}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLogLine is what a line costs the request that prints it.
func BenchmarkLogLine(b *testing.B) {
	w := fazt.StartLogWriter(func(context.Context, []storage.LogLine) error { return nil }, slog.New(slog.DiscardHandler))
	defer w.Close()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		line := storage.LogLine{App: "app", Level: "info", Text: "a line of the usual length, as handlers print them", RequestID: "0123456789abcdef01234567"}
		for pb.Next() {
			w.Add(line)
		}
	})
}
