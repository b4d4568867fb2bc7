package fazt_test

import (
	"strings"
	"testing"
)

// TestBadInput gives storage what JSON can't hold, from JavaScript: each is an
// error that the handler can catch, with a code, and nothing is written.
func TestBadInput(t *testing.T) {
	srv := open(t)
	const head = `var kv = fazt.storage.kv, ds = fazt.storage.ds;
		function code(f) { try { return 'accepted ' + JSON.stringify(f()) } catch (e) { return e.code + ' ' + e.message } };
		var cycle = {a: []}; cycle.a.push(cycle);
		var deep = []; for (var i = 0; i < 101; i++) deep = [deep]; `
	tests := []struct{ name, js, want string }{
		{"NaN", `kv.set('k', NaN)`, `INVALID `},
		{"infinity", `kv.set('k', {a: [Infinity]})`, `INVALID `},
		{"infinity in a document", `ds.insert('c', {a: {b: -Infinity}})`, `INVALID `},
		{"NaN in a query", `ds.find('c', {a: NaN})`, `INVALID `},
		{"NaN in changes", `ds.update('c', {}, {$inc: {a: NaN}})`, `INVALID `},
		{"a step that is NaN", `kv.incr('k', NaN)`, `INVALID `},
		{"a cycle", `kv.set('k', cycle)`, `INVALID `},
		{"a cycle in a document", `ds.insert('c', cycle)`, `INVALID `},
		{"a cycle in a query", `ds.find('c', cycle)`, `INVALID `},
		{"a function", `kv.set('k', function () {})`, `INVALID `},
		{"nothing", `kv.set('k', undefined)`, `INVALID `},
		{"deep", `kv.set('k', deep)`, `INVALID `},
		{"a deep document", `ds.insert('c', {a: deep})`, `INVALID `},
		{"a lone surrogate", `kv.set('\ud800', 1)`, `INVALID fazt.storage.kv.set: argument 1: the string has a lone surrogate`},
		{"a key of 5 MB", `(function () { var long = 'kkkkkkkkkk'; while (long.length < 5e6) long += long; kv.set(long, 1) })()`, `QUOTA_EXCEEDED kv.set: key: `},
		{"a key with NUL", `kv.set('a\u0000b', 1)`, `INVALID kv.set: key: contains a NUL byte`},
		{"a collection with NUL", `ds.insert('a\u0000b', {})`, `INVALID ds.insert: collection: contains a NUL byte`},
		{"a query that is an array", `ds.find('c', [1])`, `INVALID `},
		{"an unknown operator", `ds.find('c', {a: {$less: 1}})`, `INVALID ds.find: a.$less: unknown operator`},
		{"an operator in the wrong place", `ds.find('c', {$gt: 1})`, `INVALID ds.find: $gt: unknown operator`},
		{"nothing of all this", `[kv.list('k').length, kv.list('a').length, ds.count('c')]`, `accepted [0,0,0]`},
	}
	for _, tt := range tests {
		if got := script(t, srv, "app", head+`code(function () { return `+tt.js+` })`); !strings.HasPrefix(got, "200 "+tt.want) {
			t.Errorf("%s: got %.200s\nwant %s", tt.name, got, tt.want)
		}
	}
}
