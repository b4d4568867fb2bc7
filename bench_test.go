package fazt_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/fazt-sh/fazt/harnesstest/load"
	"github.com/fazt-sh/fazt/harnesstest/report"
)

// BenchmarkHTTP compares what fazt serves with the floor, a bare net/http
// handler, and prints a report: requests a second, latencies, and the median
// ratio to the floor. Each round measures every row once, so that a machine
// whose speed drifts does so for all of them alike. FAZT_REPORT is a directory
// to save the report to.
//
//	go test -run '^$' -bench HTTP -benchtime 1x .
func BenchmarkHTTP(b *testing.B) {
	const rounds = 5
	for b.Loop() {
		r := report.New("fazt: what handlers cost") // before the machine has work of this one's
		rows := startBenchmark(b)
		peak, stop := watchRSS(os.Getpid())
		for range rounds {
			for _, row := range rows {
				row.measure(b, rows[0])
			}
		}
		stop()
		r.Versions["fazt"] = fazt.Version
		r.Command = "FAZT_REPORT=/tmp/report go test -run '^$' -bench HTTP -benchtime 1x ."
		for _, row := range rows {
			r.Add(report.Measurement{Name: row.name, Loop: report.Closed, Connections: connections, Runs: row.runs})
		}
		r.Add(report.Resource{Name: "the process of server and clients, at its peak", Resident: *peak})
		if err := r.Text(os.Stdout); err != nil {
			b.Fatal(err)
		}
		if dir := os.Getenv("FAZT_REPORT"); dir != "" {
			if err := r.Save(dir); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(*peak>>20), "RSS-MiB")
		for _, row := range rows[1:] {
			b.ReportMetric(row.ratio(rows[0]), strings.ReplaceAll(row.name, " ", "-")+"/floor")
		}
	}
}

// connections is how many a benchmark's load has.
const connections = 64

type benchRow struct {
	name    string
	addr    string
	request func(n int) []byte
	runs    []report.Run
}

func (r *benchRow) ratio(floor *benchRow) float64 {
	ratios := make([]float64, len(r.runs))
	for i := range ratios {
		ratios[i] = r.runs[i].Rate / floor.runs[i].Rate
	}
	return median(ratios)
}

func median[T float64 | time.Duration](values []T) T {
	slices.Sort(values)
	return values[len(values)/2]
}

// measure loads the row for a second, and ends the benchmark where a request has no
// good answer. floor is the row that has been measured in the same round; nil: none.
func (r *benchRow) measure(b *testing.B, floor *benchRow) {
	b.Helper()
	result := mustLoad(b, load.Load{Dial: load.TCP(r.addr), Connections: connections, Request: r.request})
	var same *report.Run
	if floor != nil && floor != r {
		same = &floor.runs[len(r.runs)]
	}
	r.runs = append(r.runs, report.FromLoad(result, 0, same))
}

// mustLoad runs a load in which every answer must be good. That the generator fell
// behind is logged.
func mustLoad(b *testing.B, l load.Load) *load.Result {
	b.Helper()
	result, err := l.Run(b.Context())
	if err == nil && result.OK.Count() < result.Requests() {
		err = result.Err()
	}
	if err != nil {
		b.Fatal(err)
	}
	if result.Invalid != "" {
		b.Log("invalid: " + result.Invalid)
	}
	return result
}

// benchHandlers are what the rows with an engine's name measure. Each is the
// whole api/main.js of an app.
var benchHandlers = []struct{ name, source string }{
	{"script", `return {hello: 'world'}`},
	{"trivial handler", `function handler(request) { return {hello: 'world'}; }`},
	{"20 objects", `function handler(request) {
	var items = [];
	for (var i = 0; i < 20; i++) items.push({id: i, name: 'item ' + i, price: i * 1.5});
	return {items: items};
}`},
	{"kv get", `function handler(request) { return {value: fazt.storage.kv.get('key')}; }`},
	{"a page of data", `function handler(request) {
	var shop = fazt.storage.kv.get('shop');
	var items = [];
	for (var i = 0; i < 20; i++) items.push({id: i, name: 'item ' + i, price: i * shop.rate});
	return {shop: shop, items: items};
}`},
	{"a page of data, handed on", `function handler(request) {
	var items = [];
	for (var i = 0; i < 20; i++) items.push({id: i, name: 'item ' + i, price: i * 1.5});
	return {shop: fazt.storage.kv.get('shop'), items: items};
}`},
	{"kv set", `function handler(request) { fazt.storage.kv.set(request.path, {hello: 'world'}); return {ok: true}; }`},
	{"indexed ds find", `function handler(request) { return fazt.storage.ds.find('notes', {owner: request.path}); }`},
}

// benchFill makes the data that they read.
const benchFill = `function handler(request) {
	fazt.storage.kv.set('key', {n: 1, name: 'value'});
	fazt.storage.kv.set('shop', {name: 'Corner shop', rate: 1.5, currency: 'EUR', open: true,
		tags: ['bread', 'milk', 'tea'],
		address: {street: 'Long Lane 12', city: 'Delft', zip: '2611 AB'},
		hours: [{day: 'mon', from: 9, to: 18}, {day: 'sat', from: 10, to: 16}]});
	for (var i = 0; i < 500; i++) {
		fazt.storage.ds.insert('notes', {owner: '/api/' + (request.query.n * 500 + i) % 1000, text: 'a note'});
	}
	return {ok: true};
}`

