package bundle_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestResolution(t *testing.T) {
	for name, tt := range map[string]struct {
		main string
		app  files
		want string
	}{
		"the main field, without an ending": {"import x from 'x'; export default () => x", files{
			"node_modules/x/package.json": `{"main": "lib/main"}`, "node_modules/x/lib/main.js": "module.exports = 1"}, `1`},
		"module before main": {"import x from 'x'; export default () => x", files{
			"node_modules/x/package.json": `{"main": "a.js", "module": "b.mjs"}`, "node_modules/x/a.js": "module.exports = 1", "node_modules/x/b.mjs": "export default 2"}, `2`},
		"a folder as main": {"import x from 'x'; export default () => x", files{
			"node_modules/x/package.json": `{"main": "./lib"}`, "node_modules/x/lib/index.js": "module.exports = 3"}, `3`},
		"conditions in their order": {"import x from 'x'; import y from 'x/y'; export default () => [x, y, require('x')]; declare const require: any;", files{
			"node_modules/x/package.json": `{"exports": {".": {"types": "./x.d.ts", "node": "./n.js", "import": "./i.mjs", "require": "./r.js"},
				"./y": [{"deno": "./n.js"}, {"node": {"import": "./n.js"}, "default": {"browser": "./b.js", "default": "./d.js"}}]}}`,
			"node_modules/x/i.mjs": "export default 'i'", "node_modules/x/r.js": "module.exports = 'r'", "node_modules/x/b.js": "module.exports = 'b'"}, `["i","b","r"]`},
		"exports as a text": {"import x from 'x'; export default () => x", files{
			"node_modules/x/package.json": `{"exports": "./x.js", "main": "y.js"}`, "node_modules/x/x.js": "module.exports = 1"}, `1`},
		"patterns": {"import a from 'x/f/a'; import b from 'x/f/deep/b.js'; import c from 'x/old/c.js'; export default () => [a, b, c]", files{
			"node_modules/x/package.json": `{"exports": {"./f/*": "./src/*.js", "./f/deep/*": "./deep/*", "./f/deep/no/*": null, "./old/": "./older/"}}`,
			"node_modules/x/src/a.js":     "module.exports = 'a'", "node_modules/x/deep/b.js": "module.exports = 'b'", "node_modules/x/older/c.js": "module.exports = 'c'"}, `["a","b","c"]`},
		"names that begin with #": {"import a from '#lib/a'; import x from 'x'; export default () => [a, x]", files{
			"package.json": `{"imports": {"#lib/*": "./shared/*.ts"}}`, "shared/a.ts": "export default 1",
			"node_modules/x/package.json": `{"imports": {"#in": {"browser": "./b.js"}, "#y": "y"}, "module": "x.mjs"}`,
			"node_modules/x/x.mjs":        "import b from '#in'; import y from '#y'; export default [b, y]",
			"node_modules/x/b.js":         "module.exports = 2", "node_modules/y/index.js": "module.exports = 3"}, `[1,[2,3]]`},
		"the browser field": {"import x from 'x'; export default () => x", files{
			"node_modules/x/package.json": `{"main": "./x.js", "browser": {"./x.js": "./bx.js", "./node.js": "./web", "fs": false, "y": "z"}}`,
			"node_modules/x/bx.js":        "module.exports = [require('./node'), Object.keys(require('fs')), require('y')]",
			"node_modules/x/web.js":       "module.exports = 'web'", "node_modules/z/index.js": "module.exports = 'z'"}, `["web",[],"z"]`},
		"the nearest node_modules": {"import x from 'x'; import y from 'y'; export default () => [x, y]", files{
			"node_modules/x/index.js": "module.exports = require('y')", "node_modules/x/node_modules/y/index.js": "module.exports = 'inner'",
			"node_modules/y/index.js": "module.exports = 'outer'"}, `["inner","outer"]`},
		"a package of the name of one of Node's": {"import e from 'events'; export default () => e", files{"node_modules/events/index.js": "module.exports = 'own'"}, `"own"`},
		"one that can be done without":           {"import x from 'x'; export default () => x", files{"node_modules/x/index.js": "try { module.exports = require('maybe') } catch (e) { module.exports = 'without' }"}, `"without"`},
		"parts without a use are left out": {"import { a } from 'x'; export default () => [a, globalThis.touched === undefined]", files{
			"node_modules/x/package.json": `{"sideEffects": ["./kept.js"], "module": "x.js"}`,
			"node_modules/x/x.js":         "export { a } from './a.js'; export { b } from './b.js'; import './kept.js'",
			"node_modules/x/a.js":         "export const a = 1", "node_modules/x/b.js": "globalThis.touched = 1; export const b = 2", "node_modules/x/kept.js": "export {}"}, `[1,true]`},
		"JSON in a package": {"import v from 'x/package.json'; export default () => v.version", files{"node_modules/x/package.json": `{"version": "1.2.3"}`}, `"1.2.3"`},
		"a package's ES modules, required": {"const x = require('x'); export default () => [x.default, x.a]; declare const require: any;", files{
			"node_modules/x/package.json": `{"exports": {"import": "./x.mjs"}}`, "node_modules/x/x.mjs": "export default 1; export const a = 2"}, `[1,2]`},
	} {
		t.Run(name, func(t *testing.T) {
			tt.app["api/main.ts"] = tt.main
			res, err := answer(t, tt.app.fs())
			if err != nil {
				t.Fatal(err)
			}
			got := string(res.Response.Body)
			if res.Response.ContentType != "application/json" {
				got = `"` + got + `"`
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// pnpm lays a package out behind a link, and what it needs beside where it really is.
func TestLinkedPackages(t *testing.T) {
	dir := t.TempDir()
	for name, text := range (files{
		"api/main.ts": "import x from 'x'; export default () => x;",
		"node_modules/.pnpm/x@1/node_modules/x/index.js":  "module.exports = ['x', require('y')];",
		"node_modules/.pnpm/y@2/node_modules/y/index.js":  "module.exports = 'y';",
		"node_modules/.pnpm/x@1/node_modules/placeholder": "",
	}) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"node_modules/x": ".pnpm/x@1/node_modules/x", "node_modules/.pnpm/x@1/node_modules/y": "../../y@2/node_modules/y"} {
		if err := os.Symlink(filepath.FromSlash(to), filepath.Join(dir, filepath.FromSlash(link))); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	res, err := answer(t, root.FS())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`["x","y"]`, string(res.Response.Body)); diff != "" {
		t.Error(diff)
	}
}
