package fazt_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// warm makes a first write, after which the server knows how full the app is and
// queues its small writes.
func warm(t *testing.T, srv *fazt.Server, app string) {
	t.Helper()
	deploy(t, srv, app, files("api/main.js", `fazt.storage.kv.set('warm', 1); 'warm'`))
	if got := get(srv, "http://"+app+".localhost/api"); got != "200 warm" {
		t.Fatal(got)
	}
}

// Whatever a handler does after a queued write sees it, as does everybody else
// whom the handler can reach.
func TestQueuedWritesAreSeen(t *testing.T) {
	srv := open(t)
	if err := srv.Bind("outside.get", func(url string) string { return get(srv, url) }); err != nil {
		t.Fatal(err)
	}
	n := 0
	for name, test := range map[string]struct{ js, want string }{
		"get":            {`kv.set('k', 1); kv.set('k', 2); return kv.get('k')`, "2"},
		"list":           {`kv.set('k', 1); return kv.list('k').length`, "1"},
		"incr":           {`kv.set('k', 41); return kv.incr('k')`, "42"},
		"versions":       {`kv.set('k', 1); var v = kv.getVersion('k'); kv.set('k', 2); try { kv.setIf('k', 3, v) } catch (e) { return e.code }`, "CONFLICT"},
		"delete":         {`kv.set('k', 1); return [kv.delete('k'), typeof kv.get('k')]`, `[true,"undefined"]`},
		"time to live":   {`kv.set('k', 1, 1); while (kv.get('k') !== undefined) ; return 'gone'`, "gone"},
		"document":       {`var id = ds.insert('c', {a: 1}); return ds.findOne('c', id).a`, "1"},
		"update":         {`ds.insert('c', {a: 1}); ds.insert('c', {a: 2}); return ds.update('c', {}, {a: 3})`, "2"},
		"own id":         {`ds.insert('c', {a: 1}); return [ds.insert('c', {id: 'mine'}), ds.count('c')]`, `["mine",2]`},
		"taken id":       {`ds.insert('c', {id: 'x'}); ds.insert('c', {}); try { ds.insert('c', {id: 'x'}) } catch (e) { return e.code }`, "CONFLICT"},
		"batch":          {`kv.set('k', 1); return fazt.storage.batch([{kv: 'incr', key: 'k'}])[0]`, "2"},
		"blob":           {`kv.set('k', 1); fazt.storage.s3.put('b', 'x'); return fazt.storage.s3.list().length`, "1"},
		"bound":          {`kv.set('k', 'durable'); return outside.get('http://' + request.host + '/api?read=k')`, "200 durable"},
		"large":          {`var s = new Array(20001).join('x'); kv.set('k', 1); kv.set('k', s); kv.set('l', 1); return kv.get('k').length`, "20000"},
		"many":           {`for (var i = 0; i < 200; i++) kv.set('k' + i, i); return [kv.list('k').length, fazt.budget.used().operations]`, "[200,201]"},
		"bad key":        {`try { kv.set('', 1) } catch (e) { return e.code }`, "INVALID"},
		"bad document":   {`try { ds.insert('c', 5) } catch (e) { return e.code }`, "INVALID"},
		"only an answer": {`kv.set('k', 1); return 'done'`, "done"},
	} {
		for _, engine := range []string{"otto", "goja"} {
			t.Run(name+" "+engine, func(t *testing.T) {
				n++
				app := fmt.Sprint("app", n)
				warm(t, srv, app)
				deploy(t, srv, app, files("manifest.json", `{"engine": "`+engine+`"}`, "api/main.js", `
					var kv = fazt.storage.kv, ds = fazt.storage.ds;
					if (request.query.read) return kv.get(request.query.read);
					`+test.js))
				if got := get(srv, "http://"+app+".localhost/api"); got != "200 "+test.want {
					t.Errorf("got %s, want %s", got, test.want)
				}
				if got := get(srv, "http://"+app+".localhost/api?read=k"); name == "only an answer" && got != "200 1" {
					t.Errorf("after the answer: %s", got)
				}
			})
		}
	}
}