// reserveHeap sets the garbage collector as fazt serve does, for the floor as for
// the rest: see there.
func reserveHeap(b *testing.B) {
	reserve := make([]byte, 32<<20)
	b.Cleanup(func() { runtime.KeepAlive(reserve) })
}

func startBenchmark(b *testing.B) []*benchRow {
	reserveHeap(b)
	srv := harnesstest.Start(b, func(o *fazt.Options) {
		o.Dev, o.Logger = false, slog.New(slog.DiscardHandler)
	})
	static := srv.Deploy(files("index.html", "", "1k.bin", strings.Repeat("fazt\n", 205)[:1024]))
	addr, host := address(srv.URL), address(static.URL)
	rows := []*benchRow{
		{name: "floor", addr: startFloor(b), request: load.Same(load.Get("floor", "/"))},
		{name: "static 1 KB", addr: addr, request: load.Same(load.Get(host, "/1k.bin"))},
	}
	for _, h := range benchHandlers {
		for _, engine := range []string{"otto", "goja"} {
			manifest := `{"engine": "` + engine + `", "indexes": {"notes": ["owner"]}}`
			app := srv.Deploy(files("manifest.json", manifest, "api/main.js", benchFill))
			for n := range 4 { // two documents of each of 1,000 owners
				if res := app.Get(fmt.Sprint("/api?n=", n)); res.Status != http.StatusOK {
					b.Fatal(res)
				}
			}
			srv.DeployAs(app.Name, files("manifest.json", manifest, "api/main.js", h.source))
			host := address(app.URL)
			row := &benchRow{name: h.name + ", " + engine, addr: addr, request: load.Same(load.Get(host, "/api/key"))}
			switch h.name {
			case "a page of data", "a page of data, handed on":
				row.request = load.Same(browserGet(host, "/api/key", "application/json"))
			case "kv set":
				row.request = varied(func(n int) []byte {
					return load.Get(host, fmt.Sprintf("/api/%d-%d", n/100, n%100))
				})
			case "indexed ds find":
				row.request = varied(func(n int) []byte {
					return load.Get(host, fmt.Sprint("/api/", n%1000))
				})
			}
			rows = append(rows, row)
		}
	}
	return append(rows, pageRow(srv, addr))
}

// pageFiles are those of a small site's page, with their sizes in bytes.
var pageFiles = []struct {
	name, accept string
	size         int
}{
	{"index.html", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", 2 << 10},
	{"style.css", "text/css,*/*;q=0.1", 8 << 10},
	{"app.js", "*/*", 20 << 10},
	{"lib.js", "*/*", 12 << 10},
	{"logo.svg", "image/avif,image/webp,image/svg+xml,*/*;q=0.8", 1 << 10},
	{"picture.svg", "image/avif,image/webp,image/svg+xml,*/*;q=0.8", 5 << 10},
}

// pageRow asks for a page and all that it needs, file by file, as a browser does
// on its first visit.
func pageRow(srv *harnesstest.Server, addr string) *benchRow {
	words := []string{"const ", "value", " = ", "function", "(", ") {\n", "return ", "color", ": ", "width", "0.5em;\n", "class", "item", "}\n", "42", "\"name\""}
	random := rand.New(rand.NewPCG(1, 2))
	site := fstest.MapFS{}
	for _, f := range pageFiles {
		var text strings.Builder
		for text.Len() < f.size {
			text.WriteString(words[random.IntN(len(words))])
		}
		site[f.name] = &fstest.MapFile{Data: []byte(text.String()[:f.size])}
	}
	host := address(srv.Deploy(site).URL)
	requests := make([][]byte, len(pageFiles))
	for i, f := range pageFiles {
		requests[i] = browserGet(host, "/"+f.name, f.accept)
	}
	return &benchRow{name: "a page of files", addr: addr, request: func(n int) []byte { return requests[n%len(requests)] }}
}

// browserGet is a GET request with the headers of a browser.
func browserGet(host, path, accept string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: keep-alive\r\n"+
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36\r\n"+
		"Accept: %s\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9\r\n"+
		"Referer: http://%s/\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: empty\r\n\r\n", path, host, accept, host)
}

// varied makes requests beforehand, so that they cost the client as little as one
// that is always the same. There are many more of them than connections, and what
// is under way at once is never the same.
func varied(request func(n int) []byte) func(n int) []byte {
	var made [6400][]byte
	for n := range made {
		made[n] = request(n)
	}
	return func(n int) []byte { return made[n%len(made)] }
}

// startFloor serves the least that a JSON API can be.
func startFloor(b *testing.B) (addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"hello":"world"}`)
	})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	b.Cleanup(func() {
		server.Shutdown(context.Background())
		<-served
	})
	return l.Addr().String()
}
