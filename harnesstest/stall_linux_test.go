package harnesstest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/fazt-sh/fazt/harnesstest"
)

// stallSource is a library that keeps a process from making anything durable while a
// file exists, as a disk that does not answer would.
const stallSource = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static void wait_for_disk(void) {
	const char *file = getenv("FAZT_STALLED");
	while (file && access(file, F_OK) == 0) usleep(1000);
}

int fsync(int fd) {
	wait_for_disk();
	return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}

int fdatasync(int fd) {
	wait_for_disk();
	return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}
`

// stallApp keeps one key for each n.
var stallApp = fstest.MapFS{"1k.bin": {Data: []byte("a file")}, "api/main.js": {Data: []byte(`
function handler(request) {
	var kv = fazt.storage.kv, key = 'k' + request.query.n;
	if (request.method === 'POST') {
		kv.set(key, 1);
		return 'ok';
	}
	return {set: kv.get(key) === 1};
}`)}}

// A disk that does not answer delays writes and nothing else. A write is acknowledged
// when it is on disk, one that may or may not be says so, and any other one that failed is
// not made; when the disk is back, so is everything.
func TestStalledDisk(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED with -short, which is for the race detector: it doesn't see the server, a process of its own")
	}
	dir := t.TempDir()
	source, library, stalled := filepath.Join(dir, "stall.c"), filepath.Join(dir, "stall.so"), filepath.Join(dir, "stalled")
	if err := os.WriteFile(source, []byte(stallSource), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cc", "-shared", "-fPIC", "-o", library, source, "-ldl").CombinedOutput(); err != nil {
		t.Fatalf("cc, which fazt is built with, too: %v: %s", err, out)
	}
	t.Setenv("LD_PRELOAD", library)
	t.Setenv("FAZT_STALLED", stalled)
	p := harnesstest.Start(t).Spawn(t)
	d := p.(harnesstest.Deployer)
	for _, app := range []string{"busy", "quiet"} {
		if err := d.DeployApp(t.Context(), app, stallApp); err != nil {
			t.Fatal(err)
		}
	}
	visit := func(app string) *harnesstest.Visitor {
		v := harnesstest.Visit(t, p)
		v.URL = d.AppURL(app)
		return v
	}
	set := func(app string, n int) *harnesstest.Response {
		return visit(app).Do(http.MethodPost, fmt.Sprint("/api?n=", n), nil)
	}
	isSet := func(app string, n int) bool {
		res := visit(app).Get(fmt.Sprint("/api?n=", n)).Expect(http.StatusOK)
		return res.Body == `{"set":true}`
	}
	set("busy", 0).Expect(http.StatusOK)

	if err := os.WriteFile(stalled, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const writers, writes = 16, 8
	var mu sync.Mutex
	var all sync.WaitGroup
	codes := make(map[int]string) // by n; "" is acknowledged
	refused := make(chan struct{})
	var once sync.Once
	for w := range writers {
		all.Go(func() {
			for i := range writes {
				n := 1 + w*writes + i
				res := set("busy", n)
				code := codeOf(t, res)
				mu.Lock()
				codes[n] = code
				mu.Unlock()
				if code != "" {
					once.Do(func() { close(refused) })
				}
			}
		})
	}
	<-refused // so the disk has stalled for as long as a write may wait
	if res := visit("quiet").Get("/1k.bin"); res.Status != http.StatusOK {
		t.Errorf("a file beside a stalled disk: %v", res)
	}
	if isSet("quiet", 0) || !isSet("busy", 0) {
		t.Error("reading beside a stalled disk is wrong")
	}
	if err := os.Remove(stalled); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	for _, app := range []string{"busy", "quiet"} {
		for end := time.Now().Add(time.Minute); set(app, 0).Status != http.StatusOK; {
			if time.Now().After(end) {
				t.Fatalf("%s can't write again", app)
			}
		}
	}
	count := make(map[string]int)
	for n, code := range codes {
		count[code]++
		switch is := isSet("busy", n); {
		case code == "" && !is:
			t.Errorf("write %d was acknowledged, and is lost", n)
		case code != "" && code != "UNCERTAIN" && is:
			t.Errorf("write %d was refused by %s, and was made", n, code)
		}
	}
	t.Logf("%d writes, by their code: %v", len(codes), count)
	if err := p.Stop(); err != nil {
		t.Errorf("it does not end: %v", err)
	}
}

// codeOf is the code of an error, or "" of a success.
func codeOf(t *testing.T, res *harnesstest.Response) string {
	if res.Status == http.StatusOK {
		return ""
	}
	var answer struct {
		Error struct{ Code string }
	}
	if err := json.Unmarshal([]byte(res.Body), &answer); err != nil || answer.Error.Code == "" {
		t.Errorf("not in the envelope: %v", res)
		return "?"
	}
	return answer.Error.Code
}
