package clustertest_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/fazt-sh/fazt/storage/postgres/pgtest"
)

const deploys = 100

// numbered is an app whose every part says which version it is of. The script's name
// has a hash of its content, as builds make it.
func numbered(n int) fstest.MapFS {
	script := fmt.Sprintf("script %d", n)
	hash := sha256.Sum256([]byte(script))
	asset := fmt.Sprintf("_astro/app.%x.js", hash[:10])
	return files("index.html", fmt.Sprintf("%d %s", n, asset), asset, script,
		"api/main.js", fmt.Sprintf("'%d ' + require('./lib.js')", n), "api/lib.js", fmt.Sprintf("module.exports = '%d'", n))
}

// progress is how far a test has deployed.
type progress struct {
	mu    sync.Mutex
	begun int
	done  []time.Time // when each was acknowledged, by number; the first is 0, there from the start
}

func (p *progress) begin(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begun = n
}

func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = append(p.done, time.Now())
}

// check says what is wrong with an answer of version n to a request that was sent at a
// time.
func (p *progress) check(n int, sent time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n > p.begun {
		return fmt.Errorf("version %d, and %d is the newest", n, p.begun)
	}
	if next := n + 1; next < len(p.done) && sent.Sub(p.done[next]) > within {
		return fmt.Errorf("version %d, %v after %d was deployed", n, sent.Sub(p.done[next]), next)
	}
	return nil
}

// TestDeploys deploys through one server after the other, while visitors go through all
// of them, each request to the next.
func TestDeploys(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	b := &balancer{servers: startServers(t, url, 3)}
	key := newKey(t, url)
	p := &progress{}
	deploy := func(n int) {
		t.Helper()
		p.begin(n)
		at := only(t, b.servers[n%len(b.servers)], nil)
		if _, err := manager(at, key).Deploy(t.Context(), "notes", numbered(n)); err != nil {
			t.Fatal(err)
		}
		p.end()
		// The server that has deployed it answers by it from then on.
		if a := mustGet(t, at, appURL+"/"); !strings.HasPrefix(a.body, strconv.Itoa(n)+" ") {
			t.Errorf("deploy %d is answered by its own server with %v", n, a)
		}
	}
	deploy(0)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var visits sync.WaitGroup
	var mu sync.Mutex
	rounds := 0
	for range 3 {
		c := b.client(t)
		visits.Go(func() {
			for ctx.Err() == nil {
				if err := visit(c, p); err != nil {
					t.Error(err)
				}
				mu.Lock()
				rounds++
				mu.Unlock()
			}
		})
	}
	for n := 1; n <= deploys; n++ {
		deploy(n)
	}
	cancel()
	visits.Wait()
	t.Logf("%d deploys, %d visits of three requests", deploys, rounds)
	if rounds < 10 {
		t.Errorf("only %d visits", rounds)
	}
}

// visit opens the page, then the script that it names, and asks the handler.
func visit(c *http.Client, p *progress) error {
	sent := time.Now()
	page, err := get(c, appURL+"/")
	if err != nil {
		return err
	}
	number, asset, _ := strings.Cut(page.body, " ")
	n, err := strconv.Atoi(number)
	if err != nil || page.status != http.StatusOK {
		return fmt.Errorf("the page is %v", page)
	}
	if err := p.check(n, sent); err != nil {
		return fmt.Errorf("the page is of %w", err)
	}
	if script, err := get(c, appURL+"/"+asset); err != nil || script.status != http.StatusOK || script.body != "script "+number {
		return fmt.Errorf("the script of version %d is %v, %v", n, script, err)
	}
	sent = time.Now()
	handled, err := get(c, appURL+"/api")
	if err != nil {
		return err
	}
	main, lib, _ := strings.Cut(handled.body, " ")
	n, err = strconv.Atoi(main)
	if err != nil || handled.status != http.StatusOK || main != lib {
		return fmt.Errorf("the handler answers %v", handled)
	}
	if err := p.check(n, sent); err != nil {
		return fmt.Errorf("the handler is of %w", err)
	}
	return nil
}
