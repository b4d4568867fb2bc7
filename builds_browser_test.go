package fazt_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/harnesstest/cases"
)

// TestBuildsInBrowser visits what build tools make, twice. No request may fail, each must
// be one whose answer the build's table says, and what is named by its content isn't
// asked for again.
func TestBuildsInBrowser(t *testing.T) {
	ctx := browser(t)
	for _, build := range []struct {
		name  string
		pages map[string]string // path to what #ready says in the end
	}{
		{"vite", map[string]string{"/": "profile of /", "/users/7": "profile of /users/7"}},
		{"sveltekit", map[string]string{"/": "home 1750000000000 layout,page", "/about": "about 1750000000000 layout,page data",
			"/about/": "about 1750000000000 layout,page data", "/items/7": "fallback 1750000000000 layout,page"}},
		{"vitepress", map[string]string{"/": "home", "/guide/start": "getting started", "/guide/start.html": "getting started"}},
		{"docusaurus", map[string]string{"/handbook": "pages: 2", "/handbook/docs/intro": "pages: 2", "/handbook/docs/intro/": "pages: 2"}},
	} {
		t.Run(build.name, func(t *testing.T) {
			table, err := cases.Load(os.DirFS("testdata/routing"), "build-"+build.name+".txt")
			if err != nil {
				t.Fatal(err)
			}
			srv := open(t, func(o *fazt.Options) { o.Domain = table.Domain })
			for _, app := range table.Apps {
				deploy(t, srv, app.Name, app.Files)
			}
			asked := &requestsSeen{handler: srv}
			service := httptest.NewServer(asked)
			t.Cleanup(service.Close)
			_, port, _ := strings.Cut(address(service.URL), ":")
			origin := "http://" + table.Cases()[0].Host + ":" + port
			known := make(map[string]cases.Case)
			for _, c := range table.Cases() {
				known[c.Target] = c
			}
			for visit, again := range []bool{false, true} {
				for page, want := range build.pages {
					var got string
					err := chromedp.Do(ctx, chromedp.Navigate(origin+page), chromedp.WaitReady(chromedp.CSS(`#ready`)), into(&got, chromedp.Text(chromedp.CSS(`#ready`))))
					if err != nil || got != want {
						t.Errorf("%s: %q, %v; want %q", page, got, err, want)
					}
				}
				for _, r := range asked.take() {
					c, ok := known[r.path]
					switch immutable := strings.Contains(r.cacheControl, "immutable"); {
					case !ok:
						t.Errorf("visit %d: %s is not in the table", visit+1, r.path)
					case r.status >= 400 && c.Want.Status[0] < 400 || r.status < 300 && r.status != c.Want.Status[0]:
						t.Errorf("visit %d: %s: status %d, want %v", visit+1, r.path, r.status, c.Want.Status)
					case again && immutable:
						t.Errorf("visit %d: %s was asked for again", visit+1, r.path)
					}
				}
			}
			if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// requestsSeen notes what is asked of a handler.
type requestsSeen struct {
	handler http.Handler

	mu   sync.Mutex
	seen []requestSeen
}

type requestSeen struct {
	path         string
	status       int
	cacheControl string
}

func (s *requestsSeen) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out := &statusSeen{w, http.StatusOK}
	s.handler.ServeHTTP(out, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, requestSeen{r.URL.EscapedPath(), out.status, w.Header().Get("Cache-Control")})
}

// take returns what was seen since it was called last.
func (s *requestsSeen) take() []requestSeen {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	s.seen = nil
	return slices.Clip(seen)
}

type statusSeen struct {
	http.ResponseWriter
	status int
}

func (w *statusSeen) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusSeen) Unwrap() http.ResponseWriter { return w.ResponseWriter }
