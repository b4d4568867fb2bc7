package fazt_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/frontdoor"
	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// failed is an answer that says what went wrong.
type failed struct {
	Status     int `json:"-"`
	RetryAfter string
	Error      struct {
		Code      string
		Message   string
		Retryable bool
		Details   map[string]any
	}
}

func fail(t *testing.T, h http.Handler, url string, header ...string) failed {
	t.Helper()
	w := do(h, http.MethodGet, url, header...)
	f := failed{Status: w.Code, RetryAfter: w.Header().Get("Retry-After")}
	if err := json.Unmarshal(w.Body.Bytes(), &f); err != nil {
		t.Errorf("%s answers %d %s", url, w.Code, w.Body)
	}
	return f
}

// TestBreachesSayWhatWasUsed, of what, and by which phase.
func TestBreachesSayWhatWasUsed(t *testing.T) {
	const loop = `while (true) {}`
	for _, test := range []struct {
		name, js             string
		change               func(*fazt.Options)
		status               int
		code, allowed, phase string
		retryable            bool
	}{
		{"wall", loop, func(o *fazt.Options) { o.Budget.RequestTimeout = 100 * time.Millisecond },
			504, "BUDGET_WALL", "100ms", "js", false},
		{"cpu", loop, func(o *fazt.Options) { o.Handler.CPU = 50 * time.Millisecond },
			503, "BUDGET_CPU", "50ms", "js", false},
		{"memory", `var l = []; while (true) { l.push('x'.repeat(1 << 16) + l.length); }`,
			func(o *fazt.Options) {
				o.Handler = runtime.Limits{Memory: 8 << 20, CPU: time.Minute}
				o.Budget.RequestTimeout = time.Minute
			},
			503, "BUDGET_MEMORY", "8 MiB", "js", true},
		{"response", `new Array(1000).join('x')`, func(o *fazt.Options) { o.Handler.ResponseBytes = 100 },
			500, "BUDGET_RESPONSE", "100 bytes", "js", false},
		{"operations", `for (;;) { fazt.storage.kv.get('k'); }`, func(o *fazt.Options) { o.Budget.Operations = 2 },
			500, "BUDGET_OPS", "2", "read", false},
		{"bytes read", `
			fazt.storage.s3.put('b', new Array(1000).join('x'));
			for (;;) { try { fazt.storage.s3.getBytes('b'); } catch (e) { } }`,
			func(o *fazt.Options) { o.Budget.ReadBytes = 2500 }, 500, "BUDGET_READ", "2500 bytes", "read", false},
		{"bytes read of private files", `
			fazt.storage.kv.get('k');
			for (;;) { try { fazt.private.read('a.txt'); } catch (e) { } }`,
			func(o *fazt.Options) { o.Budget.ReadBytes = 2500 }, 500, "BUDGET_READ", "2500 bytes", "read", false},
		{"bytes written", `for (;;) { try { fazt.storage.kv.setIf('k', new Array(1000).join('x'), 0); } catch (e) { } }`,
			func(o *fazt.Options) { o.Budget.WriteBytes = 2500 }, 500, "BUDGET_WRITE", "2500 bytes", "write", false},
		{"bytes queued", `
			fazt.storage.kv.delete('k');
			for (;;) { try { fazt.storage.kv.set('k', new Array(1000).join('x')); } catch (e) { } }`,
			func(o *fazt.Options) { o.Budget.WriteBytes = 2500 }, 500, "BUDGET_WRITE", "2500 bytes", "write", false},
		{"memory held", `
			fazt.storage.s3.put('b', 'x'.repeat(1 << 20));
			for (;;) { try { fazt.storage.s3.getBytes('b'); } catch (e) { } }`,
			func(o *fazt.Options) { o.Handler.Memory = 16 << 20 }, 503, "BUDGET_MEMORY", "16 MiB", "js", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			srv := open(t, test.change)
			deploy(t, srv, "app", files("api/main.js", test.js, "private/a.txt", strings.Repeat("x", 1000)))
			f := fail(t, srv, "http://app.localhost/api")
			e := f.Error
			if f.Status != test.status || e.Code != test.code || e.Retryable != test.retryable ||
				e.Details["allowed"] != test.allowed || e.Details["phase"] != test.phase {
				t.Errorf("got %+v", f)
			}
			if used, _ := e.Details["used"].(string); used == "" || !strings.Contains(e.Message, "allowed "+test.allowed+", used ") {
				t.Errorf("it does not say what was used: %+v", f)
			}
		})
	}
}

