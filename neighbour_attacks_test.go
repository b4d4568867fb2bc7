package fazt_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"strings"
	"sync"
	"testing/fstest"
	"time"
)

// handlerApp is an app that is its handler.
func handlerApp(text string) fstest.MapFS {
	return fstest.MapFS{"index.html": {Data: []byte("hello")}, "api/main.js": {Data: []byte(text)}}
}

// seeded is a handler that puts 1,000 documents into a collection when asked to
// seed, and does something else otherwise.
func seeded(text string) fstest.MapFS {
	return handlerApp(`
function handler(request) {
	if (request.query.seed) {
		var docs = [];
		for (var i = 0; i < 1000; i++) {
			docs.push({name: 'name ' + i + ' ' + request.query.n, n: i, text: 'some words that nobody looks for, up to a hundred and fifty bytes or so'});
		}
		fazt.storage.ds.insertMany('c', docs);
		return 'ok';
	}
	` + text + `
}`)
}

const seedRequest = "/api?seed=1"

// floods is an attack by one request over and over.
func floods(connections int, path string) func(context.Context, attacker, int) {
	return func(ctx context.Context, a attacker, _ int) {
		request := a.get(path)
		a.flood(ctx, connections, func(int) []byte { return request })
	}
}

// attacks are the ways in which one app has been seen to take a server from the
// others.
func attacks() []attack {
	return []attack{
		{name: "two apps whose handlers only wait", apps: 2, run: floods(40, "/api"),
			app: handlerApp(`const handler = () => new Promise((done) => setTimeout(() => done('x'), 9500));`)},
		{name: "delete of 100,000 documents", n: 100, seed: seedRequest, run: floods(1, "/api"),
			app: seeded(`fazt.storage.ds.delete('c', {}); return 'ok';`)},
		{name: "an update that matches none of 100,000", n: 100, seed: seedRequest, run: floods(4, "/api"),
			app: seeded(`return fazt.storage.ds.update('c', {name: 'nobody'}, {n: 1});`)},
		{name: "finds without an index in 100,000", n: 100, seed: seedRequest, run: floods(20, "/api"),
			app: seeded(`return fazt.storage.ds.find('c', {text: {$contains: 'never'}}).length;`)},
		{name: "sorted finds in 100,000", n: 100, seed: seedRequest, run: floods(20, "/api"),
			app: seeded(`return fazt.storage.ds.find('c', {}, {sort: 'text', limit: 5}).length;`)},
		{name: "counts in 100,000", n: 100, seed: seedRequest, run: floods(20, "/api"),
			app: seeded(`return fazt.storage.ds.count('c', {n: {$gt: 500}});`)},
		{name: "values of 1 MB", run: floods(16, "/api"),
			app: handlerApp(`var s = new Array(1000001).join('x'); fazt.storage.kv.set('a', s.slice(0, 1000000)); 'ok'`)},
		{name: "batches of updates that scan", n: 5, seed: seedRequest, run: floods(8, "/api"),
			app: seeded(`
			var writes = [];
			for (var i = 0; i < 100; i++) writes.push({ds: 'update', collection: 'c', query: {name: 'nobody'}, changes: {n: 1}});
			fazt.storage.batch(writes);
			return 'ok';`)},
		{name: "blobs of 4 MiB put", run: floods(8, "/api"),
			app: handlerApp(`fazt.storage.s3.put('a', new Array(4 * 1048576 / 16 + 1).join('0123456789abcdef')); 'ok'`)},
		{name: "deploys of 100 MB", app: handlerApp(`'ok'`), run: deploys},
		{name: "JSON bodies of 1 MB", app: handlerApp(`'ok'`), run: func(ctx context.Context, a attacker, _ int) {
			request := a.post("/api", `["`+strings.Repeat(`x","`, 250_000)+`"]`)
			a.flood(ctx, 32, func(int) []byte { return request })
		}},
		{name: "forms of 30 MB", app: handlerApp(`'ok'`), run: func(ctx context.Context, a attacker, _ int) {
			request := a.form(30 << 20)
			a.flood(ctx, 4, func(int) []byte { return request })
		}},
		{name: "six uploads that stall", app: handlerApp(`'ok'`), run: func(ctx context.Context, a attacker, _ int) {
			request := a.form(30 << 20)
			var all sync.WaitGroup
			for range 6 {
				all.Go(func() { a.stall(ctx, request[:len(request)-1000]) })
			}
			all.Wait()
		}},
		{name: "blobs of 4 MB read whole", run: floods(16, "/api"),
			app: handlerApp(`
			var b = fazt.storage.s3.getBytes('a');
			if (!b) fazt.storage.s3.put('a', new Array(4 * 1048576 / 16 + 1).join('0123456789abcdef'));
			String(b && b.length)`)},
		{name: "errors of 1 MB", run: floods(16, "/api"), app: handlerApp(`throw new Error(new Array(1000001).join('x'))`)},
		{name: "1,000 lines of 16 KB", run: floods(16, "/api"),
			app: handlerApp(`var s = new Array(16001).join('x'); for (var i = 0; i < 1000; i++) console.log(s); 'ok'`)},
		{name: "a blob in 5,500 ranges", n: 1, seed: "/api?seed=1", run: func(ctx context.Context, a attacker, _ int) {
			ranges := strings.Repeat("0-0,", 5500) + "1-1"
			request := fmt.Appendf(nil, "GET /api HTTP/1.1\r\nHost: %s\r\nRange: bytes=%s\r\n\r\n", a.host, ranges)
			a.flood(ctx, 8, func(int) []byte { return request })
		}, app: handlerApp(`
			if (request.query.seed) { fazt.storage.s3.put('a', new Array(65537).join('x')); respond('ok'); }
			else respond(fazt.storage.s3.serve('a'))`)},
		{name: "106 slow readers of 8 MB answers", app: handlerApp(`new Array(8 * 1048576 / 16 + 1).join('0123456789abcdef')`),
			run: func(ctx context.Context, a attacker, _ int) {
				var all sync.WaitGroup
				for range 106 {
					all.Go(func() { a.stall(ctx, a.get("/api")) })
				}
				all.Wait()
			}},
		{name: "25 apps with 4 visitors each", apps: 25, run: floods(4, "/api"),
			app: handlerApp(`for (var i = 0, x = 0; i < 20000; i++) x += i; String(x)`)},
		{name: "endless loops, flooded", run: floods(100, "/api"), app: handlerApp(`while (true) {}`)},
		{name: "250 idle connections", app: handlerApp(`'ok'`), run: func(ctx context.Context, a attacker, _ int) {
			a.from = "127.0.0.9" // the address of the neighbour's visitors
			var all sync.WaitGroup
			for range 250 {
				all.Go(func() { a.idle(ctx) })
			}
			all.Wait()
		}},
	}
}

