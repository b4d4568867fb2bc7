package fazt_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/harnesstest"
)

// What says which documents are meant is not guessed: see runtime.Exact.
func TestExactQueries(t *testing.T) {
	const (
		query    = "INVALID_QUERY"
		operator = "OPERATOR_FROM_REQUEST"
	)
	tests := []struct{ name, call, want string }{
		{"undefined in a query", `ds.find('c', {a: undefined})`, query},
		{"undefined deep inside", `ds.find('c', {$or: [{n: 1}, {a: {$in: [1, undefined]}}]})`, query},
		{"undefined in changes", `ds.update('c', {}, {$set: {n: undefined}})`, query},
		{"undefined as a query", `ds.delete('c', undefined)`, query},
		{"undefined as changes", `ds.update('c', {}, undefined)`, "INVALID"},
		{"no id", `ds.findOne('c', null)`, query},
		{"no query", `ds.findOne('c')`, query},
		{"a number for an id", `ds.update('c', 5, {n: 2})`, query},
		{"a RegExp", `ds.find('c', {name: /ann/})`, query},
		{"a function", `ds.find('c', {name: function () {}})`, query},
		{"an invalid Date", `ds.find('c', {n: new Date(NaN)})`, query},
		{"a Date", `ds.find('c', {at: {$gt: new Date(999)}}).length`, "1"},
		{"an id that is a number", `ds.findOne('c', {id: 7})`, query},
		{"a lesser id", `ds.find('c', {id: -7, n: 1})`, query},
		{"a batch with such an id", `fazt.storage.batch([{ds: 'upsert', collection: 'c', query: {id: 7}, changes: {n: 1}}])`, query},
		{"a number as the id of something inside", `ds.find('c', {a: {id: 7}}).length`, "0"},
		{"an id that is null", `ds.find('c', {id: null}).length`, "0"},
		{"an argument too many", `fazt.storage.kv.get('k', 'otherwise')`, "INVALID"},
		{"one past the options", `ds.find('c', {}, {limit: 1}, {offset: 1})`, "INVALID"},
		{"one where there are none", `fazt.auth.getUser(request)`, "INVALID"},
		{"undefined and null too many", `fazt.storage.kv.get('k', undefined, null) === undefined`, "true"},
		{"what map gives", `['a', 'b'].map(fazt.storage.kv.get).length`, "2"},
		{"a sign before what sorts", `ds.find('c', {}, {sort: '-n'})`, "INVALID"},
		{"an invalid Date in a document", `ds.insert('d', {due: new Date('tomorrow')})`, "INVALID"},
		{"a batch", `fazt.storage.batch([{ds: 'delete', collection: 'c', query: {n: undefined}}])`, query},
		{"beside a batch's query", `fazt.storage.batch([{kv: 'set', key: 'k', value: {a: undefined}}]).length`, "1"},
		{"undefined in a document", `typeof ds.insert('d', {a: undefined})`, "string"},
		{"an option of undefined", `ds.find('c', {}, {limit: undefined}).length`, "1"},
		{"a find of all", `ds.find('c', undefined, {limit: 5}).length`, "1"},
		{"an unknown option", `ds.find('c', {}, {Limit: 1})`, "INVALID"},

		{"the request's operator", `ds.find('c', request.body.q)`, operator},
		{"inside", `ds.find('c', {n: request.body.q.n})`, operator},
		{"the query string's", `ds.find('c', request.query)`, operator},
		{"a header", `ds.find('c', {n: request.headers})`, operator},
		{"a copied header", `ds.find('c', {n: Object.assign({}, request.headers)})`, operator},
		{"headers by their names", `request.headers.$gt + request.headers['Content-Type'] + Object.keys(request.headers).indexOf('Content-Type')`, "0application/json-1"},
		{"out of JSON.parse", `ds.find('c', JSON.parse('{"n": {"$gt": 0}}'))`, operator},
		{"copied by JSON", `ds.find('c', JSON.parse(JSON.stringify(request.body.q)))`, operator},
		{"copied by assign", `ds.find('c', {n: Object.assign({}, request.body.q.n)})`, operator},
		{"in changes", `ds.update('c', {}, JSON.parse('{"$set": {"n": 2}}'))`, operator},
		{"its value alone", `ds.find('c', {n: {$gt: Number(request.body.q.n.$gt)}}).length`, "1"},
		{"in a document", `typeof ds.insert('d', request.body.q)`, "string"},
		{"a RegExp in a document", `ds.insert('d', {a: /x/})`, "INVALID"},
		{"read back", `(ds.insert('d', {id: 'x' + fazt.app.version, q: request.body.q}),` +
			` ds.find('c', ds.findOne('d', 'x' + fazt.app.version).q).length)`, "1"},
		{"its own operator", `ds.find('c', {n: {$gt: 0}}).length`, "1"},
	}
	onlyGoja := []struct{ name, call, want string }{
		{"a Map", `ds.find('c', {a: new Map()})`, query},
		{"a Set", `ds.find('c', {a: new Set()})`, query},
		{"a Map in a document", `ds.insert('d', {a: new Map([[1, 2]])})`, "INVALID"},
		{"a Promise as a value", `fazt.storage.kv.set('k', Promise.resolve(1))`, "INVALID"},
		{"a Promise in a document", `ds.insert('d', {a: [(async () => 1)()]})`, "INVALID"},
		{"a Promise in a batch", `fazt.storage.batch([{kv: 'set', key: 'k', value: {a: Promise.resolve(1)}}])`, "INVALID"},
		{"a WeakMap", `ds.insert('d', {a: new WeakMap()})`, "INVALID"},
		{"a WeakSet", `ds.insert('d', {a: new WeakSet()})`, "INVALID"},
		{"an iterator", `ds.insert('d', {a: [1].values()})`, "INVALID"},
		{"a generator", `ds.insert('d', {a: (function* () { yield 1; })()})`, "INVALID"},
		{"an Error", `ds.insert('d', {a: new Error('e')})`, "INVALID"},
		{"what has an own class", `typeof ds.insert('d', {a: new (class A {})()})`, "string"},
		{"a Set as a value", `fazt.storage.kv.set('k', new Set([1]))`, "INVALID"},
		{"an empty object", `typeof ds.insert('d', {a: {}, b: [], c: new Date(0)})`, "string"},
		{"copied by structuredClone", `ds.find('c', {n: structuredClone(request.body.q.n)})`, operator},
		{"copied by spread", `ds.find('c', {n: {...request.body.q.n}})`, operator},
		{"merged by spread", `ds.find('c', {n: 1, ...request.body.q})`, operator},
		{"taken apart", `(({n, ...rest}) => ds.find('c', {n: {...rest, ...n}}))(request.body.q)`, operator},
		{"revived", `ds.find('c', JSON.parse('{"n": {"$gt": 0}}', (k, v) => v))`, operator},
	}
	srv := harnesstest.Start(t)
	for _, engine := range []string{"otto", "goja"} {
		cases := tests
		if engine == "goja" {
			cases = append(cases, onlyGoja...)
		}
		for _, test := range cases {
			t.Run(test.name+"/"+engine, func(t *testing.T) {
				app := srv.Deploy(files("manifest.json", `{"engine": "`+engine+`"}`, "api/main.js", `var ds = fazt.storage.ds;
ds.insert('c', {n: 1, at: 1000});
try { return String(`+test.call+`); } catch (e) { return e.code || e.message; }`))
				req := app.Request(http.MethodPost, "/api?$where=1", map[string]any{"q": map[string]any{"n": map[string]any{"$gt": 0}}})
				req.Header.Set("$gt", "0")
				res := app.Send(req)
				if res.Status != http.StatusOK || strings.TrimSpace(res.Body) != test.want {
					t.Errorf("%s is %v, want %s", test.call, res, test.want)
				}
			})
		}
	}
}