// A queued write that can't be made is the end of what the handler does after
// it: the next storage call throws, or else the answer is the failure.
func TestQueuedWriteThatFails(t *testing.T) {
	dataFile := filepath.Join(t.TempDir(), "data.db")
	srv := open(t, func(o *fazt.Options) { o.DataFile = dataFile })
	warm(t, srv, "app")
	store, err := sqlite.Open(t.Context(), dataFile, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Write(t.Context(), func(q storage.SQL) error {
		_, err := q.Exec(`CREATE TRIGGER broken BEFORE INSERT ON kv WHEN NEW.key = 'bad' BEGIN SELECT raise(ABORT, 'the disk is broken'); END`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	called := 0
	if err := srv.Bind("shop.charge", func() { called++ }); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ js, want string }{
		"then an answer":         {`respond('fine')`, `500 {"error":{"code":"HANDLER_ERROR"`},
		"then another":           {`kv.set('after', 1); respond('fine')`, `500 {"error":{"code":"HANDLER_ERROR"`},
		"then a caught read":     {`try { kv.get('warm') } catch (e) { respond('caught') }`, "200 caught"},
		"then an uncaught read":  {`kv.get('warm')`, `500 {"error":{"code":"HANDLER_ERROR"`},
		"then a caught write":    {`try { kv.incr('after') } catch (e) { respond('caught') }`, "200 caught"},
		"then a bound function":  {`try { shop.charge() } catch (e) { respond('caught') }`, "200 caught"},
		"then the handler fails": {`throw new Error('mine')`, `500 {"error":{"code":"HANDLER_ERROR"`},
		"then caught, and more":  {`try { kv.get('warm') } catch (e) {} kv.set('fine', 1); respond(kv.get('fine'))`, "200 1"},
	} {
		t.Run(name, func(t *testing.T) {
			deploy(t, srv, "app", files("api/main.js", `var kv = fazt.storage.kv; if (request.query.read) return typeof kv.get('after'); kv.set('bad', 1); `+test.js))
			if got := get(srv, "http://app.localhost/api"); !strings.HasPrefix(got, test.want) {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if got := get(srv, "http://app.localhost/api?read=1"); got != "200 undefined" {
				t.Errorf("what came after the failed write was made: %s", got)
			}
		})
	}
	if called != 0 {
		t.Error("a bound function was called after a write that failed")
	}
}

// A queued write has the time of any operation, and the answer says that it was
// too short.
func TestQueuedWriteThatIsLate(t *testing.T) {
	dataFile := filepath.Join(t.TempDir(), "data.db")
	srv := open(t, func(o *fazt.Options) { o.DataFile, o.Budget.StorageOpTimeout = dataFile, 50*time.Millisecond })
	warm(t, srv, "app")
	deploy(t, srv, "app", files("api/main.js", `fazt.storage.kv.set('k', 1); respond('fine')`))
	release := holdWriter(t, dataFile)
	defer release()
	f := fail(t, srv, "http://app.localhost/api")
	if f.Status != 504 || f.Error.Code != "BUDGET_WALL" || f.Error.Details["phase"] != "write" || f.Error.Details["allowed"] != "50ms" {
		t.Errorf("got %+v", f)
	}
}

// Also when it is not the last that was queued.
func TestFirstQueuedWriteIsLate(t *testing.T) {
	dataFile := filepath.Join(t.TempDir(), "data.db")
	srv := open(t, func(o *fazt.Options) { o.DataFile, o.Budget.StorageOpTimeout = dataFile, 100*time.Millisecond })
	warm(t, srv, "app")
	deploy(t, srv, "app", files("api/main.js", `
		fazt.storage.kv.set('k', 1);
		var end = Date.now() + 80;
		while (Date.now() < end) ;
		fazt.storage.kv.set('l', 1);
		respond('fine')`))
	release := holdWriter(t, dataFile)
	defer release()
	if f := fail(t, srv, "http://app.localhost/api"); f.Status != 504 || f.Error.Code != "BUDGET_WALL" {
		t.Errorf("got %+v", f)
	}
}

// A handler that queues much fills no more of the writer's queue than a batch, so
// that another app's write has a place.
func TestQueueIsNotOneApps(t *testing.T) {
	dataFile := filepath.Join(t.TempDir(), "data.db")
	srv := open(t, func(o *fazt.Options) { o.DataFile = dataFile })
	warm(t, srv, "busy")
	warm(t, srv, "other")
	deploy(t, srv, "busy", files("api/main.js", `for (var i = 0; i < 64; i++) fazt.storage.kv.set('k' + i, 1); respond('ok')`))
	deploy(t, srv, "other", files("api/main.js", `fazt.storage.kv.incr('n'); respond('ok')`))
	release := holdWriter(t, dataFile)
	busy := make(chan string)
	const requests = 24
	for range requests {
		go func() { busy <- get(srv, "http://busy.localhost/api") }()
	}
	eventually(t, func() bool { return fazt.WritesWaiting(srv) >= 256 })
	other := make(chan string)
	go func() { other <- get(srv, "http://other.localhost/api") }()
	eventually(t, func() bool { return fazt.WritesWaiting(srv) >= 257 })
	release()
	if got := <-other; got != "200 ok" {
		t.Errorf("the neighbour got %s", got)
	}
	for range requests {
		if got := <-busy; got != "200 ok" {
			t.Errorf("the busy app got %s", got)
		}
	}
}

// The wait for what was queued is part of the write phase, once.
func TestQueuedTimeIsCountedOnce(t *testing.T) {
	dataFile := filepath.Join(t.TempDir(), "data.db")
	srv := open(t, func(o *fazt.Options) { o.DataFile = dataFile })
	warm(t, srv, "app")
	deploy(t, srv, "app", files("api/main.js", `
		var kv = fazt.storage.kv;
		kv.set('k', 1);
		kv.set('large', new Array(20001).join('x'));
		var used = fazt.budget.used();
		respond(used.write > 0 && used.write <= used.total ? 'fine' : JSON.stringify(used))`))
	release := holdWriter(t, dataFile)
	time.AfterFunc(50*time.Millisecond, release)
	if got := get(srv, "http://app.localhost/api"); got != "200 fine" {
		t.Error(got)
	}
}

// What became of a write that the handler could not wait for is said in the
// answer, and not put down to the handler.
func TestQueuedWriteThatIsUnavailable(t *testing.T) {
	dataFile := filepath.Join(t.TempDir(), "data.db")
	srv := open(t, func(o *fazt.Options) { o.DataFile = dataFile })
	warm(t, srv, "app")
	deploy(t, srv, "app", files("api/main.js", `fazt.storage.kv.set('k', 1); respond('fine')`))
	store, err := sqlite.Open(t.Context(), dataFile, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Write(t.Context(), func(q storage.SQL) error {
		_, err := q.Exec(`CREATE TRIGGER full BEFORE UPDATE ON sequence BEGIN SELECT raise(ROLLBACK, 'disk full'); END`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if f := fail(t, srv, "http://app.localhost/api"); f.Status != 503 || f.Error.Code != "UNAVAILABLE" || !f.Error.Retryable {
		t.Errorf("got %+v", f)
	}
}
