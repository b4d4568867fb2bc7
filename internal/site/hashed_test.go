package site_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/internal/site"
)

// TestMayBeHashed is about the spelling alone.
func TestMayBeHashed(t *testing.T) {
	for name, want := range map[string]bool{
		"assets/app.3f2a91bc.js": true, "index-B7xYz12_.js": true, "chunk-ABCD2345.js": true, "index-B-xYz12_.js": true,
		"main.0123456789abcdef.css": true, "index.md.DxFz-3_a.lean.js": true, "a.3f2a91bc.chunk.js.map": true, "img/3f2a91bc4d5e6f708192.png": true,
		"index-DiwrgTda.js": true, "_app/immutable/nodes/0.js": true, "docs/_astro/hoisted.js": true, "app-kp0xy2ne.js": true,
		"app.js": false, "3f2a91bc.js": false, "jquery-3.7.1.min.js": false, "report-20261122.pdf": false, "my-component2.js": false,
		"photo-deadbeef.png": false, "notes.markdown.txt": false, "app-frontend.js": false, "photo-vacation.jpg": false,
		"photo-IMG_1234.jpg": false, "trip-DSC01234.JPG": false, "a-P1010001.jpg": false, "x-PXL_2026.jpg": false, "lib-version2.js": false, "main.58577206.js": true,
		"550e8400-e29b-41d4-a716-446655440000.png": false, "_nuxt/builds/latest.json": false,
	} {
		if got := site.MayBeHashed(name); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

// hashed returns which files of an app carry a hash in their names.
func hashed(t *testing.T, pairs ...string) []string {
	t.Helper()
	app, err := site.ReadFS(files(pairs...), roomy)
	if err != nil {
		t.Fatal(err)
	}
	list, err := app.Store(t.Context(), memory{})
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, f := range list {
		if f.Hashed {
			names = append(names, f.Path)
		}
	}
	return names
}

func TestHashed(t *testing.T) {
	for _, test := range []struct {
		name  string
		files []string
		want  []string
	}{
		{"Vite", []string{
			"index.html", `<script type="module" crossorigin src="/assets/index-DiwrgTda.js"></script><link rel="stylesheet" href="/assets/index-BfX1ab_c.css">`,
			"assets/index-DiwrgTda.js", `const a="/assets/logo-B7xYz12_.svg";import("./Markdown-Bcdefghi.js");x("/assets/photo-IMG_1234.jpg","/assets/my-MacBook2.png")`,
			"assets/index-BfX1ab_c.css", `@font-face{src:url(/assets/font-C9dE-fG7.woff2),url(/assets/font-BBPuwvHQ.woff2),url(/assets/Inter-SemiBold.woff2)}`,
			"assets/font-BBPuwvHQ.woff2", "", "assets/Inter-SemiBold.woff2", "",
			"assets/Markdown-Bcdefghi.js", "", "assets/logo-B7xYz12_.svg", "", "assets/font-C9dE-fG7.woff2", "",
			"assets/photo-IMG_1234.jpg", "", "assets/my-MacBook2.png", "", "assets/nobody-Q7xYz12_.svg", "", "photos/logo-B7xYz12q.svg", "", "favicon.ico", ""},
			[]string{"assets/Markdown-Bcdefghi.js", "assets/font-BBPuwvHQ.woff2", "assets/font-C9dE-fG7.woff2", "assets/index-BfX1ab_c.css", "assets/index-DiwrgTda.js", "assets/logo-B7xYz12_.svg"}},
		{"a page of photos", []string{
			"index.html", `<img src="photo-IMG_1234.jpg"><img src="a-B7xYz12_.png"><script src="app-frontend.js"></script><img src="b.3f2a91bc.png">`,
			"photo-IMG_1234.jpg", "", "a-B7xYz12_.png", "", "app-frontend.js", "", "b.3f2a91bc.png", ""},
			[]string{}},
		{"webpack, with the hashes in a table", []string{
			"docs/index.html", `<script src="/assets/js/runtime~main.8a3b2c1d.js" defer></script><script src="/assets/js/main.58577206.js"></script><script src="/assets/js/app.20261122.js"></script><link href="/assets/css/styles.4f5e6d7c.css">`,
			"assets/js/runtime~main.8a3b2c1d.js", `e.u=t=>"assets/js/"+({48:"a94703ab"}[t]||t)+"."+{48:"2f1e3d4c"}[t]+".js"`,
			"assets/js/a94703ab.2f1e3d4c.js", `e.exports="/assets/images/plan-d2f1a3b4c5d6e7f8a9b0c1d2e3f4a5b6.png"`,
			"assets/js/main.58577206.js", "", "assets/js/app.20261122.js", "", "assets/images/plan-58577206.png", "",
			"assets/css/styles.4f5e6d7c.css", "", "assets/images/plan-d2f1a3b4c5d6e7f8a9b0c1d2e3f4a5b6.png", "", "img/plan-d2f1a3b4c5d6e7f8a9b0c1d2e3f4a5b7.png", ""},
			[]string{"assets/css/styles.4f5e6d7c.css", "assets/images/plan-d2f1a3b4c5d6e7f8a9b0c1d2e3f4a5b6.png", "assets/js/a94703ab.2f1e3d4c.js", "assets/js/main.58577206.js", "assets/js/runtime~main.8a3b2c1d.js"}},
		{"VitePress", []string{
			"index.html", `<script>window.__VP_HASH_MAP__=JSON.parse("{\"index.md\":\"DxFz-3_a\"}")</script><script type="module" src="/assets/app.CyFGKb4z.js"></script>`,
			"assets/app.CyFGKb4z.js", `import"./chunks/theme.Bq8v-RzK.js"`, "assets/chunks/theme.Bq8v-RzK.js", "",
			"assets/index.md.DxFz-3_a.js", "", "assets/index.md.DxFz-3_a.lean.js", ""},
			[]string{"assets/app.CyFGKb4z.js", "assets/chunks/theme.Bq8v-RzK.js", "assets/index.md.DxFz-3_a.js", "assets/index.md.DxFz-3_a.lean.js"}},
		{"SvelteKit", []string{
			"index.html", "", "_app/version.json", "", "_app/env.js", "", "_app/immutable/page.html", "", "_app/immutable/entry/start.DZqmutyk.js", "", "_app/immutable/chunks/abcdefgh.js", "", "_app/immutable/assets/0.abcdefgh.css", ""},
			[]string{"_app/immutable/assets/0.abcdefgh.css", "_app/immutable/chunks/abcdefgh.js", "_app/immutable/entry/start.DZqmutyk.js"}},
		{"a file that names only itself", []string{"index.html", "", "app.3f2a91bc.js", "app.3f2a91bc.js"}, []string{}},
		{"a reference from what is private, or of the handler", []string{
			"index.html", "", "private/a.html", "app.3f2a91bc.js", "api/main.js", "'app.3f2a91bc.js'", "app.3f2a91bc.js", ""}, []string{}},
		{"its source map", []string{
			"index.html", `src="/a/app.3f2a91bc.js"`, "a/app.3f2a91bc.js", "//# sourceMappingURL=app.3f2a91bc.js.map", "a/app.3f2a91bc.js.map", ""},
			[]string{"a/app.3f2a91bc.js", "a/app.3f2a91bc.js.map"}},
	} {
		got := hashed(t, test.files...)
		slices.Sort(got)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// TestReferenceAnywhere has one wherever slices are cut, and none that is part of a
// longer name.
func TestReferenceAnywhere(t *testing.T) {
	const name = "app.3f2a91bc.js"
	for _, before := range []int{0, 64<<10 - 20, 64<<10 - 15, 64<<10 - 8, 64<<10 - 1, 64 << 10, 128<<10 - 3} {
		text := strings.Repeat(" ", before) + name
		if got := hashed(t, "index.html", text, name, ""); len(got) != 1 {
			t.Errorf("after %d bytes: not found", before)
		}
	}
	for _, text := range []string{"x" + name, strings.Repeat("x", 300) + name, name + "x", strings.Repeat("x", 64<<10) + name, "3f2a91b"} {
		if got := hashed(t, "index.html", text, name, ""); len(got) != 0 && !strings.Contains(text, ".3f2a91bc.") {
			t.Errorf("%.40q: %v", text, got)
		}
	}
}

// BenchmarkReferences is what looking for references adds to the hashing of a script.
func BenchmarkReferences(b *testing.B) {
	text := strings.Repeat(`function e(t){return n.u=t=>"assets/js/"+({48:"a94703ab"}[t]||t)+"."+i.exports.someThing;}`, 100_000)
	app, err := site.ReadFS(files("index.html", "", "app.3f2a91bc.js", text), roomy)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := app.Store(b.Context(), having{}); err != nil {
			b.Fatal(err)
		}
	}
}

// having has all contents already.
type having struct{ memory }

func (having) HasContent(_ context.Context, hashes []string) (map[string][]string, error) {
	has := make(map[string][]string)
	for _, h := range hashes {
		has[h] = nil
	}
	return has, nil
}
