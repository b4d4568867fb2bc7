package cli_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDev(t *testing.T) {
	dir := write(t, map[string]string{
		"manifest.json": `{"name": "memo"}`,
		"index.html":    "one",
		"api/main.js":   "console.log('called by %s', request.method); respond('first')",
	})
	p := start(t, "", "dev", "--addr", "127.0.0.1:0", dir)
	url := p.until(`memo is at (http://memo\.localhost:\d+/)`)[1]
	p.until(`Sign in there, or at http://localhost:\d+/auth/dev/login, as anybody`)
	p.until(`ok\s+version 1, 3 files, \d+ B, handler on otto`)
	wantBody(t, url, "one")
	wantBody(t, strings.Replace(url, "memo.localhost", "127.0.0.1", 1), "one") // redirected
	wantBody(t, url+"api", "first")
	p.until(`log\s+called by GET`)
	p.until(`200\s+GET /api  \S+s  cpu \S+s  storage 0s$`)

	// A save is deployed, of files in new directories too.
	save(t, filepath.Join(dir, "index.html"), "two")
	p.until(`ok\s+version 2`)
	wantBody(t, url, "two")
	save(t, filepath.Join(dir, "assets", "deep", "a.txt"), "a")
	p.until(`ok\s+version \d`)
	save(t, filepath.Join(dir, "assets", "deep", "a.txt"), "b")
	p.until(`ok\s+version \d`)
	wantBody(t, url+"assets/deep/a.txt", "b")

	// A mistake is shown where it is, and what ran before goes on.
	save(t, filepath.Join(dir, "api", "main.js"), "var a = 1;\nvar b = ;\n")
	p.until(`error\s+.*api/main\.js:2:9: `)
	p.until(`2 \| var b = ;$`)
	p.until(`  \|         \^$`)
	p.until(`version \d stays`)
	wantBody(t, url+"api", "first")

	// So is one that only shows when the handler runs.
	save(t, filepath.Join(dir, "api", "main.js"), "var a;\nrespond(a.b.c);\n")
	p.until(`ok\s+version \d`)
	if status, _ := get(t, url+"api"); status != http.StatusInternalServerError {
		t.Errorf("a handler that throws answers %d", status)
	}
	p.until(`error\s+GET /api: api/main\.js:2:\d+: TypeError`)
	p.until(`2 \| respond\(a\.b\.c\);$`)

	// What is not part of the app deploys nothing: the next version is that of
	// the real change.
	save(t, filepath.Join(dir, ".git", "index"), "x")
	save(t, filepath.Join(dir, "node_modules", "x.js"), "x")
	save(t, filepath.Join(dir, "debug.log"), "x")
	last := len(p.seen.String())
	save(t, filepath.Join(dir, "index.html"), "three")
	p.until(`ok\s+version \d, 4 files`)
	if printed := p.seen.String()[last:]; strings.Count(printed, "version") != 1 {
		t.Errorf("more than one deploy for one change:\n%s", printed)
	}

	if code := p.interrupt(os.Interrupt); code != 0 {
		t.Errorf("exit %d after Ctrl+C", code)
	}
}

// TestDevPrivate: a git-ignored private/ goes where other apps are served from
// only with a word.
func TestDevPrivate(t *testing.T) {
	dir := write(t, map[string]string{"index.html": "", ".gitignore": "private/", "private/list.json": "[]"})
	others, own := filepath.Join(t.TempDir(), "data.db"), filepath.Join(t.TempDir(), "data.db")
	if out, err := faztOn(others, "app", "deploy", write(t, map[string]string{"index.html": ""}), "--name", "other").CombinedOutput(); err != nil {
		t.Fatalf("deploy: %v: %s", err, out)
	}
	for dataFile, notes := range map[string]int{others: 1, own: 0} {
		p := start(t, "", "dev", dir, "--name=memo", "--addr=127.0.0.1:0", "--db", dataFile)
		p.until(`ok\s+version 1, 2 files`)
		save(t, filepath.Join(dir, "index.html"), dataFile)
		p.until(`ok\s+version 2, 2 files`)
		if code := p.interrupt(os.Interrupt); code != 0 {
			t.Errorf("exit %d after Ctrl+C", code)
		}
		p.rest()
		if got := strings.Count(p.seen.String(), "note   private/ is git-ignored, and now in "+dataFile+" beside other apps; leave out --db, or name a data file of its own\n"); got != notes {
			t.Errorf("it is said %d times, not %d", got, notes)
		}
	}
}