// Options in the place of the query find nothing, and their author hears of it.
func TestOptionsAsQueryAreLogged(t *testing.T) {
	dataFile := t.TempDir() + "/data.db"
	srv := open(t, func(o *fazt.Options) { o.DataFile = dataFile })
	deploy(t, srv, "app", files("api/main.js", `
var ds = fazt.storage.ds;
ds.insert('c', {text: 'a', limit: 5});
var queries = [{limit: 2, order: 'desc'}, {limit: 5}, {limit: 'two'}, {sort: 'price', x: 1}, {}, {text: 'b'},
	{order: 'o-17'}];
var found = queries.map(function (query) { return ds.find('c', query).length; });
return found.concat(ds.find('c', {offset: 1}, {limit: 1}).length).join();`))
	if got := get(srv, "http://app.localhost/api"); got != "200 0,1,0,0,1,0,0,0" {
		t.Error(got)
	}
	srv = reopen(t, srv, dataFile)
	diff(t, "log", []string{`warn fazt.storage.ds.find: no document has {"limit":2,"order":"desc"} among its fields; ` +
		`options come third, as in find(collection, {}, {"limit":2,"order":"desc"})`}, logOf(t, srv, "app"))
}

// A document whose id is no string gets one that is made, and its author hears of it.
func TestOtherIDIsLogged(t *testing.T) {
	dataFile := t.TempDir() + "/data.db"
	srv := open(t, func(o *fazt.Options) { o.DataFile = dataFile })
	for _, engine := range []string{"otto", "goja"} {
		deploy(t, srv, engine, files("fazt.json", `{"engine": "`+engine+`"}`, "api/main.js", `
var ds = fazt.storage.ds;
ds.insert('c', {id: 7});
ds.insertMany('c', [{id: 'a'}, {id: true}, {id: null}, {id: ''}, {inside: {id: 8}}]);
fazt.storage.batch([{ds: 'insert', collection: 'c', doc: {id: {x: 1}}}]);
return ds.find('c').map(function (d) { return typeof d.id; }).join();`))
		if got := get(srv, "http://"+engine+".localhost/api"); got != "200 string,string,string,string,string,string,string" {
			t.Errorf("%s: %s", engine, got)
		}
	}
	srv = reopen(t, srv, dataFile)
	for _, engine := range []string{"otto", "goja"} {
		diff(t, engine, []string{
			"warn fazt.storage.ds.insert: the id 7 is no string, so the document has got another; write String(id) to keep it",
			"warn fazt.storage.ds.insertMany: the id true is no string, so the document has got another; write String(id) to keep it",
			`warn fazt.storage.batch: the id {"x":1} is no string, so the document has got another; write String(id) to keep it`,
		}, logOf(t, srv, engine))
	}
}
