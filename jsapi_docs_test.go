package fazt_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestWriteManyDocuments writes more documents than one transaction may.
func TestWriteManyDocuments(t *testing.T) {
	const many = 26_000
	srv := open(t)
	for from := 0; from < many; from += 2000 {
		js := fmt.Sprintf(`var d = []; for (var i = %d; i < %d; i++) d.push({n: i}); fazt.storage.ds.insertMany('c', d).length`, from, from+2000)
		if got := script(t, srv, "app", js); got != "200 2000" {
			t.Fatal(got)
		}
	}
	const head = `var ds = fazt.storage.ds; function code(f) { try { return f() } catch (e) { return e.code + ' ' + e.message } }; `
	for _, tt := range []struct{ name, js, want string }{
		{"update", `code(function () { return ds.update('c', {n: {$gte: 0}}, {x: 1}) })`, `200 TOO_MANY_MATCHES ds.update: 26000 documents match`},
		{"delete", `code(function () { return ds.delete('c', {n: {$gte: 0}}) })`, `200 TOO_MANY_MATCHES ds.delete: 26000 documents match`},
		{"in a batch", `code(function () { return fazt.storage.batch([{kv: 'set', key: 'k', value: 1},
			{ds: 'delete', collection: 'c', query: {n: {$gte: 0}}}]) }) + (fazt.storage.kv.get('k') === undefined)`, `200 TOO_MANY_MATCHES ds.delete: [1]: 26000 documents match`},
		{"not thrown further", `ds.delete('c', {n: {$gte: 0}})`, `500 `},
		{"options", `code(function () { return ds.update('c', {}, {x: 1}, {chunk: true}) })`, `200 INVALID fazt.storage.ds.update: argument 4: there is no option`},
		{"options of deleteOldest", `code(function () { return ds.deleteOldest('c', 1, true) })`, `200 INVALID fazt.storage.ds.deleteOldest: argument 3 must be an object with options`},
		{"few", `ds.update('c', {n: {$lt: 100}}, {n: -1})`, `200 100`},
		{"without", `code(function () { return ds.deleteOldest('c', 10, {chunks: false}) })`, `200 TOO_MANY_MATCHES ds.deleteOldest: 25990 documents match`},
		{"an error", `ds.insert('c', {n: 't'});
			code(function () { return ds.update('c', {n: {$in: ['t', 5, 6]}}, {$inc: {n: 1}}, {chunks: true}) })`,
			`200 INVALID ds.update: n: can't add to a string`},
	} {
		if got := script(t, srv, "app", head+tt.js); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: got %s\nwant %s", tt.name, got, tt.want)
		}
	}
	// A machine may be too busy to do all of it within one request.
	for _, tt := range []struct{ name, js, want string }{
		{"update in chunks", `ds.update('c', {x: null}, {x: 1}, {chunks: true})`, `ds.count('c', {x: 1}) === 26001`},
		{"deleteOldest in chunks", `ds.deleteOldest('c', 20000, {chunks: true})`, `ds.count('c') === 20000`},
		{"delete in chunks", `ds.delete('c', {n: {$lt: 16000}}, {chunks: true})`, `ds.count('c', {n: {$lt: 16000}}) === 0`},
	} {
		for got := ""; got != "200 true"; {
			if got = script(t, srv, "app", head+"var e = code(function () { "+tt.js+" }); e ? String(e) : "+tt.want); !strings.Contains(got, " documents had been written before") && got != "200 true" {
				t.Fatalf("%s: %s", tt.name, got)
			}
		}
	}
	if got := script(t, srv, "app", head+`ds.insert('c', {}); [ds.delete('c', {}) > 0, ds.count('c'), ds.delete('c', {})]`); got != "200 [true,0,0]" {
		t.Errorf("all: %s", got)
	}
}
