package harnesstest

import (
	"bufio"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/harnesstest/load"
	"github.com/fazt-sh/fazt/harnesstest/report"
)

// filesLeft is how many more open files than before a server may have after a load,
// for what it keeps ready since. A connection that is not given back is one, and there
// were a hundred.
const filesLeft = 20

// baselineResources measures what the server's process holds, idle and under the mixed
// load of 100 connections, as its own GET /metrics has it. Afterwards, the files of the
// connections must be closed. A target that can spawn a server shows that one, whose
// process has nothing else in it.
func baselineResources(p *Probe) {
	target, whose := p.Target, "the server's process"
	if Need[Spawner]().lacks(target) == "" {
		target = target.(Spawner).Spawn(p)
	} else if s, ok := target.(*Server); ok && s.Fazt != nil {
		whose = "the process of the server, the test and the load generator"
	}
	g := gauge{p: p, target: target, visitor: Visit(p, target), key: target.(Keyer).Key(p, "read")}
	app := deployBaseline(p, target)
	mixed := load.Load{Dial: target.Dial, Connections: 100, Duration: 4 * p.pace().closed, Request: mixedRequests(hostOf(app.URL))}
	const what = "mixed load of 100 connections"
	mustLoad(p, what, mixed) // after this, the server has all that it keeps
	idle := g.read()
	mixed.Duration *= 4
	busy := g.highest(what, mixed)
	p.Record(idle.named(whose + ", idle"))
	p.Record(busy.named(whose + ", under the mixed load of 100 connections"))
	g.settled(idle.Files + filesLeft)
}

// mixedRequests are four reads and a write.
func mixedRequests(host string) func(n int) []byte {
	return func(n int) []byte {
		if isWrite(n) {
			return load.Get(host, writePath("resources", n))
		}
		return load.Get(host, "/api/read")
	}
}

// gauge reads what a server's process holds.
type gauge struct {
	p       *Probe
	target  Target
	visitor *Visitor
	key     string
}

type gauged report.Resource

func (x gauged) named(name string) report.Resource {
	x.Name = name
	return report.Resource(x)
}

// read asks the server.
func (g gauge) read() (x gauged) {
	g.p.Helper()
	req := g.visitor.Request(http.MethodGet, "/metrics", nil)
	req.Header.Set("Authorization", "Bearer "+g.key)
	res := g.visitor.Send(req)
	if res.Status != http.StatusOK {
		g.p.Fatalf("GET /metrics with a key of scope read: %v", res)
	}
	found := 0
	for lines := bufio.NewScanner(strings.NewReader(res.Body)); lines.Scan(); {
		name, text, _ := strings.Cut(lines.Text(), " ")
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			continue
		}
		found++
		switch name {
		case "process_resident_memory_bytes":
			x.Resident = int64(value)
		case "go_goroutines":
			x.Goroutines = int(value)
		case "process_open_fds":
			x.Files = int(value)
		default:
			found--
		}
	}
	if found == 0 {
		g.p.Fatalf("GET /metrics tells nothing of the server's process: %s", clip(res.Body))
	}
	return x
}

// highest keeps the most of each while a load runs.
func (g gauge) highest(what string, l load.Load) (most gauged) {
	type outcome struct {
		result *load.Result
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		result, err := l.Run(g.p.Context())
		done <- outcome{result, err}
	}()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		x := g.read()
		most.Resident, most.Goroutines, most.Files = max(most.Resident, x.Resident), max(most.Goroutines, x.Goroutines), max(most.Files, x.Files)
		select {
		case o := <-done:
			judged(g.p, what, o.result, o.err)
			return most
		case <-tick.C:
		}
	}
}

// settled waits until no more than so many files are open.
func (g gauge) settled(most int) {
	end := time.Now().Add(g.p.patience())
	for {
		x := g.read()
		if x.Files <= most {
			return
		}
		if time.Now().After(end) {
			g.p.Errorf("the connections were closed %v ago, and the server has %d files open, %d more than before them",
				g.p.patience(), x.Files, x.Files-most+filesLeft)
			return
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-g.p.Context().Done():
			return
		}
	}
}