// TestDevStartsBroken: the first save may be the one that mends the handler.
func TestDevStartsBroken(t *testing.T) {
	dir := write(t, map[string]string{"api/main.js": "respond("})
	p := start(t, "", "dev", dir, "--name=memo", "--addr=127.0.0.1:0")
	url := p.until(`memo is at (\S+)`)[1]
	p.until(`error\s+.*api/main\.js:1:\d+: `)
	save(t, filepath.Join(dir, "api", "main.js"), "respond('mended')")
	p.until(`ok\s+version 1`)
	wantBody(t, url+"api", "mended")
}

// TestDevDirectoryReplaced: build tools remove their output and make it anew.
func TestDevDirectoryReplaced(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dist")
	save(t, filepath.Join(dir, "index.html"), "one")
	p := start(t, "", "dev", dir, "--addr=127.0.0.1:0")
	url := p.until(`dist is at (\S+)`)[1]
	p.until(`ok\s+version 1`)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	p.until(`error\s+cannot read the app: .*no such file or directory`)
	wantBody(t, url, "one")
	save(t, filepath.Join(dir, "index.html"), "two")
	p.until(`ok\s+version 2`)
	save(t, filepath.Join(dir, "index.html"), "three")
	p.until(`ok\s+version 3`)
	wantBody(t, url, "three")
}

// TestDevTakesNextPort: a second one runs beside the first.
func TestDevTakesNextPort(t *testing.T) {
	dir := write(t, map[string]string{"index.html": "hello"})
	l, err := net.Listen("tcp", "127.0.0.1:8080")
	if err == nil { // if not, it is in use already, which is as good
		defer l.Close()
	}
	p := start(t, "", "dev", dir, "--name", "memo")
	p.until(`^127\.0\.0\.1:8080 is in use; listening on 127\.0\.0\.1:80[89]\d$`)
	wantBody(t, p.until(`memo is at (\S+)`)[1], "hello")
}

// TestDevKeepsItsOwnData: what is tried in development is never in the server's data,
// and neither deployed nor committed.
func TestDevKeepsItsOwnData(t *testing.T) {
	dir := write(t, map[string]string{"api/main.js": "respond(fazt.storage.kv.incr('n'))"})
	servers := filepath.Join(t.TempDir(), "data.db")
	for n := range 2 {
		p := start(t, servers, "dev", dir, "--name=memo", "--addr=127.0.0.1:0")
		url := p.until(`memo is at (\S+)`)[1]
		p.until(fmt.Sprintf(`ok\s+version %d, 1 file,`, n+1))
		wantBody(t, url+"api", fmt.Sprint(n+1))
		p.until(`200\s+GET /api  \S+s  cpu \S+s  storage \S+s in 1 operation$`)
		if code := p.interrupt(os.Interrupt); code != 0 {
			t.Errorf("exit %d after Ctrl+C", code)
		}
	}
	if _, err := os.Stat(servers); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the server's data file: %v", err)
	}
	for name, mode := range map[string]fs.FileMode{".fazt": fs.ModeDir | 0o700, ".fazt/dev.db": 0o600, ".fazt/.gitignore": 0o600} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, ".fazt/.gitignore")); string(text) != "*\n" {
		t.Errorf("git is to leave out %q, %v", text, err)
	}
}

// TestDevSeveral: each app has its URL, and a change deploys the one that it is in.
func TestDevSeveral(t *testing.T) {
	shop := write(t, map[string]string{"fazt.json": `{"name": "shop"}`, "index.html": "shop one"})
	blog := write(t, map[string]string{"fazt.json": `{"name": "blog"}`, "index.html": "blog one", "api/main.js": "console.log('here'); respond('x')"})
	p := start(t, "", "dev", shop, blog, "--addr=127.0.0.1:0")
	shopURL, blogURL := p.until(`shop is at (\S+)`)[1], p.until(`blog is at (\S+)`)[1]
	p.until(`ok\s+shop: version 1`)
	p.until(`ok\s+blog: version 1`)
	wantBody(t, shopURL, "shop one")
	wantBody(t, blogURL, "blog one")
	wantBody(t, blogURL+"api", "x")
	p.until(`log\s+blog: here`)
	p.until(`200\s+blog: GET /api`)
	save(t, filepath.Join(blog, "index.html"), "blog two")
	p.until(`ok\s+blog: version 2`)
	wantBody(t, blogURL, "blog two")
	wantBody(t, shopURL, "shop one")

	same := write(t, map[string]string{"fazt.json": `{"name": "shop"}`, "index.html": ""})
	out, err := faztOn("", "dev", shop, same).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "are both named shop; give one of them another") {
		t.Errorf("two of one name: %v: %s", err, out)
	}
}