// TestOverloadedSaysHowMuch, and not whose.
func TestOverloadedSaysHowMuch(t *testing.T) {
	srv := open(t, func(o *fazt.Options) { o.Slots, o.Queue, o.Handler.CPU = 1, 1, 200*time.Millisecond })
	deploy(t, srv, "secret-name", files("api/main.js", `while (true) {}`))
	ctx, stop := context.WithCancel(t.Context())
	var flood sync.WaitGroup
	defer func() {
		stop()
		flood.Wait()
	}()
	for range 4 { // more than one on the slot and one in the queue
		flood.Go(func() {
			for ctx.Err() == nil {
				get(srv, "http://secret-name.localhost/api")
			}
		})
	}
	eventually(t, func() bool {
		w := do(srv, http.MethodGet, "http://secret-name.localhost/api")
		if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "OVERLOADED") {
			return false
		}
		var f failed
		if err := json.Unmarshal(w.Body.Bytes(), &f); err != nil {
			t.Fatal(err)
		}
		delay, ok := f.Error.Details["predicted_delay_ms"].(float64)
		if f.Error.Details["queue_depth"] != 1.0 || !ok || delay < 0 || len(f.Error.Details) != 2 || strings.Contains(w.Body.String(), "secret-name") {
			t.Errorf("refused with %s", w.Body)
		}
		if after, err := strconv.Atoi(w.Header().Get("Retry-After")); err != nil || after < 1 {
			t.Errorf("Retry-After: %q", w.Header().Get("Retry-After"))
		}
		return true
	})
}

func TestStorageErrorsHaveDetails(t *testing.T) {
	for _, test := range []struct {
		err       error
		status    int
		retryable bool
		details   map[string]any
	}{
		{&storage.Error{Code: storage.CodeOverloaded, Depth: 12, Delay: 1500 * time.Microsecond}, 503, true,
			map[string]any{"queue_depth": 12, "predicted_delay_ms": 1.5}},
		{&storage.Error{Code: storage.CodeQuotaExceeded, Allowed: 10, Used: 11}, 413, false,
			map[string]any{"allowed": "10 bytes", "used": "11 bytes"}},
		{&storage.Error{Code: storage.CodeQuotaExceeded}, 413, false, nil},
	} {
		status, _, retryable, details := fazt.Classify(test.err)
		if diff := cmp.Diff(test.details, details); diff != "" || status != test.status || retryable != test.retryable {
			t.Errorf("%v: %d, retryable %v; -want +got\n%s", test.err, status, retryable, diff)
		}
	}
}

