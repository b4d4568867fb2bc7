package harnesstest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing/fstest"
)

// Attack is what others do beside an app. It is no break-in: whoever may deploy an
// app, or is among its visitors, can do it.
type Attack struct {
	Name     string
	Resource string // what it takes from others, one of [Resources]

	apps int // how many attack; default: 1
	app  fstest.MapFS
	seed string // a request that is sent before, if any

	documents int  // thousands of them that the app has, which is [documents] then
	deploys   bool // it has a key that may deploy
	throws    bool // its handler does, so 500 is what it is answered by
	asVisitor bool // it comes from the address of the neighbour's visitors
	short     bool // it is in a short run too

	// run attacks an app until ctx ends. i is the attacker's number.
	run func(ctx context.Context, a *attacker, i int)
}

// Resources are what an app can take from others: a processor, the store, the memory of
// bodies, the log, the memory of answers, and places, of connections and of handlers.
func Resources() []string {
	return []string{"processor", "storage", "bodies", "logs", "answers", "places"}
}

// handlerApp is an app that is its handler.
func handlerApp(js string) fstest.MapFS {
	return fstest.MapFS{"index.html": {Data: []byte("hello")}, "api/main.js": {Data: []byte(js)}}
}

// textJS is a function for a text of n bytes.
const textJS = "function text(n) { var s = '0123456789abcdef'; while (s.length < n) s += s; return s.slice(0, n); }\n"

// documents is an app that does with its documents, of which there are 1,000 more each
// time it is seeded, what it is asked for. They have no index.
var documents = handlerApp(`
function handler(request) {
	var ds = fazt.storage.ds, docs = [], i;
	switch (request.query.op) {
	case 'seed':
		for (i = 0; i < 1000; i++) {
			docs.push({name: 'name ' + i + ' ' + request.query.n, n: i,
				text: 'some words that nobody looks for, up to a hundred and fifty bytes or so'});
		}
		ds.insertMany('c', docs);
		return 'ok';
	case 'find': return ds.find('c', {text: {$contains: 'never'}}).length;
	case 'sort': return ds.find('c', {}, {sort: 'text', limit: 5}).length;
	case 'count': return ds.count('c', {n: {$gt: 500}});
	case 'update': return ds.update('c', {name: 'nobody'}, {n: 1});
	case 'batch':
		for (i = 0; i < 100; i++) docs.push({ds: 'update', collection: 'c', query: {name: 'nobody'}, changes: {n: 1}});
		fazt.storage.batch(docs);
		return 'ok';
	case 'delete': return ds.delete('c', {});
	}
}`)

// floods is an attack by one request over and over.
func floods(connections int, path string) func(context.Context, *attacker, int) {
	return func(ctx context.Context, a *attacker, _ int) {
		request := a.get(path)
		a.flood(ctx, connections, func(int) []byte { return request })
	}
}

