package fazt_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
)

// bigSize is more than is kept in memory: such a file is read while it is sent.
const bigSize = 5 << 18

// versionOf is an app each of whose parts says which of two versions it is of, as
// often as it can. One is for otto and one for goja.
func versionOf(letter string) fstest.MapFS {
	handler := `var lib = require('./lib'); respond([letter, lib.letter, fazt.private.read('letter.txt')].join(''))`
	if letter == "B" {
		handler = `const lib = require('./lib'); respond(` + "`${letter}${lib.letter}${fazt.private.read('letter.txt')}`" + `)`
	}
	return files(
		"index.html", `<script type="module" src="/assets/index-B7xYz12`+letter+`.js"></script>`,
		"assets/index-B7xYz12"+letter+".js", strings.Repeat(letter, 3),
		"letter.txt", strings.Repeat(letter, 3),
		"big.bin", strings.Repeat(letter, bigSize),
		"about/index.html", strings.Repeat(letter, 3),
		"private/letter.txt", letter,
		"api/main.js", "var letter = '"+letter+"'; "+handler,
		"api/lib.js", "exports.letter = '"+letter+"'",
	)
}

// TestVisitorsViewOfDeploys deploys two versions in turn, 200 times, while visitors ask
// for every part: each gets a whole one, always.
func TestVisitorsViewOfDeploys(t *testing.T) {
	srv := open(t)
	deploy(t, srv, "app", versionOf("A"))
	server := httptest.NewServer(srv)
	defer server.Close()
	client := server.Client()
	client.Transport.(*http.Transport).MaxIdleConnsPerHost = 16
	ask := func(path string) (string, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		if err != nil {
			return "", err
		}
		req.Host = "app.localhost"
		res, err := client.Do(req)
		if err != nil {
			return "", err
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		return fmt.Sprint(res.StatusCode, " ", string(text)), err
	}
	done, deployed := make(chan struct{}), make(chan struct{})
	var asked, seenA, seenB atomic.Int64
	var visitors sync.WaitGroup
	for path, size := range map[string]int{"/letter.txt": 3, "/api": 3, "/api/x": 3, "/about/": 3, "/big.bin": bigSize} {
		visitors.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				got, err := ask(path)
				asked.Add(1)
				switch {
				case err != nil:
					t.Errorf("%s: %v", path, err)
				case got == "200 "+strings.Repeat("A", size):
					seenA.Add(1)
				case got == "200 "+strings.Repeat("B", size):
					seenB.Add(1)
				default:
					t.Errorf("%s: %.200s", path, got)
				}
			}
		})
	}
	// A page that was open during a deploy finds its chunks.
	visitors.Go(func() {
		chunk := regexp.MustCompile(`^200 <script type="module" src="(/assets/index-B7xYz12([AB])\.js)"></script>$`)
		for {
			page, err := ask("/")
			found := chunk.FindStringSubmatch(page)
			if err != nil || found == nil {
				t.Errorf("the page: %.200s, %v", page, err)
				return
			}
			select {
			case <-done:
				return
			case <-deployed:
			}
			if got, err := ask(found[1]); err != nil || got != "200 "+strings.Repeat(found[2], 3) {
				t.Errorf("%s: %.200s, %v", found[1], got, err)
			}
		}
	})
	deploys := 200
	if testing.Short() {
		deploys = 40
	}
	for i := range deploys {
		select {
		case deployed <- struct{}{}:
		default:
		}
		if i%20 == 19 { // a rollback is one, too
			if _, err := srv.Rollback(t.Context(), "app", 0); err != nil {
				t.Error(err)
			}
			continue
		}
		deploy(t, srv, "app", versionOf(string("BA"[i%2])))
	}
	close(done)
	visitors.Wait()
	t.Logf("%d deploys: %d answers, %d of one version and %d of the other", deploys, asked.Load(), seenA.Load(), seenB.Load())
	if seenA.Load() == 0 || seenB.Load() == 0 {
		t.Error("a version was never seen")
	}
}
