package frontdoor_test

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/frontdoor"
	"github.com/fazt-sh/fazt/harnesstest"
)

// BenchmarkDoor serves a small answer bare, and behind the whole door. Its figure
// is the median ratio of pairs of runs.
//
//	go test -run '^$' -bench Door -benchtime 1x ./frontdoor
func BenchmarkDoor(b *testing.B) {
	reserve := make([]byte, 32<<20) // the garbage collector runs as rarely as in fazt serve
	defer runtime.KeepAlive(reserve)
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"hello":"world"}`)
	})
	addrs := []string{serveBare(b, handler), serveDoor(b, handler)}
	request := harnesstest.Get("floor", "/")
	for b.Loop() {
		var ratios []float64
		for range 9 {
			var rates [2]float64
			for i, addr := range addrs {
				result, err := harnesstest.Load{Addr: addr, Request: func(int, int) []byte { return request }}.Run(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				rates[i] = result.Rate
			}
			ratios = append(ratios, rates[1]/rates[0])
		}
		slices.Sort(ratios)
		b.ReportMetric(ratios[len(ratios)/2], "door/bare")
	}
}

func serveBare(b *testing.B, h http.Handler) (addr string) {
	l := listen(b)
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 40 * time.Second, IdleTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	b.Cleanup(func() {
		server.Shutdown(context.Background())
		<-served
	})
	return l.Addr().String()
}

func serveDoor(b *testing.B, h http.Handler) (addr string) {
	l := listen(b)
	serve(b, frontdoor.Options{RateLimit: 1 << 30}, l, h)
	return l.Addr().String()
}