// TestUsed: the parts that a handler is told of add up.
func TestUsed(t *testing.T) {
	srv := open(t)
	deploy(t, srv, "app", files("api/main.js", `
		var first = fazt.budget.used();
		fazt.storage.kv.set('a', 1); fazt.storage.kv.get('a'); fazt.auth.getUser();
		for (var i = 0; i < 1e4; i++) {}
		var before = fazt.budget.remaining(), used = fazt.budget.used(), after = fazt.budget.remaining();
		({first: first, used: used, before: before, after: after})`))
	w := do(srv, http.MethodGet, "http://app.localhost/api")
	var got struct {
		First, Used   map[string]float64
		Before, After float64
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	sum := 0.0
	for _, phase := range []string{"queue", "auth", "js", "read", "write", "render"} {
		d, ok := got.Used[phase]
		if !ok || d < got.First[phase] {
			t.Errorf("%s: %v after %v", phase, got.Used, got.First)
		}
		sum += d
	}
	u := got.Used
	if u["js"] <= 0 || u["read"] <= 0 || u["write"] <= 0 || u["render"] != 0 || u["operations"] != 2 || got.First["operations"] != 0 {
		t.Errorf("used: %v", u)
	}
	if sum > u["total"]+0.01 { // each is rounded to a microsecond
		t.Errorf("the phases take %v together: %v", sum, u)
	}
	// 10 s, less 50 ms for the answer.
	if work := 9950.0; got.Before < work-u["total"]-0.01 || got.After > work-u["total"]+0.01 {
		t.Errorf("%v remained before and %v after %v were used", got.Before, got.After, u["total"])
	}
}

// TestSameFiguresEverywhere: what a handler is told is in the log, for
// developers in the answer, and in the statistics.
func TestSameFiguresEverywhere(t *testing.T) {
	var log strings.Builder
	srv := open(t, func(o *fazt.Options) {
		o.Dev = true
		o.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	deploy(t, srv, "app", files("api/main.js", `fazt.storage.kv.set('a', 1); fazt.storage.kv.get('a'); 'x'`))
	timing := header(srv, "http://app.localhost/api").Get("Server-Timing")
	key, err := srv.CreateKey(t.Context(), "reader", "read")
	if err != nil {
		t.Fatal(err)
	}
	w := do(srv, http.MethodGet, "http://localhost/api/system/stats", "Authorization", "Bearer "+key)
	var stats struct {
		Data struct {
			Phases     map[string]float64 `json:"phases_ms"`
			Operations int
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &stats); err != nil {
		t.Fatal(err)
	}
	if err := srv.Close(); err != nil { // which ends all that could still log
		t.Fatal(err)
	}
	var spent map[string]float64
	for line := range strings.Lines(log.String()) {
		var l struct {
			Msg   string
			Spent map[string]float64
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if l.Msg == "handled" {
			spent = l.Spent
		}
	}
	for _, phase := range []string{"js", "read", "write"} {
		if want := fmt.Sprintf("%s;dur=%.3f", phase, spent[phase]/1e6); spent[phase] <= 0 || !strings.Contains(timing, want) {
			t.Errorf("the log has %v, and the answer %s", spent, timing)
		}
	}
	if spent["total"] < spent["js"]+spent["read"]+spent["write"]+spent["render"] || spent["operations"] != 2 || !strings.Contains(timing, "total;dur=") {
		t.Errorf("in all: the log has %v, and the answer %s", spent, timing)
	}
	for _, phase := range []string{"queue", "auth", "js", "read", "write", "render"} {
		if got := stats.Data.Phases[phase]; got != spent[phase]/1e6 {
			t.Errorf("%s is %v ms in the statistics, and %v ns in the log", phase, got, spent[phase])
		}
	}
	if stats.Data.Operations != 2 {
		t.Errorf("%d operations in the statistics", stats.Data.Operations)
	}
}

// holdWriter keeps everybody else from writing to a data file until release.
func holdWriter(t *testing.T, dataFile string) (release func()) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), dataFile, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	held, free, done := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		done <- store.Tx(context.Background(), storage.Scope{App: "holder"}, func(storage.Tx) error {
			close(held)
			<-free
			return nil
		})
	}()
	<-held
	return func() {
		close(free)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestStorageThatTakesTheWholeBudget: a call that would never end, and a handler
// that calls again and again, end with an answer that blames the phase, and
// leave nothing behind.
func TestStorageThatTakesTheWholeBudget(t *testing.T) {
	for name, js := range map[string]string{
		"one call":              `fazt.storage.kv.set('k', 1)`,
		"again and again":       `for (;;) { try { fazt.storage.kv.set('k', 1); } catch (e) {} }`,
		"and the rest computes": `try { fazt.storage.kv.set('k', 1); } catch (e) {} while (true) {}`,
	} {
		t.Run(name, func(t *testing.T) {
			dataFile := filepath.Join(t.TempDir(), "data.db")
			srv := open(t, func(o *fazt.Options) {
				o.DataFile, o.Budget.RequestTimeout, o.Budget.Operations = dataFile, 800*time.Millisecond, 1<<40
			})
			deploy(t, srv, "app", files("api/main.js", js, "api/other.js", ""))
			deploy(t, srv, "normal", files("api/main.js", `fazt.storage.kv.get('k'); 'fine'`))
			release := holdWriter(t, dataFile)
			f := fail(t, srv, "http://app.localhost/api")
			if phase := f.Error.Details["phase"]; f.Status != 504 || f.Error.Code != "BUDGET_WALL" || phase != "write" && name != "and the rest computes" {
				t.Errorf("got %+v", f)
			}
			release()
			eventually(t, func() bool { return get(srv, "http://normal.localhost/api") == "200 fine" })
		})
	}
}

// TestCaughtBreachIsTheHandlersOwn: what it makes of one counts, also when it
// fails after it by itself.
func TestCaughtBreachIsTheHandlersOwn(t *testing.T) {
	dataFile := filepath.Join(t.TempDir(), "data.db")
	srv := open(t, func(o *fazt.Options) { o.DataFile, o.Budget.StorageOpTimeout = dataFile, 50*time.Millisecond })
	deploy(t, srv, "app", files("api/main.js", `
		try { fazt.storage.kv.set('k', 1); } catch (e) { if (request.query.fail) { fail(); }
		respond(e.code + ': ' + e.message); }`))
	release := holdWriter(t, dataFile)
	defer release()
	if got := get(srv, "http://app.localhost/api"); !strings.HasPrefix(got, "200 BUDGET_WALL: spent: writing kv took longer than one operation may (allowed 50ms, used ") {
		t.Errorf("caught: %s", got)
	}
	if got := get(srv, "http://app.localhost/api?fail=1"); !strings.HasPrefix(got, `500 {"error":{"code":"HANDLER_ERROR"`) {
		t.Errorf("a failure of its own: %s", got)
	}
}

// TestSlowAppDoomsNobodyElse: what its operations take says nothing about those
// of others, who may have less time.
func TestSlowAppDoomsNobodyElse(t *testing.T) {
	dataFile := filepath.Join(t.TempDir(), "data.db")
	srv := open(t, func(o *fazt.Options) { o.DataFile, o.Budget.StorageOpTimeout = dataFile, 100*time.Millisecond })
	for _, name := range []string{"slow", "other"} {
		deploy(t, srv, name, files("api/main.js", `fazt.storage.kv.set('k', 1); respond('stored')`))
	}
	release := holdWriter(t, dataFile)
	for range 10 {
		fail(t, srv, "http://slow.localhost/api")
	}
	release()
	const doomed = "would not end in time"
	inHaste := frontdoor.HopDeadline(netip.MustParsePrefix("192.0.2.1/32"))(srv) // httptest's
	if w := do(inHaste, http.MethodGet, "http://slow.localhost/api", frontdoor.TimeoutHeader, "90"); !strings.Contains(w.Body.String(), doomed) {
		t.Errorf("the slow app itself: %d %s", w.Code, w.Body)
	}
	if w := do(inHaste, http.MethodGet, "http://other.localhost/api", frontdoor.TimeoutHeader, "90"); strings.Contains(w.Body.String(), doomed) {
		t.Errorf("the other app: %d %s", w.Code, w.Body)
	}
}

// TestPanicStaysInside: what a host function panics with is for the log.
func TestPanicStaysInside(t *testing.T) {
	for _, dev := range []bool{false, true} {
		srv := open(t, func(o *fazt.Options) { o.Dev = dev })
		if err := srv.Bind("shop.price", func() int { panic("secret") }); err != nil {
			t.Fatal(err)
		}
		deploy(t, srv, "app", files("api/main.js", `shop.price()`))
		f := fail(t, srv, "http://app.localhost/api")
		if f.Status != 500 || f.Error.Code != "HANDLER_ERROR" || strings.Contains(f.Error.Message, "secret") {
			t.Errorf("with Dev %v: %+v", dev, f)
		}
	}
}

// TestDeadlineHeaderReachesHandlers from those who may send it, and from nobody
// else.
func TestDeadlineHeaderReachesHandlers(t *testing.T) {
	srv := open(t)
	deploy(t, srv, "app", files("api/main.js", `
		var before = fazt.budget.remaining(), used = fazt.budget.used().total, after = fazt.budget.remaining();
		({atMost: before + used, atLeast: after + used})`))
	deploy(t, srv, "loop", files("api/main.js", `while (true) {}`))
	caller := frontdoor.HopDeadline(netip.MustParsePrefix("192.0.2.1/32"))(srv) // httptest's
	stranger := frontdoor.HopDeadline(netip.MustParsePrefix("10.0.0.0/8"))(srv)
	// What it has for work, in ms, lies between the two.
	type bounds struct{ AtLeast, AtMost float64 }
	work := func(h http.Handler, timeout string) (b bounds) {
		w := do(h, http.MethodGet, "http://app.localhost/api", frontdoor.TimeoutHeader, timeout)
		if err := json.Unmarshal(w.Body.Bytes(), &b); err != nil {
			t.Errorf("with %s ms: %d %s", timeout, w.Code, w.Body)
		}
		return b
	}
	if b := work(caller, "8000"); b.AtLeast > 7950.01 || b.AtMost <= 0 { // 50 ms are for the answer
		t.Errorf("a caller that waits 8 s gets %+v", b)
	}
	for _, timeout := range []string{"1", "0", "-5", "soon"} {
		if b := work(stranger, timeout); b.AtMost < 9949.99 {
			t.Errorf("a stranger that says %s gets %+v", timeout, b)
		}
	}
	do(caller, http.MethodGet, "http://loop.localhost/api", frontdoor.TimeoutHeader, "100") // which loads it
	if f := fail(t, caller, "http://loop.localhost/api", frontdoor.TimeoutHeader, "100"); f.Status != 504 || f.Error.Code != "BUDGET_WALL" || f.Error.Details["phase"] != "js" {
		t.Errorf("a loop for a caller that waits 100 ms: %+v", f)
	}
	for _, timeout := range []string{"0", "-5"} {
		if f := fail(t, caller, "http://loop.localhost/api", frontdoor.TimeoutHeader, timeout); f.Status != 504 || f.Error.Code != "BUDGET_WALL" || f.Error.Details["allowed"] == nil {
			t.Errorf("a caller that waits %s ms: %+v", timeout, f)
		}
	}
}
