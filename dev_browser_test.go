package fazt_test

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/fazt-sh/fazt/cli"
)

// startDev runs fazt dev on a directory until the test ends, and returns the app's URL.
func startDev(t *testing.T, dir string, args ...string) (url string, stop func()) {
	t.Helper()
	r, w := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if code := cli.Run(ctx, append([]string{"dev", dir}, args...), w, w); code != 0 {
			t.Errorf("fazt dev: exit %d", code)
		}
		w.Close()
	}()
	var printed strings.Builder
	scan := bufio.NewScanner(r)
	at := regexp.MustCompile(`is at (http://\S+)`)
	for url == "" && scan.Scan() {
		printed.WriteString(scan.Text() + "\n")
		if found := at.FindStringSubmatch(scan.Text()); found != nil {
			url = found[1]
		}
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for scan.Scan() {
			printed.WriteString(scan.Text() + "\n")
		}
	}()
	stop = func() {
		cancel()
		<-ended
		<-read
	}
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			t.Logf("fazt dev printed:\n%s", printed.String())
		}
	})
	if url == "" {
		t.Fatal("fazt dev did not say where the app is")
	}
	return url, stop
}

// edit saves a file as most editors do.
func edit(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+"~", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+"~", path); err != nil {
		t.Fatal(err)
	}
}

// overlay is a script's expression for the text of the overlay, "" while there is none.
const overlay = `(document.querySelector('fazt-problem')?.shadowRoot.querySelector('dialog[open]')?.textContent ?? '')`

// await waits until a script's expression is true in the page, through reloads.
func await(t *testing.T, ctx context.Context, what, expression string) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		var ok bool
		err := chromedp.Do(ctx, into(&ok, chromedp.Evaluate[bool](`!!(`+expression+`)`)))
		if ok && err == nil {
			return
		}
		if time.Now().After(deadline) {
			var page string
			chromedp.Do(ctx, into(&page, chromedp.Evaluate[string](`document.documentElement.outerHTML + '\n---\n' + `+overlay)))
			t.Fatalf("%s: %s is not so, %v; the page is\n%s", what, expression, err, page)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestDevInBrowser: a change is seen, a mistake is shown, and what mends it takes it away,
// under a policy that lets nothing in, too.
func TestDevInBrowser(t *testing.T) {
	ctx := browser(t)
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	const page = `<!doctype html><title>memo</title><h1>one</h1><p id="answer"></p><script src="app.js"></script>`
	edit(t, file("index.html"), page)
	edit(t, file("app.js"), `fetch('/api/greet').then(r => r.text()).then(text => { document.querySelector('#answer').textContent = text; });`)
	edit(t, file("api/main.js"), `respond('hello')`)
	edit(t, file("fazt.json"), `{"name": "memo", "headers": {"/*": {"Content-Security-Policy": "default-src 'none'; script-src 'self'; connect-src 'self'"}}}`)
	url, stop := startDev(t, dir, "--addr", "127.0.0.1:0")

	if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
		t.Fatal(err)
	}
	await(t, ctx, "the page", `document.querySelector('#answer').textContent === 'hello'`)

	edit(t, file("index.html"), strings.Replace(page, "one", "two", 1))
	await(t, ctx, "an edit", `document.querySelector('h1')?.textContent === 'two'`)

	// A mistake that the deploy finds, and its end.
	edit(t, file("api/main.js"), "var a = 1;\nrespond('<b>' + ;\n")
	await(t, ctx, "a syntax error", overlay+`.includes('api/main.js:2:17') && `+overlay+`.includes("2 | respond('<b>' + ;\n  |                 ^")`)
	edit(t, file("api/main.js"), `respond('mended')`)
	await(t, ctx, "its mending", overlay+` === '' && document.querySelector('#answer').textContent === 'mended'`)

	// One that only shows when the handler runs; with markup in it, which is text.
	edit(t, file("api/main.js"), "console.log('so far');\nrespond(request.nothing['<img src=x>'].b);\n")
	await(t, ctx, "an error", overlay+`.includes('GET /api/greet failed') && `+overlay+`.includes('api/main.js:2:') && `+overlay+`.includes('so far')`)
	await(t, ctx, "its dialog", `(root => root.querySelector('img') === null && root.activeElement?.id === 'close' &&
		root.querySelector('dialog').scrollTop === 0 &&
		root.querySelector('dialog').getAttribute('aria-labelledby') === 'title' &&
		getComputedStyle(root.querySelector('h1')).fontSize === '20px'
	)(document.querySelector('fazt-problem').shadowRoot)`)

	// It is closed, and stays so, until something else fails.
	if err := chromedp.Do(ctx, chromedp.KeyEvent("\x1b")); err != nil {
		t.Fatal(err)
	}
	await(t, ctx, "its end by Escape", `document.querySelector('fazt-problem') === null`)
	edit(t, file("api/main.js"), "throw {code: 7}\n")
	await(t, ctx, "another error", overlay+`.includes('GET /api/greet failed') && `+overlay+`.includes('7')`)
	edit(t, file("api/main.js"), `respond('fine')`)
	await(t, ctx, "its mending", overlay+` === '' && document.querySelector('#answer').textContent === 'fine'`)

	// A page that the handler itself makes, and fails to.
	edit(t, file("fazt.json"), `{"name": "memo", "routes": ["/made"]}`)
	edit(t, file("api/main.js"), "respond(200, nothing, {'Content-Type': 'text/html'})")
	if err := chromedp.Do(ctx, chromedp.Navigate(url+"made")); err != nil {
		t.Fatal(err)
	}
	await(t, ctx, "an error page", `document.body.textContent.includes('api/main.js:1:14') && document.querySelector('fazt-problem') === null`)
	edit(t, file("api/main.js"), "respond(200, '<h1>made</h1>', {'Content-Type': 'text/html'})")
	await(t, ctx, "its mending", `document.querySelector('h1')?.textContent === 'made'`)

	// A page whose script is there notices that the server was started again.
	await(t, ctx, "the script", `document[Symbol.for('fazt.dev')]`)
	stop()
	edit(t, file("api/main.js"), "respond(200, '<h1>made again</h1>', {'Content-Type': 'text/html'})")
	startDev(t, dir, "--addr", strings.TrimSuffix(strings.Replace(url, "http://memo.localhost", "127.0.0.1", 1), "/"))
	await(t, ctx, "a server that was started again", `document.querySelector('h1')?.textContent === 'made again'`)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
}

