package harnesstest_test

import (
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fazt-sh/fazt/harnesstest"
)

// counter is an app that counts what it has acknowledged.
var counter = fstest.MapFS{"api/main.js": {Data: []byte(`({n: fazt.storage.kv.incr('n', request.method === 'POST' ? 1 : 0)})`)}}

// A spawned server keeps its data and its address over kill -9, and refuses writes
// while its disk is full.
func TestSpawn(t *testing.T) {
	t.Parallel()
	p := harnesstest.Start(t).Spawn(t)
	base := p.Base()
	const name = "counter"
	d := p.(harnesstest.Deployer)
	if err := d.DeployApp(t.Context(), name, counter); err != nil {
		t.Fatal(err)
	}
	ask := func(method string, want string) {
		t.Helper()
		v := harnesstest.Visit(t, p)
		v.URL = d.AppURL(name)
		if res := v.Do(method, "/api", nil).Expect(http.StatusOK); res.Body != want {
			t.Errorf("%s: %v, want %s", method, res, want)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ask("POST", `{"n":1}`)
	must(p.Kill())
	if conn, err := p.Dial(t.Context()); err == nil {
		conn.Close()
		t.Error("a killed server takes connections")
	}
	must(p.Restart())
	ask("POST", `{"n":2}`)
	must(p.Restart()) // also one that runs
	ask("POST", `{"n":3}`)
	if p.Base() != base {
		t.Errorf("it was at %s, and is at %s", base, p.Base())
	}
	must(p.FillDisk())
	v := harnesstest.Visit(t, p)
	v.URL = d.AppURL(name)
	if res := v.Do("POST", "/api", nil); res.Status < 500 {
		t.Errorf("with a full disk: %v", res)
	}
	must(p.FreeDisk())
	ask("POST", `{"n":4}`)
	ada := harnesstest.User{Email: "ada@example.com", Role: "owner"}
	harnesstest.Visit(t, p).As(ada).Get("/api/apps").Expect(http.StatusOK)
	p.(harnesstest.Keyer).Key(t, "read")
	must(d.RemoveApp(t.Context(), name))
	if lacks := p.(harnesstest.Lacker).Lacks("Spawner"); lacks == "" {
		t.Error("a spawned server would spawn another")
	}
}

// Without Main a server can't be spawned, and says what is missing.
func TestSpawnWithoutMain(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "test", "-v", "./testdata/nomain").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "lacks: the test's package has no func TestMain") {
		t.Errorf("%v\n%s", err, out)
	}
}