// TestDevBrokenManifest is shown where it is, and mended by a save.
func TestDevBrokenManifest(t *testing.T) {
	dir := write(t, map[string]string{"fazt.json": "{\n\"routes\": [\"x\"]}", "index.html": "one"})
	p := start(t, "", "dev", dir, "--name=memo", "--addr=127.0.0.1:0")
	url := p.until(`memo is at (\S+)`)[1]
	p.until(`error\s+.*fazt\.json:2: routes: "x": must begin with a slash`)
	save(t, filepath.Join(dir, "fazt.json"), "{}")
	p.until(`ok\s+version 1`)
	wantBody(t, url, "one")
}

// TestDevHalfSaved: a file that is written in steps is not taken for a mistake.
func TestDevHalfSaved(t *testing.T) {
	dir := write(t, map[string]string{"api/main.js": "respond('one')"})
	p := start(t, "", "dev", dir, "--name=memo", "--addr=127.0.0.1:0")
	url := p.until(`memo is at (\S+)`)[1]
	p.until(`ok\s+version 1`)
	f, err := os.OpenFile(filepath.Join(dir, "api", "main.js"), os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"respond(", "'two'", ")"} {
		if _, err := f.WriteString(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	p.until(`ok\s+version 2`)
	wantBody(t, url+"api", "two")
	if strings.Contains(p.seen.String(), "error") {
		t.Error("a save was taken for a mistake")
	}
}

// TestDevTypeScript: a handler is bundled for each deploy, and its mistakes are where its
// author wrote them.
func TestDevTypeScript(t *testing.T) {
	dir := write(t, map[string]string{
		"api/main.ts":  "import { greet } from './greet';\nexport default (r: fazt.Request): string => greet(r.query.name);\n",
		"api/greet.ts": "export function greet(name: string): string { return 'hello ' + name; }\n"})
	p := start(t, "", "dev", dir, "--name=memo", "--addr=127.0.0.1:0")
	url := p.until(`memo is at (\S+)`)[1]
	p.until(`ok\s+version 1`)
	wantBody(t, url+"api?name=Ada", "hello Ada")
	save(t, filepath.Join(dir, "api", "greet.ts"), "export function greet(name: string): string {\n  return name.first.second;\n}\n")
	p.until(`ok\s+version 2`)
	if status, _ := get(t, url+"api?name=Ada"); status != http.StatusInternalServerError {
		t.Errorf("a handler that throws answers %d", status)
	}
	p.until(`error\s+GET /api: api/greet\.ts:2:\d+: TypeError`)
	p.until(`2 \|   return name\.first\.second;$`)
	save(t, filepath.Join(dir, "api", "greet.ts"), "export function greet(name: string) {\n  return name +;\n}\n")
	p.until(`error\s+.*api/greet\.ts:2:16: `)
	p.until(`version 2 stays`)
	save(t, filepath.Join(dir, "api", "greet.ts"), "export const greet = (name: string) => 'hi ' + name;\n")
	p.until(`ok\s+version 3`)
	wantBody(t, url+"api?name=Ada", "hi Ada")
}

// TestDevNotesBuild: what is served is not what is deployed, where that is built first.
func TestDevNotesBuild(t *testing.T) {
	dir := write(t, map[string]string{"index.html": "source", "package.json": `{"scripts": {"build": "vite build"}}`})
	p := start(t, "", "dev", dir, "--name=memo", "--addr=127.0.0.1:0")
	p.until(`ok\s+version 1`)
	p.until(`warn\s+this is the folder as it is, and a deploy builds it first; `)
}
