package fazt_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"text/tabwriter"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/fazt-sh/fazt/harnesstest/load"
	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// findHandlers are the rows of [BenchmarkFinds].
var findHandlers = []struct{ name, source string }{
	{"kv get", `function handler(request) { return {value: fazt.storage.kv.get('key')}; }`},
	{"one document by id", `function handler(request) { return fazt.storage.ds.findOne('posts', request.path); }`},
	{"ten documents by an indexed field", `function handler(request) { return fazt.storage.ds.find('posts', {thread: request.path}); }`},
	{"the newest twenty", `function handler(request) { return fazt.storage.ds.find('posts', {}, {order: 'desc', limit: 20}); }`},
	{"one document by a field whose index has made itself",
		`function handler(request) { return fazt.storage.ds.findOne('posts', {slug: request.path}); }`},
}

// findsFill makes 10,000 documents, in ten requests.
const findsFill = `function handler(request) {
	var posts = [], from = 1000 * request.query.n;
	for (var i = from; i < from + 1000; i++) {
		posts.push({id: '/api/' + i, slug: '/api/' + i, thread: '/api/' + i % 1000,
			author: 'author ' + i % 7, text: 'a text of some length'});
	}
	fazt.storage.ds.insertMany('posts', posts);
	fazt.storage.kv.set('key', {n: 1, name: 'value'});
	return {ok: true};
}`

// BenchmarkFinds compares finds among 10,000 documents with a kv get, on each engine, and prints
// the ratios of their rates. The claims: a half for an index that has made itself, two thirds for
// the others.
//
//	go test -run '^$' -bench Finds -benchtime 1x .
func BenchmarkFinds(b *testing.B) {
	const rounds = 3
	reserveHeap(b)
	s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "data.db"), sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	srv := harnesstest.Start(b, func(o *fazt.Options) {
		o.Dev, o.Logger, o.DataFile, o.Store = false, slog.New(slog.DiscardHandler), "", s
	})
	b.Cleanup(func() { s.Close() })
	addr := address(srv.URL)
	rows := make(map[string][]*benchRow)
	for _, engine := range []string{"otto", "goja"} {
		for _, h := range findHandlers {
			manifest := `{"engine": "` + engine + `", "indexes": {"posts": ["thread"]}}`
			app := srv.Deploy(files("manifest.json", manifest, "api/main.js", findsFill))
			for n := range 10 {
				if res := app.Get(fmt.Sprint("/api?n=", n)); res.Status != http.StatusOK {
					b.Fatal(res)
				}
			}
			srv.DeployAs(app.Name, files("manifest.json", manifest, "api/main.js", h.source))
			host := address(app.URL)
			rows[engine] = append(rows[engine], &benchRow{name: h.name, addr: addr, request: varied(func(n int) []byte {
				return load.Get(host, fmt.Sprint("/api/", n%1000))
			})})
			if h.name == findHandlers[len(findHandlers)-1].name {
				makeIndex(b, s, app)
			}
		}
	}
	for b.Loop() {
		for range rounds {
			for _, row := range slices.Concat(rows["otto"], rows["goja"]) {
				row.measure(b, nil)
			}
		}
	}
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nof a kv get\totto\tgoja")
	for i, h := range findHandlers {
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\n", h.name, rows["otto"][i].ratio(rows["otto"][0]), rows["goja"][i].ratio(rows["goja"][0]))
	}
	t.Flush()
}

// makeIndex scans until a field has its index.
func makeIndex(b *testing.B, s *sqlite.Store, app *harnesstest.App) {
	deployed, err := s.App(b.Context(), app.Name)
	if err != nil {
		b.Fatal(err)
	}
	for {
		if res := app.Get("/api/9999"); res.Status != http.StatusOK {
			b.Fatal(res)
		}
		indexes, err := s.Indexes(b.Context(), deployed.ID)
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range indexes {
			if slices.ContainsFunc(c.Indexes, func(x storage.Index) bool { return x.Automatic && x.Ready }) {
				return
			}
		}
	}
}
