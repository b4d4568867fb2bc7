package harnesstest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/harnesstest/load"
)

// Neighbours runs the suite of what one app can do to another through each of the
// [Resources]: while apps and their visitors take what they can get, a neighbour's visitors
// have every request answered in the end, rightly, with no run of theirs stopped and no
// write left uncertain; and the same beside two attacks at once. How much less they get
// than alone is no reason to fail, but is in the results, as a [report.Beside] for each
// attack. A short run has one attack a resource.
func Neighbours(t *testing.T, target Target, opts ...Option) {
	t.Helper()
	NeighboursSuite().Run(t, target, opts...)
}

// NeighboursSuite is the table of [Neighbours].
func NeighboursSuite() Suite {
	s := Suite{Name: "Neighbours"}
	for _, resource := range Resources() {
		s.Checks = append(s.Checks, Check{
			Name: resource, Needs: []Capability{Need[Deployer](), Need[Keyer]()},
			Run: func(p *Probe) { besideAttacks(p, resource) },
		})
	}
	s.Checks = append(s.Checks, Check{Name: "two at once", Needs: []Capability{Need[Deployer](), Need[Keyer]()}, Run: besideTwo})
	return s
}

// besideAttacks measures and judges a neighbour beside the attacks on a resource.
func besideAttacks(p *Probe, resource string) {
	b := newBesides(p)
	neighbour := p.Deploy(neighbourApp).URL
	alone := askNeighbour(p, neighbour, b.each)
	for _, k := range b.attacks {
		if k.Resource != resource {
			continue
		}
		stop := k.begin(p, b.prepare(k), p.Target)
		beside := b.judged(neighbour, k.Name)
		stop()
		p.Record(compare(k, alone, beside, nil))
		if p.Failed() {
			return
		}
	}
}

// besideTwo measures and judges neighbours that begin in the middle of two attacks, each of
// which is in one pair or two.
func besideTwo(p *Probe) {
	b := newBesides(p)
	alone := askNeighbour(p, p.Deploy(neighbourApp).URL, b.each)
	apart := len(b.attacks) / 2 // so that most are attacks on different resources
	for i := range (len(b.attacks) + 1) / 2 {
		first, second := b.attacks[i], b.attacks[(i+apart)%len(b.attacks)]
		both := Attack{Name: first.Name + "; " + second.Name, Resource: first.Resource + ", " + second.Resource}
		stopFirst := first.begin(p, b.prepare(first), p.Target)
		stopSecond := second.begin(p, b.prepare(second), p.Target)
		beside := b.judged(p.Deploy(neighbourApp).URL, both.Name)
		stopSecond()
		stopFirst()
		p.Record(compare(both, alone, beside, nil))
		if p.Failed() {
			return
		}
	}
}

// besides is what the checks of suite Neighbours have in common.
type besides struct {
	p         *Probe
	each      time.Duration // for each thing that a neighbour is asked for
	attacks   []Attack
	documents map[int][]*attacker // those of apps with documents, which take long to make
}

func newBesides(p *Probe) *besides {
	b := &besides{p: p, each: 300 * time.Millisecond, attacks: Attacks(), documents: make(map[int][]*attacker)}
	if p.brief {
		b.each = 100 * time.Millisecond
		b.attacks = slices.DeleteFunc(b.attacks, func(k Attack) bool { return !k.short })
	}
	return b
}

// prepare deploys an attack's apps.
func (b *besides) prepare(k Attack) []*attacker {
	b.p.Helper()
	if k.documents == 0 {
		return k.prepare(b.p, b.p.Target)
	}
	if b.documents[k.documents] == nil {
		b.documents[k.documents] = k.prepare(b.p, b.p.Target)
	}
	var copies []*attacker // as two attacks may be made on one app at once
	for _, a := range b.documents[k.documents] {
		copies = append(copies, &attacker{host: a.host, from: a.from, token: a.token})
	}
	return copies
}

// judged measures a neighbour, and judges what its visitors are answered meanwhile.
func (b *besides) judged(neighbour, attack string) []*load.Result {
	b.p.Helper()
	judged, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(judged)
		judge{p: b.p, attack: attack, url: neighbour, done: done}.visit()
	}()
	beside := askNeighbour(b.p, neighbour, b.each)
	close(done)
	<-judged
	return beside
}

// judge is a visitor of the neighbour who takes no for an answer, but nothing wrong.
type judge struct {
	p           *Probe
	attack, url string
	done        <-chan struct{} // enough has been seen
}

// visit asks for each thing once, and again until done.
func (j judge) visit() {
	v := newStranger(j.p)
	for n := 1; ; n++ {
		ok := j.answered(v, fmt.Sprintf("/api?do=set&k=%d", n), "ok") &&
			j.answered(v, fmt.Sprintf("/api?do=get&k=%d", n), fmt.Sprintf(`{"n":"%d"}`, n)) &&
			j.answered(v, "/api?do=hello", `{"hello":"world"}`) &&
			j.answered(v, "/1k.bin", string(neighbourApp["1k.bin"].Data))
		if !ok {
			return
		}
		select {
		case <-j.done:
			return
		default:
		}
	}
}

// answered asks until there is an answer that is not "later", and reports it if it is
// wrong.
func (j judge) answered(v *stranger, path, want string) bool {
	last := ""
	pause := time.NewTicker(50 * time.Millisecond)
	defer pause.Stop()
	for end := time.Now().Add(j.p.patience()); time.Now().Before(end); <-pause.C {
		res, err := v.try(v.request(http.MethodGet, j.url+path, ""))
		if err != nil { // the connection was closed, or never opened
			last = err.Error()
			continue
		}
		last = res.String()
		code := errorCode(res)
		switch {
		case res.Status == http.StatusOK && res.Body == want:
			return true
		case res.Status == http.StatusOK:
			j.p.Errorf("beside %s, %s is answered %s, want %s", j.attack, path, clip(res.Body), clip(want))
			return false
		case code == "UNCERTAIN":
			j.p.Errorf("beside %s, whether %s has been done is uncertain: %s", j.attack, path, clip(last))
			return false
		case code == "BUDGET_WALL": // it has waited for too long, as under OVERLOADED
		case strings.HasPrefix(code, "BUDGET_"):
			j.p.Errorf("beside %s, the run of %s was stopped, which alone it never is: %s", j.attack, path, clip(last))
			return false
		case res.Status != http.StatusServiceUnavailable && res.Status != http.StatusTooManyRequests:
			j.p.Errorf("beside %s, %s is answered %s", j.attack, path, clip(last))
			return false
		}
	}
	j.p.Errorf("beside %s, %s had no answer for %v; the last one: %s", j.attack, path, j.p.patience(), clip(last))
	return false
}

// errorCode is the code of an error in the envelope of fazt's API, or "".
func errorCode(res *Response) string {
	var answer struct {
		Error struct{ Code string }
	}
	if json.Unmarshal([]byte(res.Body), &answer) != nil {
		return ""
	}
	return answer.Error.Code
}

// neighbourAddr is where the visitors of the neighbour come from that are measured.
var neighbourAddr = netip.AddrFrom4([4]byte{127, 0, 0, 9})
