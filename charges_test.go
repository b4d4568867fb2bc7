package fazt_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

func infoOf(t *testing.T, srv *fazt.Server, name string) *api.AppInfo {
	t.Helper()
	info, err := srv.AppInfo(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// textJS is a text of n characters.
const textJS = `function text(n) { var s = 'x'; while (s.length < n) s += s; return s.slice(0, n); }
`

// TestCharges has one app do some of everything, and another nothing.
func TestCharges(t *testing.T) {
	srv := open(t)
	inside, leave := make(chan struct{}), make(chan struct{})
	if err := srv.Bind("test.pause", func(context.Context) { inside <- struct{}{}; <-leave }); err != nil {
		t.Fatal(err)
	}
	busy := deploy(t, srv, "busy", files("index.html", "", "api/main.js", `
		fazt.storage.kv.set('k', new Array(10001).join('x'));
		fazt.storage.kv.get('k');
		console.log(new Array(1001).join('y'));
		if (request.query.pause) test.pause();
		respond('ok')`))
	deploy(t, srv, "idle", files("index.html", "idle"))
	for range 3 {
		if got := get(srv, "http://busy.localhost/api"); got != "200 ok" {
			t.Fatal(got)
		}
	}
	info := infoOf(t, srv, "busy")
	c := info.Stats.Charges
	if c.ProcessorMS <= 0 || c.WriterMS <= 0 || c.WrittenBytes < 30_000 || c.ReadBytes < 30_000 || c.LogBytes != 3000 {
		t.Errorf("charged %+v", c)
	}
	if diff := cmp.Diff(map[string]map[string]uint64{"handler": {"2xx": 3}}, info.Stats.Requests); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	if info.ID != busy.AppID || info.Files != 2 || info.Engine != "otto" || info.Usage.Used < 10_000 || info.Usage.Allowed != 1<<30 {
		t.Errorf("%+v", info)
	}
	if byID := infoOf(t, srv, busy.AppID); byID.Name != "busy" {
		t.Errorf("by its id: %+v", byID)
	}
	idle := infoOf(t, srv, "idle").Stats.Charges
	if idle.ReadBytes != 0 || idle.WrittenBytes != 0 || idle.LogBytes != 0 || idle.WriterMS <= 0 { // its deploy
		t.Errorf("the other app was charged %+v", idle)
	}

	done := make(chan struct{})
	go func() {
		defer close(done)
		r := httptest.NewRequest(http.MethodPost, "http://busy.localhost/api?pause=1", strings.NewReader(strings.Repeat("z", 100_000)))
		r.Header.Set("Content-Type", "text/plain")
		srv.ServeHTTP(httptest.NewRecorder(), r)
	}()
	<-inside
	if c := infoOf(t, srv, "busy").Stats.Charges; c.InFlight != 1 || c.HeldBytes != 100_000 || c.Waiting != 0 {
		t.Errorf("in the middle of a request: %+v", c)
	}
	close(leave)
	<-done
	if c := infoOf(t, srv, "busy").Stats.Charges; c.InFlight != 0 || c.HeldBytes != 0 {
		t.Errorf("after it: %+v", c)
	}
	if _, err := srv.AppInfo(t.Context(), "nope"); storage.CodeOf(err) != storage.CodeNotFound {
		t.Errorf("an app that is not there: %v", err)
	}
}

// TestNearBytes warns of memory and of bytes read and written, a request each.
func TestNearBytes(t *testing.T) {
	dataFile := t.TempDir() + "/data.db"
	srv := open(t, func(o *fazt.Options) {
		o.DataFile, o.Budget.ReadBytes, o.Budget.WriteBytes, o.Handler.Memory = dataFile, 4_000_000, 1_000_000, 32<<20
	})
	js := textJS + `
		if (request.query.write) fazt.storage.kv.set('k', text(Number(request.query.write)));
		for (var i = 0; i < Number(request.query.read); i++) fazt.storage.kv.get('k');
		respond('ok')`
	for _, app := range []string{"modest", "reads", "writes"} {
		deploy(t, srv, app, files("api/main.js", js))
	}
	for _, url := range []string{
		"http://modest.localhost/api?write=700000", "http://modest.localhost/api?read=4",
		"http://writes.localhost/api?write=900000", "http://writes.localhost/api?write=900001",
		"http://reads.localhost/api?write=700000", "http://reads.localhost/api?read=5",
	} {
		if got := get(srv, url); got != "200 ok" {
			t.Fatalf("%s: %s", url, got)
		}
	}
	for app, want := range map[string]uint64{"modest": 0, "reads": 1, "writes": 1} {
		if got := infoOf(t, srv, app).Stats.Charges.Warnings; got != want {
			t.Errorf("%s: %d warnings are counted, want %d", app, got, want)
		}
	}
	srv = reopen(t, srv, dataFile)
	for app, want := range map[string]string{
		"modest": "", "reads": " of 4000000 bytes read from the store", "writes": " of 1000000 bytes written to the store",
	} {
		got := logOf(t, srv, app)
		if want == "" && len(got) > 0 || want != "" && (len(got) != 1 || !strings.Contains(got[0], want)) {
			t.Errorf("%s: %q, want %q", app, got, want)
		}
	}
}

// TestNearMemory holds most of what a run may have.
func TestNearMemory(t *testing.T) {
	dataFile := t.TempDir() + "/data.db"
	srv := open(t, func(o *fazt.Options) { o.DataFile, o.Handler.Memory = dataFile, 16<<20 })
	deploy(t, srv, "app", files("api/main.js", textJS+`
		if (!request.query.read) fazt.storage.kv.set('k', text(900000));
		for (var i = 0; i < Number(request.query.read); i++) fazt.storage.kv.get('k');
		respond('ok')`))
	for _, query := range []string{"", "?read=2", "?read=15"} {
		if got := get(srv, "http://app.localhost/api"+query); got != "200 ok" {
			t.Fatal(got)
		}
	}
	srv = reopen(t, srv, dataFile)
	if got := logOf(t, srv, "app"); len(got) != 1 || !strings.Contains(got[0], " of 16.0 MiB memory") {
		t.Errorf("%q", got)
	}
}

// TestNearQuota fills an app's quota in steps, and with a blob.
func TestNearQuota(t *testing.T) {
	dataFile := t.TempDir() + "/data.db"
	srv := open(t, func(o *fazt.Options) { o.DataFile, o.Quotas.Total = dataFile, 10_000 })
	js := `
		if (request.query.blob) fazt.storage.s3.put('b', new Array(Number(request.query.blob) + 1).join('x'));
		if (request.query.set) fazt.storage.kv.set(request.query.key, new Array(Number(request.query.set) + 1).join('x'));
		fazt.storage.kv.get('k');
		respond('ok')`
	deploy(t, srv, "keys", files("api/main.js", js))
	deploy(t, srv, "blobs", files("api/main.js", js))
	for _, url := range []string{
		"http://keys.localhost/api?set=3000&key=a", "http://keys.localhost/api?set=3000&key=b", "http://keys.localhost/api",
		"http://keys.localhost/api?set=2500&key=c", "http://keys.localhost/api?set=1&key=d", // 80%, and a little more
		"http://blobs.localhost/api?blob=7000", "http://blobs.localhost/api?blob=8500",
	} {
		if got := get(srv, url); got != "200 ok" {
			t.Fatalf("%s: %s", url, got)
		}
	}
	srv = reopen(t, srv, dataFile)
	if diff := cmp.Diff([]string{"warn GET /api wrote, and the app stores 8701 of 10000 bytes"}, logOf(t, srv, "keys")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := logOf(t, srv, "blobs"); len(got) != 1 || !strings.Contains(got[0], "the app stores 85") {
		t.Errorf("blobs: %q", got)
	}
}