// TestDevServiceWorkerInBrowser: one that answers from its cache whatever is in there keeps
// nobody from hearing of mistakes.
func TestDevServiceWorkerInBrowser(t *testing.T) {
	ctx := browser(t)
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	edit(t, file("index.html"), `<!doctype html><title>memo</title><script>navigator.serviceWorker.register('/sw.js')</script>`)
	edit(t, file("sw.js"), `self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(clients.claim()));
self.addEventListener('fetch', (event) => event.respondWith(caches.match(event.request).then((kept) =>
	kept || fetch(event.request).then((answer) => {
	const copy = answer.clone();
	caches.open('all').then((cache) => cache.put(event.request, copy));
	return answer;
}))));
`)
	edit(t, file("fazt.json"), `{"name": "memo"}`)
	edit(t, file("api/main.js"), `respond('hello')`)
	url, _ := startDev(t, dir, "--addr", "127.0.0.1:0")
	if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
		t.Fatal(err)
	}
	await(t, ctx, "the worker", `navigator.serviceWorker.controller !== null`)
	for range 3 { // what is kept of one stream would be the next one's
		edit(t, file("api/main.js"), "respond('<b>' + ;\n")
		await(t, ctx, "a mistake", overlay+`.includes('api/main.js:1:17')`)
		edit(t, file("api/main.js"), `respond('mended')`)
		await(t, ctx, "its mending", overlay+` === ''`)
		if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDevFirstDeployInBrowser: an app whose first deploy fails has an address all the
// same, where its mending is seen; whether the server or the bundler finds the mistake.
func TestDevFirstDeployInBrowser(t *testing.T) {
	ctx := browser(t)
	for file, mended := range map[string]string{"api/main.js": "respond('x')", "api/main.ts": "export default (): string => 'x'"} {
		dir := t.TempDir()
		edit(t, filepath.Join(dir, "index.html"), "<h1>here</h1>")
		edit(t, filepath.Join(dir, file), "var a = 1;\nrespond(")
		url, stop := startDev(t, dir, "--addr", "127.0.0.1:0", "--name", "memo")
		if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
			t.Fatal(err)
		}
		await(t, ctx, "the problem", overlay+`.includes('memo could not be deployed') && `+overlay+`.includes('`+file+`:2:')`)
		edit(t, filepath.Join(dir, file), mended)
		await(t, ctx, "its mending", `document.querySelector('h1')?.textContent === 'here'`)
		if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
			t.Fatal(err)
		}
		stop()
	}
}
