package clustertest_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/storage/postgres/pgtest"
)

// patience is how long something may take that has to happen. Nothing is judged by it
// but that it never does.
const patience = 2 * time.Minute

// resumes is how long after the database's return service may stay away.
const resumes = 2*time.Second + busy

// until asks until something is so.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !so(); {
		if time.Now().After(deadline) {
			t.Fatalf("after %v there is still not: %s", patience, what)
		}
		time.Sleep(5 * time.Millisecond) // there is nothing to wait on
	}
}

// TestDatabaseAway takes the database away from three servers that are being written
// through, and brings it back.
func TestDatabaseAway(t *testing.T) {
	for _, tt := range []struct {
		name       string
		take, back func(*pgtest.Cluster, testing.TB)
	}{
		{"killed", (*pgtest.Cluster).Kill, (*pgtest.Cluster).Start},
		{"stopped", (*pgtest.Cluster).Stop, (*pgtest.Cluster).Start},
		{"paused", (*pgtest.Cluster).Pause, (*pgtest.Cluster).Resume},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := pgtest.Start(t)
			away(t, c, func() { tt.take(c, t) }, func() { tt.back(c, t) })
		})
	}
}

func away(t *testing.T, c *pgtest.Cluster, take, back func()) {
	url := c.Database(t)
	b := &balancer{servers: startServers(t, url, 3)}
	_, err := manager(b.client(t), newKey(t, url)).Deploy(t.Context(), "notes",
		files("index.html", "the page", "api/main.js", strings.Replace(keysApp, "switch (q.op) {", "switch (q.op) {\n\tcase 'none': return 'nothing kept';", 1),
			"private/plan.txt", "the plan"))
	if err != nil {
		t.Fatal(err)
	}
	visitor := b.client(t)
	signIn(t, visitor)
	for _, s := range b.servers { // what is cached is what was asked for
		at := only(t, s, visitor.Jar)
		for _, path := range []string{"/", "/api?op=none"} {
			if a := mustGet(t, at, appURL+path); a.status != http.StatusOK {
				t.Fatal(a)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w := &writers{}
	wait := w.start(ctx, t, b, "key", 6)
	w.until(t, 100)
	take()
	taken := time.Now()
	for _, s := range b.servers {
		at := only(t, s, nil)
		until(t, "a health that is degraded", func() bool { return strings.Contains(mustGet(t, at, managementURL+"/api/health").body, `"degraded"`) })
	}
	t.Logf("all know it %v after", time.Since(taken).Round(time.Millisecond))
	for _, s := range b.servers {
		checkAway(t, only(t, s, jarOf(t, visitor.Jar)))
	}
	back()
	returned := time.Now()
	for _, s := range b.servers {
		at := only(t, s, nil)
		for {
			asked := time.Now()
			a := mustGet(t, at, appURL+"/api?op=set&key=after&value=1")
			if a.status == http.StatusOK {
				t.Logf("service resumed %v after", time.Since(returned).Round(time.Millisecond))
				break
			}
			if asked.Sub(returned) > resumes {
				t.Fatalf("a write that was sent %v after the database's return: %v", asked.Sub(returned), a)
			}
		}
		for _, path := range []string{"/api/health", "/api/me"} {
			if a := mustGet(t, only(t, s, visitor.Jar), managementURL+path); a.status != http.StatusOK || strings.Contains(a.body, "degraded") {
				t.Errorf("%s after the return: %v", path, a)
			}
		}
	}
	w.until(t, 100)
	cancel()
	wait()
	t.Logf("%d writes acknowledged; others by status %v", len(w.keys), w.statuses)
	if lost := w.lost(t, b.client(t)); len(lost) > 0 {
		t.Errorf("%d acknowledged writes are lost: %s ...", len(lost), lost[0])
	}
}

// checkAway asks a server whose database is away for all sorts of things.
func checkAway(t *testing.T, c *http.Client) {
	t.Helper()
	// What a server knows of a session it believes for a moment.
	until(t, "a session that is asked for again", func() bool {
		return mustGet(t, c, managementURL+"/auth/session").status == http.StatusServiceUnavailable
	})
	for _, tt := range []struct {
		url  string
		want int
	}{
		{appURL + "/", http.StatusOK},
		{appURL + "/api?op=none", http.StatusOK},
		{appURL + "/nowhere", http.StatusNotFound}, // the version at hand says so
		{appURL + "/api?op=get&key=a", http.StatusServiceUnavailable},
		{appURL + "/api?op=set&key=a&value=1", http.StatusServiceUnavailable},
		{appURL + "/private/plan.txt", http.StatusServiceUnavailable}, // who that is can't be known
		{"http://unheard-of.localhost:8080/", http.StatusServiceUnavailable},
		{managementURL + "/api/me", http.StatusServiceUnavailable},
		{managementURL + "/auth/session", http.StatusServiceUnavailable},
		{managementURL + "/api/apps", http.StatusServiceUnavailable},
		{managementURL + "/auth/login", http.StatusServiceUnavailable}, // who signs people in is in the database
		{managementURL + "/api/health", http.StatusOK},
	} {
		a := mustGet(t, c, tt.url)
		if strings.Contains(a.body, "127.0.0.1") {
			t.Errorf("%s tells where the database is: %v", tt.url, a)
		}
		if a.status != tt.want || a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") == "" || a.header["Set-Cookie"] != nil {
			t.Errorf("%s: %v, Retry-After %q, Set-Cookie %q; want %d", tt.url, a, a.header.Get("Retry-After"), a.header["Set-Cookie"], tt.want)
		}
	}
}
