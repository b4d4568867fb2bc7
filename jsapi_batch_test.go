package fazt_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/fazt-sh/fazt/harnesstest"
)

func TestBatch(t *testing.T) {
	srv := open(t)
	const head = `var s = fazt.storage, kv = s.kv, ds = s.ds;
		function code(f) { try { return f() } catch (e) { return e.code + ' ' + e.message } }; `
	tests := []struct{ name, js, want string }{
		{"empty", `s.batch([])`, `200 []`},
		{"every kind", `var r = s.batch([
			{kv: 'set', key: 'a', value: {n: 1}}, {kv: 'set', key: 't', value: null, ttl: 60000},
			{kv: 'incr', key: 'n'}, {kv: 'incr', key: 'n', by: 2.5}, {kv: 'delete', key: 'none'},
			{kv: 'setIf', key: 'v', value: 1, version: 0},
			{ds: 'insert', collection: 'c', doc: {id: 'd', n: 1}},
			{ds: 'update', collection: 'c', query: 'd', changes: {$inc: {n: 1}}},
			{ds: 'upsert', collection: 'c', query: {k: 2}, changes: {n: 5}}, {ds: 'delete', collection: 'c', query: {n: 2}}]);
			r[5] = r[5] === kv.getVersion('v'); [r, ds.count('c'), kv.list('t')[0].expiresAt > 0]`,
			`200 [[null,null,1,3.5,false,true,"d",1,1,1],1,true]`},
		{"names for one store", `fazt.app.batch([{kv: 'incr', key: 'n'}])`, `200 [4.5]`},
		{"all or none", `
			[code(function () { s.batch([{kv: 'set', key: 'x', value: 1},
			{ds: 'insert', collection: 'x', doc: {}},
			{kv: 'setIf', key: 'a', value: 1, version: 7}]) }), kv.get('x') === undefined, ds.count('x')]`, `200 ["CONFLICT kv.setIf: [2]: `},
		{"nothing was written", `[kv.get('x') === undefined, ds.count('x')]`, `200 [true,0]`},
		{"taken id", `
			code(function () { s.batch([{ds: 'insert', collection: 'y', doc: {id: 'd'}},
			{ds: 'insert', collection: 'y', doc: {id: 'd'}}]) })`, `200 CONFLICT ds.insert: [1].id: `},
		{"not an array", `code(function () { s.batch({}) })`, `200 INVALID fazt.storage.batch: argument 1 must be an array`},
		{"nothing", `code(function () { s.batch() })`, `200 INVALID fazt.storage.batch: argument 1 is missing`},
		{"not objects", `code(function () { s.batch([1]) })`, `200 INVALID fazt.storage.batch: argument 1: [0] must be an object`},
		{"null", `code(function () { s.batch([null]) })`, `200 INVALID fazt.storage.batch: argument 1: [0] must be an object`},
		{"no kind", `code(function () { s.batch([{key: 'a'}]) })`, `200 INVALID fazt.storage.batch: argument 1: [0] must have a field kv or ds`},
		{"unknown kind", `code(function () { s.batch([{kv: 'sett'}]) })`, `200 INVALID fazt.storage.batch: argument 1: [0].kv must be one of delete, incr, set, setIf, not "sett"`},
		{"both", `code(function () { s.batch([{kv: 'delete', ds: 'delete', key: 'a', collection: 'a', query: {}}]) })`, `200 INVALID fazt.storage.batch: argument 1: [0].key is no field of {ds: "delete"}`},
		{"missing", `code(function () { s.batch([{kv: 'incr', key: 'a'}, {kv: 'set', key: 'a'}]) })`, `200 INVALID fazt.storage.batch: argument 1: [1].value is missing`},
		{"spelling", `code(function () { s.batch([{kv: 'set', key: 'a', value: 1, tll: 5}]) })`, `200 INVALID fazt.storage.batch: argument 1: [0].tll is no field`},
		{"key", `code(function () { s.batch([{kv: 'delete', key: 1}]) })`, `200 INVALID fazt.storage.batch: argument 1: [0].key must be a string`},
		{"empty key", `
			code(function () { s.batch([{kv: 'incr', key: 'q'}, {kv: 'delete', key: 'a'},
			{kv: 'delete', key: ''}]) })`, `200 INVALID batch: [2].key: is empty`},
		{"long key", `code(function () { s.batch([{kv: 'delete', key: new Array(514).join('x')}]) })`, `200 QUOTA_EXCEEDED batch: [0].key: it would be 513 bytes`},
		{"ttl", `code(function () { s.batch([{kv: 'set', key: 'a', value: 1, ttl: -1}]) })`, `200 INVALID fazt.storage.batch: argument 1: [0].ttl must be`},
		{"version", `code(function () { s.batch([{kv: 'setIf', key: 'a', value: 1, version: 1.5}]) })`, `200 INVALID fazt.storage.batch: argument 1: [0].version must be`},
		{"by", `code(function () { s.batch([{kv: 'incr', key: 'a', by: null}]) })`, `200 INVALID fazt.storage.batch: argument 1: [0].by must be a number`},
		{"collection", `code(function () { s.batch([{ds: 'insert', collection: '', doc: {}}]) })`, `200 INVALID batch: [0].collection: is empty`},
		{"doc", `code(function () { s.batch([{ds: 'insert', collection: 'c', doc: []}]) })`, `200 INVALID batch: [0].doc: a document is an object`},
		{"query", `code(function () { s.batch([{ds: 'delete', collection: 'c', query: {a: {$less: 1}}}]) })`, `200 INVALID batch: [0].query.a.$less: `},
		{"changes", `code(function () { s.batch([{ds: 'update', collection: 'c', query: {}, changes: {$incr: {a: 1}}}]) })`, `200 INVALID batch: [0].changes.$incr: `},
		{"not a number", `code(function () { s.batch([{kv: 'incr', key: 'q'}, {kv: 'incr', key: 'a'}]) })`, `200 INVALID kv.incr: [1]: the value is not a number`},
		{"too many", `
			var w = []; for (var i = 0; i < 1001; i++) w.push({kv: 'incr', key: 'q'});
			code(function () { s.batch(w) })`, `200 INVALID fazt.storage.batch: argument 1 has more than 1000 writes`},
		{"nothing of all this", `[kv.get('q') === undefined, ds.count('y')]`, `200 [true,0]`},
		{"no user", `code(function () { fazt.app.user.batch([{kv: 'incr', key: 'q'}]) })`, `200 LOGIN_REQUIRED `},
	}
	for _, tt := range tests {
		if got := script(t, srv, "app", head+tt.js); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// TestBatchesCompete has requests move money between accounts at once, each by
// a batch that fails if somebody else was faster. None is lost or made.
func TestBatchesCompete(t *testing.T) {
	srv := open(t)
	deploy(t, srv, "bank", files("api/main.js", `
		var s = fazt.storage, kv = s.kv;
		if (request.query.start) { for (var i = 0; i < 4; i++) kv.set('acc' + i, 100); return 'ok' }
		var from = 'acc' + request.query.from, to = 'acc' + request.query.to;
		for (;;) {
			var v = kv.getVersion(from), w = kv.getVersion(to), a = kv.get(from), b = kv.get(to);
			try {
				s.batch([{kv: 'setIf', key: from, value: a - 1, version: v},
				{ds: 'insert', collection: 'moves', doc: {from: from, to: to}},
					{kv: 'setIf', key: to, value: b + 1, version: w}]);
				return 'moved';
			} catch (e) { if (e.code !== 'CONFLICT') throw e }
		}`))
	if got := get(srv, "http://bank.localhost/api?start=1"); got != "200 ok" {
		t.Fatal(got)
	}
	var wg sync.WaitGroup
	const moves = 24
	for i := range moves {
		wg.Go(func() {
			if got := get(srv, fmt.Sprintf("http://bank.localhost/api?from=%d&to=%d", i%4, (i+1+i%3)%4)); got != "200 moved" {
				t.Error(got)
			}
		})
	}
	wg.Wait()
	want := fmt.Sprintf("200 [400,%d]", moves)
	if got := script(t, srv, "bank", `
		var sum = 0; for (var i = 0; i < 4; i++) sum += fazt.storage.kv.get('acc' + i);
		[sum, fazt.storage.ds.count('moves')]`); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestUsersOwnBatch(t *testing.T) {
	srv := harnesstest.Start(t)
	app := srv.Deploy(files("api/main.js", `
		fazt.app.user.batch([{kv: 'incr', key: 'n'}, {ds: 'insert', collection: 'c', doc: {}}]);
		respond([fazt.app.user.kv.get('n'), fazt.app.user.ds.count('c'), fazt.app.ds.count('c')])`))
	bob := app.Another()
	for _, v := range []*harnesstest.App{app, bob} {
		v.SignIn(fmt.Sprintf("%p@example.com", v), "Visitor", "user")
	}
	for i, want := range []string{"[1,1,0]", "[2,2,0]"} {
		if res := app.Send(app.Request("GET", "/api", nil)); res.Body != want {
			t.Errorf("call %d: %v, want %s", i, res, want)
		}
	}
	if res := bob.Send(bob.Request("GET", "/api", nil)); res.Body != "[1,1,0]" {
		t.Errorf("another user: %v", res)
	}
}
