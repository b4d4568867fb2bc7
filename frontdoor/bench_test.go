package frontdoor_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/frontdoor"
)

// BenchmarkDoor serves a small answer bare, and behind the whole door, to 64
// connections on loopback. Its figure is the median ratio of pairs of runs of a
// second.
//
//	go test -run '^$' -bench Door -benchtime 1x ./frontdoor
func BenchmarkDoor(b *testing.B) {
	reserve := make([]byte, 32<<20) // the garbage collector runs as rarely as in fazt serve
	defer runtime.KeepAlive(reserve)
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"hello":"world"}`)
	})
	bare, door := serveBare(b, handler), serveDoor(b, handler)
	for b.Loop() {
		var ratios []float64
		for range 9 {
			ratios = append(ratios, 1/rate(b, bare)*rate(b, door))
		}
		slices.Sort(ratios)
		b.ReportMetric(ratios[len(ratios)/2], "door/bare")
	}
}

// rate is how many requests are answered in a second.
func rate(b *testing.B, addr string) float64 {
	var answers atomic.Int64
	var clients sync.WaitGroup
	end := time.Now().Add(time.Second)
	for range 64 {
		clients.Go(func() {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				b.Error(err)
				return
			}
			defer c.Close()
			answer := bufio.NewReader(c)
			for time.Now().Before(end) {
				io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
				for { // the header, and the answer's only line after it
					line, err := answer.ReadSlice('\n')
					if err != nil {
						b.Error(err)
						return
					}
					if len(line) == 2 {
						break
					}
				}
				if _, err := answer.ReadSlice('}'); err != nil {
					b.Error(err)
					return
				}
				answers.Add(1)
			}
		})
	}
	clients.Wait()
	return float64(answers.Load())
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
