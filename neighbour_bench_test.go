package fazt_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"text/tabwriter"
	"time"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/fazt-sh/fazt/harnesstest/load"
)

// BenchmarkNeighbour prints what one app's visitors get while another app, or its
// visitors, make the server do what they like: of each thing that they ask for,
// the ratio of what they have alone, and of what they have beside the same
// traffic sent to a bare net/http server in the same process.
//
//	go test -run '^$' -bench Neighbour -benchtime 1x .
func BenchmarkNeighbour(b *testing.B) {
	for b.Loop() {
		table := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
		fmt.Fprintln(table, "what the others do\thandler\tget\tset\tstatic\tset p99\tnot 200\tRSS MiB\t(of alone, of beside a sink)")
		for _, attack := range attacks() {
			b.Run(attack.name, func(b *testing.B) { attack.measure(b, table) })
		}
		table.Flush()
	}
}

// attack is what others do beside the neighbour that is measured.
type attack struct {
	name string
	apps int // how many attack; default: 1
	app  fstest.MapFS
	seed string // a request that is sent often enough before, if any
	n    int    // how often

	// run attacks an app until ctx ends. host is the app's, and i its number.
	run func(ctx context.Context, a attacker, i int)
}

// attacker sends requests that nobody measures.
type attacker struct {
	addr, host string
	from       string // local address
	token      string // an API key that may deploy
}

// flood sends the requests that make makes over some connections, one after
// another on each, and opens another when one is closed.
func (a attacker) flood(ctx context.Context, connections int, request func(n int) []byte) {
	var loops sync.WaitGroup
	for range connections {
		loops.Go(func() {
			for n := 0; ctx.Err() == nil; {
				a.converse(ctx, &n, request)
			}
		})
	}
	loops.Wait()
}

// converse is what one connection of a flood carries.
func (a attacker) converse(ctx context.Context, n *int, request func(n int) []byte) {
	conn, err := a.dial(ctx)
	if err != nil {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
		}
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	answers := bufio.NewReaderSize(conn, 64<<10)
	for ctx.Err() == nil {
		*n++
		if _, err := conn.Write(request(*n)); err != nil {
			return
		}
		res, err := http.ReadResponse(answers, nil)
		if err != nil {
			return
		}
		_, err = io.Copy(io.Discard, res.Body)
		if err != nil || res.Close {
			return
		}
	}
}

func (a attacker) dial(ctx context.Context) (net.Conn, error) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(a.from)}}
	return dialer.DialContext(ctx, "tcp", a.addr)
}

func (a attacker) get(path string) []byte        { return load.Get(a.host, path) }
func (a attacker) post(path, body string) []byte { return load.Post(a.host, path, body) }

// neighbour is the app that is measured.
var neighbour = fstest.MapFS{
	"1k.bin": {Data: make([]byte, 1024)},
	"api/main.js": {Data: []byte(`
function handler(request) {
	switch (request.query.do) {
	case 'get': return fazt.storage.kv.get('a') || null;
	case 'set': fazt.storage.kv.set('a' + request.query.k, {n: 1}); return 'ok';
	}
	return {hello: 'world'};
}`)},
}

// requests are what the neighbour's visitors ask for.
var neighbourAsks = []string{"/api?do=hello", "/api?do=get", "/api?do=set&k=1", "/1k.bin"}

type asked struct {
	rate   float64
	p99    time.Duration
	failed int64
}

// ask measures each thing that the neighbour's visitors ask for.
func ask(b *testing.B, addr, host string) (got [4]asked) {
	for i, path := range neighbourAsks {
		result, err := load.Load{
			Dial: load.TCP(addr, "127.0.0.9"), Connections: 8, Duration: 1500 * time.Millisecond, Request: load.Same(load.Get(host, path)),
		}.Run(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		got[i] = asked{result.Rate(), result.OK.At(99), result.Requests() - result.OK.Count()}
	}
	return got
}

func (k attack) measure(b *testing.B, table io.Writer) {
	slots := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(slots + 1)) // as fazt serve does
	srv := harnesstest.Start(b, quiet, func(o *fazt.Options) { o.Slots = slots })
	victim := srv.Deploy(neighbour)
	token, err := srv.Fazt.CreateKey(b.Context(), "attacker", "deploy")
	if err != nil {
		b.Fatal(err)
	}
	var attackers []attacker
	for i := range max(1, k.apps) {
		app := srv.Deploy(k.app)
		a := attacker{addr: address(srv.URL), host: address(app.URL), from: fmt.Sprintf("127.0.1.%d", i+1), token: token}
		for n := range k.n {
			if res := app.Get(fmt.Sprintf("%s&n=%d", k.seed, n)); res.Status != http.StatusOK {
				b.Fatal(res)
			}
		}
		attackers = append(attackers, a)
	}
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "ok")
	}))
	defer sink.Close()

	beside := func(addr string) [4]asked {
		ctx, stop := context.WithCancel(b.Context())
		var running sync.WaitGroup
		for i, a := range attackers {
			a.addr = addr
			running.Go(func() { k.run(ctx, a, i) })
		}
		time.Sleep(time.Second) // until it is under way
		got := ask(b, address(srv.URL), address(victim.URL))
		stop()
		running.Wait()
		return got
	}
	alone := ask(b, address(srv.URL), address(victim.URL))
	besideSink := beside(address(sink.URL))
	debug.FreeOSMemory()
	peak, stop := watchRSS()
	got := beside(address(srv.URL))
	stop()

	cells := []string{k.name}
	failed := int64(0)
	for i := range got {
		ofAlone, ofSink := got[i].rate/alone[i].rate, got[i].rate/besideSink[i].rate
		cells = append(cells, fmt.Sprintf("%.2f %.2f", ofAlone, ofSink))
		b.ReportMetric(ofSink, []string{"handler", "get", "set", "static"}[i]+"/sink")
		failed += got[i].failed
	}
	cells = append(cells, got[2].p99.Round(time.Millisecond).String(), strconv.FormatInt(failed, 10), strconv.FormatInt(*peak>>20, 10))
	fmt.Fprintln(table, strings.Join(cells, "\t"))
	b.ReportMetric(float64(got[2].p99.Milliseconds()), "set-p99-ms")
	b.ReportMetric(float64(failed), "not-200")
	b.ReportMetric(float64(*peak>>20), "RSS-MiB")
}

// watchRSS finds the most memory that the process holds until stop is called.
func watchRSS() (peak *int64, stop func()) {
	peak = new(int64)
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			*peak = max(*peak, rss())
			select {
			case <-tick.C:
			case <-done:
				return
			}
		}
	}()
	return peak, func() { close(done); <-stopped }
}

// rss is the process's resident memory, in bytes.
func rss() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0 // not on Linux
	}
	pages, _ := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}