// Attacks are the ways in which one app has been seen to take a server from the
// others.
func Attacks() []Attack {
	return []Attack{
		{Name: "two apps whose handlers only wait", short: true, Resource: "places", apps: 2, run: floods(40, "/api"),
			app: handlerApp(`const handler = () => new Promise((done) => setTimeout(() => done('x'), 9500));`)},
		{Name: "an update that matches none of 100,000", Resource: "storage", documents: 100, run: floods(4, "/api?op=update")},
		{Name: "finds without an index in 100,000", Resource: "storage", documents: 100, run: floods(20, "/api?op=find")},
		{Name: "sorted finds in 100,000", Resource: "storage", documents: 100, run: floods(20, "/api?op=sort")},
		{Name: "counts in 100,000", Resource: "storage", documents: 100, run: floods(20, "/api?op=count")},
		{Name: "delete of 100,000 documents", Resource: "storage", documents: 100, run: floods(1, "/api?op=delete")},
		{Name: "values of 1 MB", short: true, Resource: "storage", run: floods(16, "/api"),
			app: handlerApp(textJS + `fazt.storage.kv.set('a', text(1000000)); 'ok'`)},
		{Name: "batches of updates that scan", Resource: "storage", documents: 5, run: floods(8, "/api?op=batch")},
		{Name: "blobs of 4 MiB put", Resource: "storage", run: floods(8, "/api"),
			app: handlerApp(textJS + `fazt.storage.s3.put('a', text(4 * 1048576)); 'ok'`)},
		{Name: "deploys of 100 MB", Resource: "storage", app: handlerApp(`'ok'`), run: deploys, deploys: true},
		{Name: "JSON bodies of 1 MB", short: true, Resource: "bodies", app: handlerApp(`'ok'`), run: func(ctx context.Context, a *attacker, _ int) {
			request := a.post("/api", `["`+strings.Repeat(`x","`, 250_000)+`"]`)
			a.flood(ctx, 32, func(int) []byte { return request })
		}},
		{Name: "forms of 30 MB", Resource: "bodies", app: handlerApp(`'ok'`), run: func(ctx context.Context, a *attacker, _ int) {
			request := a.form(30 << 20)
			a.flood(ctx, 4, func(int) []byte { return request })
		}},
		{Name: "six uploads that stall", Resource: "bodies", app: handlerApp(`'ok'`), run: func(ctx context.Context, a *attacker, _ int) {
			request := a.form(30 << 20)
			var all sync.WaitGroup
			for range 6 {
				all.Go(func() { a.stall(ctx, request[:len(request)-1000]) })
			}
			all.Wait()
		}},
		{Name: "blobs of 4 MB read whole", Resource: "answers", run: floods(16, "/api"),
			app: handlerApp(textJS + `
			var b = fazt.storage.s3.getBytes('a');
			if (!b) fazt.storage.s3.put('a', text(4 * 1048576));
			String(b && b.length)`)},
		{Name: "errors of 1 MB", Resource: "logs", run: floods(16, "/api"), app: handlerApp(textJS + `throw new Error(text(1000000))`), throws: true},
		{Name: "1,000 lines of 16 KB", short: true, Resource: "logs", run: floods(16, "/api"),
			app: handlerApp(textJS + `var s = text(16000); for (var i = 0; i < 1000; i++) console.log(s); 'ok'`)},
		{Name: "a blob in 5,500 ranges", Resource: "answers", seed: "/api?seed=1", run: func(ctx context.Context, a *attacker, _ int) {
			ranges := strings.Repeat("0-0,", 5500) + "1-1"
			request := fmt.Appendf(nil, "GET /api HTTP/1.1\r\nHost: %s\r\nRange: bytes=%s\r\n\r\n", a.host, ranges)
			a.flood(ctx, 8, func(int) []byte { return request })
		}, app: handlerApp(textJS + `
			if (request.query.seed) { fazt.storage.s3.put('a', text(65536)); respond('ok'); }
			else respond(fazt.storage.s3.serve('a'))`)},
		{Name: "106 slow readers of 8 MB answers", short: true, Resource: "answers", app: handlerApp(textJS + `text(8 * 1048576)`),
			run: func(ctx context.Context, a *attacker, _ int) {
				var all sync.WaitGroup
				for range 106 {
					all.Go(func() { a.stall(ctx, a.get("/api")) })
				}
				all.Wait()
			}},
		{Name: "25 apps with 4 visitors each", Resource: "processor", apps: 25, run: floods(4, "/api"),
			app: handlerApp(`for (var i = 0, x = 0; i < 20000; i++) x += i; String(x)`)},
		{Name: "endless loops, flooded", short: true, Resource: "processor", run: floods(100, "/api"), app: handlerApp(`while (true) {}`)},
		{Name: "250 idle connections", Resource: "places", app: handlerApp(`'ok'`), asVisitor: true, run: func(ctx context.Context, a *attacker, _ int) {
			var all sync.WaitGroup
			for range 250 {
				all.Go(func() { a.idle(ctx) })
			}
			all.Wait()
		}},
	}
}