// form is a request with a file of that size.
func (a attacker) form(size int) []byte {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, _ := form.CreateFormFile("file", "file.bin") // a bytes.Buffer takes every write
	part.Write(make([]byte, size))
	form.Close()
	head := fmt.Sprintf("POST /api HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", a.host, form.FormDataContentType(), body.Len())
	return append([]byte(head), body.Bytes()...)
}

// stall sends something, and then neither sends nor reads anything more. It
// begins anew when it is cut off.
func (a attacker) stall(ctx context.Context, request []byte) {
	for ctx.Err() == nil {
		conn, err := a.dial(ctx)
		if err != nil {
			a.rest(ctx)
			continue
		}
		stop := context.AfterFunc(ctx, func() { conn.Close() })
		if _, err := conn.Write(request); err == nil {
			answer := bufio.NewReader(conn)
			_, err = answer.ReadByte() // the first of an answer, if one begins
			for err == nil && ctx.Err() == nil {
				a.rest(ctx)
				_, err = conn.Write(nil)
			}
		}
		stop()
		conn.Close()
		a.rest(ctx)
	}
}

// idle asks for a page and keeps the connection.
func (a attacker) idle(ctx context.Context) {
	conn, err := a.dial(ctx)
	if err != nil {
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := conn.Write(a.get("/")); err == nil {
		io.Copy(io.Discard, conn)
	}
}

func (attacker) rest(ctx context.Context) {
	select {
	case <-time.After(100 * time.Millisecond):
	case <-ctx.Done():
	}
}
