package fazt_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/fazt-sh/fazt/harnesstest/load"
)

// BenchmarkStatic compares files with the floor, and one of 1 MB with
// http.ServeContent from memory, in turns as BenchmarkHTTP does.
//
//	go test -run '^$' -bench 'Static$' -benchtime 1x .
func BenchmarkStatic(b *testing.B) {
	const rounds = 5
	large := noise(1 << 20)
	reserveHeap(b)
	srv := harnesstest.Start(b, quiet)
	app := srv.Deploy(fstest.MapFS{
		"index.html": {}, "1k.bin": {Data: large[:1<<10]}, "1m.bin": {Data: large},
		"style.css": {Data: bytes.Repeat([]byte("body { margin: 0 }\n"), 1000)},
	})
	addr, host := address(srv.URL), address(app.URL)
	etag := app.Get("/1k.bin").Header.Get("Etag")
	// A client that has the file.
	unchanged := fmt.Appendf(nil, "GET /1k.bin HTTP/1.1\r\nHost: %s\r\nIf-None-Match: %s\r\n\r\n", host, etag)
	type row struct {
		name  string
		load  load.Load
		floor int // the row that it is compared with
		rates []float64
	}
	rows := []row{
		{name: "floor", load: load.Load{Dial: load.TCP(startFloor(b)), Request: load.Same(load.Get("floor", "/"))}},
		{name: "static 1 KB", load: load.Load{Dial: load.TCP(addr), Request: load.Same(load.Get(host, "/1k.bin"))}},
		{name: "304", load: load.Load{Dial: load.TCP(addr), Request: load.Same(unchanged)}},
		{name: "18 KB of CSS, compressed", load: load.Load{Dial: load.TCP(addr), Request: load.Same(browserGet(host, "/style.css", "text/css,*/*;q=0.1"))}},
		{name: "ServeContent, 1 MB", load: load.Load{Dial: load.TCP(serveContent(b, large)), Request: load.Same(load.Get("floor", "/"))}, floor: 4},
		{name: "static 1 MB", load: load.Load{Dial: load.TCP(addr), Request: load.Same(load.Get(host, "/1m.bin"))}, floor: 4},
	}
	for b.Loop() {
		for range rounds {
			for i := range rows {
				rows[i].rates = append(rows[i].rates, mustLoad(b, rows[i].load).Rate())
			}
		}
	}
	for _, r := range rows {
		ratios := make([]float64, len(r.rates))
		for i := range ratios {
			ratios[i] = r.rates[i] / rows[r.floor].rates[i]
		}
		b.ReportMetric(median(ratios), strings.ReplaceAll(r.name, " ", "-")+"/"+strings.ReplaceAll(rows[r.floor].name, " ", "-"))
	}
}

func noise(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(r.IntN(256))
	}
	return data
}

// serveContent serves one file from memory.
func serveContent(b *testing.B, data []byte) (addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	modified := time.Now()
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		http.ServeContent(w, r, "", modified, bytes.NewReader(data))
	})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	b.Cleanup(func() {
		server.Shutdown(context.Background())
		<-served
	})
	return l.Addr().String()
}

// BenchmarkStaticMemory reads 448 files of 1 MiB that are all different, each time, with
// 16 MiB kept in memory, and reports the memory of the process, the client's included,
// before and at its peak: 10 GB are 22 times.
//
//	go test -run '^$' -bench StaticMemory -benchtime 22x .
func BenchmarkStaticMemory(b *testing.B) {
	const count, size = 448, 1 << 20
	srv := harnesstest.Start(b, quiet, func(o *fazt.Options) { o.FileMemory = 16 << 20 })
	dir := b.TempDir()
	data := noise(size)
	for i := range count {
		copy(data, fmt.Sprint(i))
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i, ".bin")), data, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := srv.Fazt.Deploy(b.Context(), "files", os.DirFS(dir)); err != nil {
		b.Fatal(err)
	}
	app := srv.Visit("files")
	client := srv.Client()
	debug.FreeOSMemory()
	peak, stop := watchRSS(os.Getpid())
	before := rss(os.Getpid())
	for b.Loop() {
		for i := range count {
			res, err := client.Do(app.Request(http.MethodGet, fmt.Sprint("/", i, ".bin"), nil))
			if err != nil {
				b.Fatal(err)
			}
			n, err := io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if n != size || err != nil {
				b.Fatalf("file %d: %d bytes, %v", i, n, err)
			}
		}
	}
	stop()
	b.ReportMetric(float64(before>>20), "MiB-before")
	b.ReportMetric(float64(*peak>>20), "MiB-peak")
}

// distinct is an app of so many files, of size bytes each, that don't compress.
func distinct(files, size int) fstest.MapFS {
	app := fstest.MapFS{"index.html": {}}
	data := noise(size)
	for i := range files {
		own := bytes.Clone(data)
		copy(own, fmt.Sprint(i))
		app[fmt.Sprint(i, ".bin")] = &fstest.MapFile{Data: own}
	}
	return app
}

func readAllOf(tb testing.TB, app *harnesstest.App, files int) {
	for i := range files {
		if res := app.Get(fmt.Sprint("/", i, ".bin")); res.Status != http.StatusOK || !strings.HasPrefix(res.Body, fmt.Sprint(i)) {
			tb.Fatalf("file %d: %d", i, res.Status)
		}
	}
}

// TestFileMemory reads more than is kept in memory, and each file is right.
func TestFileMemory(t *testing.T) {
	const limit = 1 << 20
	srv := harnesstest.Start(t, func(o *fazt.Options) { o.FileMemory = limit })
	app := srv.Deploy(distinct(40, 100_000))
	for range 2 {
		readAllOf(t, app, 40)
		var stats struct {
			Data struct{ Cache api.CacheStats }
		}
		if err := json.Unmarshal([]byte(manage(t, srv, "/api/system/stats")), &stats); err != nil {
			t.Fatal(err)
		}
		if c := stats.Data.Cache; c.Limit != limit || c.Bytes > limit || c.Bytes < limit-200_000 {
			t.Errorf("%+v", c)
		}
	}
}
