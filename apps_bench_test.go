package fazt_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// BenchmarkApps prints what many apps cost: the time from opening a data file to
// the first answer of a handler and the heap after it, a deploy among ten and
// among ten thousand, and the heap after each of 2,000 apps has been visited.
//
//	go test -run '^$' -bench Apps -benchtime 1x .
func BenchmarkApps(b *testing.B) {
	few, many := dataFileWith(b, 10), dataFileWith(b, 10_000)
	b.Run("start/10", func(b *testing.B) { benchmarkStart(b, few) })
	b.Run("start/10000", func(b *testing.B) { benchmarkStart(b, many) })
	b.Run("deploy", func(b *testing.B) {
		// In turns, since the machine's pace changes.
		small, large := openServer(b, few), openServer(b, many)
		var among10, among10k time.Duration
		n := 0
		for b.Loop() {
			for range 200 {
				among10 += timed(func() { redeploy(b, small, n) })
				among10k += timed(func() { redeploy(b, large, n) })
				n++
			}
		}
		b.ReportMetric(float64(among10.Microseconds())/float64(n), "µs/among-10")
		b.ReportMetric(float64(among10k.Microseconds())/float64(n), "µs/among-10000")
		b.ReportMetric(float64(among10k)/float64(among10), "ratio")
	})
	for _, engine := range []string{"otto", "goja"} {
		b.Run("visit-2000/"+engine, func(b *testing.B) {
			for b.Loop() {
				before := heap()
				srv := openServer(b, many)
				for i := range 2000 {
					visit(b, srv, fmt.Sprintf("%s-%05d", engine, i))
				}
				b.ReportMetric(float64(heap()-before)/(1<<20), "heap-MiB")
				goruntime.KeepAlive(srv)
			}
		})
	}
}

func benchmarkStart(b *testing.B, dataFile string) {
	for b.Loop() {
		before := heap()
		var srv *fazt.Server
		took := timed(func() {
			srv = openServer(b, dataFile)
			visit(b, srv, "otto-00003")
		})
		b.ReportMetric(float64(took.Microseconds())/1000, "ms/first-answer")
		b.ReportMetric(float64(heap()-before)/(1<<20), "heap-MiB")
		goruntime.KeepAlive(srv)
	}
}

func timed(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

// heap is what is in use after a collection, in bytes.
func heap() int64 {
	goruntime.GC()
	goruntime.GC() // pools are emptied by the second
	var m goruntime.MemStats
	goruntime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// dataFileWith makes a data file with n apps for each engine.
func dataFileWith(b *testing.B, n int) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "data.db")
	store, err := sqlite.Open(b.Context(), path, sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	page := putContent(b, store, "index.html", "<!doctype html><title>An app</title>")
	sources := map[string]storage.File{
		"otto": putContent(b, store, "api/main.js", "function handler(request) { return {hello: request.path}; }"),
		"goja": putContent(b, store, "api/main.js", "const handler = (request) => ({hello: request.path});"),
	}
	for engine, source := range sources {
		for i := range n / 2 {
			d := storage.NewDeployment{
				Name: fmt.Sprintf("%s-%05d", engine, i), Manifest: json.RawMessage("{}"), Engine: engine, Files: []storage.File{source, page},
			}
			if _, err := store.Publish(b.Context(), d, 10); err != nil {
				b.Fatal(err)
			}
		}
	}
	return path
}

func putContent(b *testing.B, store storage.Store, path, text string) storage.File {
	b.Helper()
	sum := sha256.Sum256([]byte(text))
	f := storage.File{Path: path, Hash: hex.EncodeToString(sum[:]), Size: int64(len(text))}
	if err := store.PutContent(b.Context(), storage.Content{Hash: f.Hash, Data: strings.NewReader(text)}); err != nil {
		b.Fatal(err)
	}
	return f
}

func openServer(b *testing.B, dataFile string) *fazt.Server {
	b.Helper()
	srv, err := fazt.New(context.Background(), fazt.Options{DataFile: dataFile, LoadedApps: 2000})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := srv.Close(); err != nil {
			b.Error(err)
		}
	})
	return srv
}

func visit(b *testing.B, srv *fazt.Server, name string) {
	b.Helper()
	w := httptest.NewRecorder()
	srv.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://"+name+".localhost/api/x", nil))
	if w.Code != http.StatusOK || w.Body.String() != `{"hello":"/api/x"}` {
		b.Fatalf("%s: %d %s", name, w.Code, w.Body)
	}
}

// redeploy deploys the next version of an app and has it answer.
func redeploy(b *testing.B, srv *fazt.Server, n int) {
	b.Helper()
	app := files("index.html", "x", "api/main.js", fmt.Sprintf("var n = %d; function handler(request) { return {hello: request.path}; }", n))
	if _, err := srv.Deploy(b.Context(), "otto-00001", app); err != nil {
		b.Fatal(err)
	}
	visit(b, srv, "otto-00001")
}
