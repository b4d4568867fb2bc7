package bundle_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/bundle"
	"github.com/fazt-sh/fazt/runtime/gojajs"
	"github.com/fazt-sh/fazt/runtime/ottojs"
)

type files map[string]string

func (f files) fs() fstest.MapFS {
	m := make(fstest.MapFS)
	for name, text := range f {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

// load loads what a server would be given: the app's files with those that were made.
func load(t testing.TB, app fs.FS, made *bundle.Result) (*runtime.Program, error) {
	t.Helper()
	src := runtime.Source{Files: make(map[string]string), Maps: make(map[string]string)}
	add := func(name string, text []byte) {
		if file, ok := strings.CutSuffix(name, ".map"); ok {
			src.Maps[file] = string(text)
		} else if strings.HasSuffix(name, ".js") || strings.HasSuffix(name, ".json") {
			src.Files[name] = string(text)
		}
	}
	err := fs.WalkDir(app, "api", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(app, name)
		add(name, text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if made != nil {
		for name, text := range made.Files {
			add(name, text)
		}
	}
	if main := src.Files[runtime.DefaultMain]; runtime.IsBundled(main) {
		src.Files = map[string]string{runtime.DefaultMain: main}
	}
	r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{ottojs.New(), gojajs.New()}})
	if err != nil {
		t.Fatal(err)
	}
	return r.Load(t.Context(), src)
}

// answer bundles an app and has it answer a request.
func answer(t testing.TB, app fs.FS) (*runtime.Result, error) {
	t.Helper()
	made, err := bundle.Bundle(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	program, err := load(t, app, made)
	if err != nil {
		t.Fatal(err)
	}
	handler := program.Bind(nil)
	defer handler.Close()
	return handler.Run(t.Context(), &runtime.Request{Method: "GET", Path: "/api", Query: map[string][]string{"q": {"x"}}})
}

func TestForms(t *testing.T) {
	for name, tt := range map[string]struct {
		app  files
		want string
	}{
		"a module in TypeScript": {files{
			"api/main.ts": "import { twice, type N } from './lib';\nexport default function (request: { query: { q: string } }) { const n: N = 2; return [twice(n), request.query.q]; }",
			"api/lib.ts":  "export type N = number;\nexport enum Colour { Red = 3 }\nexport const twice = (n: N): N => n * 2 + Colour.Red;",
		}, `[7,"x"]`},
		"a module in JavaScript": {files{
			"api/main.js": "import * as lib from './lib.js';\nexport default async (request) => ({ ...lib, q: request.query.q });",
			"api/lib.js":  "export const a = 1; export function b() {}",
		}, `{"a":1,"q":"x"}`},
		"an import of .js that is .ts": {files{"api/main.mts": "import { a } from './lib.js'; export default () => a;", "api/lib.ts": "export const a: number = 1;"}, `1`},
		"names of its own for what handlers have": {files{
			"api/main.ts": "import { request, module, exports, handler } from './lib';\nexport default () => [request, module, exports, handler, respond.length >= 0, typeof require];\ndeclare const respond: Function;",
			"api/lib.ts":  "export const request = 1, module = 2, exports = 3; export const handler = 4;",
		}, `[1,2,3,4,true,"function"]`},
		"await at the top": {files{"api/main.mjs": "const a = await Promise.resolve(5);\nexport default () => a;"}, `5`},
		"what goja has not": {files{"api/main.js": `
class P { #x = 1; static has(o) { return #x in o && true; } get = 1; set = 2; static async = 3; }
async function* count() { yield 1; yield 2; }
export default async function () {
  const out = [];
  for await (const n of count()) out.push(n);
  for await (const n of [Promise.resolve(3)]) out.push(n);
  const lazy = await import('./lazy.js');
  return [out, P.has(new P()), new P().set, P.async, lazy.default, lazy.named];
}`, "api/lazy.js": "export default 'lazy'; export const named = 1;"}, `[[1,2,3],true,2,3,"lazy",1]`},
		"TypeScript that is no types": {files{"api/main.ts": `
namespace N { export const x = 1; }
class C { constructor(private readonly a: number, public b?: string) {} get(): number { return this.a!; } }
const enum E { A = 'a' }
abstract class D<T extends object = {}> { abstract f(): T; }
function over(x: string): string; function over(x: number): number; function over(x: any) { return x; }
export default () => [N.x, new C(2).get(), E.A, over(<number>3), ((x) => x satisfies unknown)(4 as const)];
`}, `[1,2,"a",3,4]`},
		"strict, as modules are": {files{"api/main.js": "export default function () { try { undeclared = 1; } catch (e) { return e.name; } }"}, `"ReferenceError"`},
		"data and text": {files{
			"api/main.ts":   "import data, { a } from './data.json' with { type: 'json' };\nimport text from './note.txt';\nexport default () => [data.b, a, text];",
			"api/data.json": `{"a": 1, "b": [2]}`, "api/note.txt": "hé",
		}, `[[2],1,"hé"]`},
		"files beside api": {files{"api/main.ts": "import { a } from '../shared/a';\nexport default () => a;", "shared/a.ts": "export const a = 'shared';"}, `"shared"`},
		"a cycle": {files{
			"api/main.js": "import { even } from './even.js'; export default () => [even(4), even(3)];",
			"api/even.js": "import { odd } from './odd.js'; export const even = (n) => n === 0 || odd(n - 1);",
			"api/odd.js":  "import { even } from './even.js'; export const odd = (n) => n !== 0 && even(n - 1);",
		}, `[true,false]`},
		"crypto by its name in Node":         {files{"api/main.ts": "import { randomUUID } from 'node:crypto';\nimport c from 'crypto';\nexport default () => [randomUUID().length, c.randomUUID().length];"}, `[36,36]`},
		"a default that is exported by name": {files{"api/main.js": "function h() { return 1; }\nexport { h as default }; export const other = 2;"}, `1`},

		"a script in TypeScript":          {files{"api/main.ts": "const n: number = 3;\nif (n > 2) { return { n }; }\nrespond('no');\ndeclare var respond: any;"}, `{"n":3}`},
		"a script that ends with a value": {files{"api/main.ts": "const a = (x: number) => x + 1;\na(2) as number;"}, `3`},
		"a function in TypeScript": {files{
			"api/main.ts": "function handler(request: any): unknown { const lib = require('./lib'); return [lib.a, require('./lib.ts').a, require('./plain').p]; }",
			"api/lib.ts":  "export const a: number = 1;", "api/plain.js": "exports.p = 2",
		}, `[1,1,2]`},
		"a function in a module": {files{
			"api/main.js": "import { a } from './lib.mjs';\nfunction handler(request) { return [a, request.query.q]; }",
			"api/lib.mjs": "export const a = 1;",
		}, `[1,"x"]`},
		"a function that it calls itself, once": {files{
			"api/main.ts": "import { calls } from './lib';\nfunction handler(request: any) { calls.push(1); return calls.length; }\nhandler(request);\ndeclare const request: any;",
			"api/lib.ts":  "export const calls: number[] = [];",
		}, `1`},
		"CommonJS in TypeScript":              {files{"api/main.ts": "const lib = require('./lib');\nmodule.exports = (request: any) => lib.default(request.query.q);\ndeclare var require: any, module: any;", "api/lib.ts": "export default (q: string) => q + q;"}, `"xx"`},
		"CommonJS that requires an ES module": {files{"api/main.js": "const { a } = require('./lib');\nmodule.exports = () => a;", "api/lib.js": "export const a = 1;"}, `1`},
		"import and module.exports":           {files{"api/main.ts": "import { a } from './lib';\nmodule.exports = () => a;\ndeclare var module: any;", "api/lib.ts": "export const a = 1"}, `1`},
		"a pulled app":                        {files{"api/main.ts": "export default () => 'new';", "api/main.js": runtime.BundleMark + "\nmodule.exports = () => 'old';"}, `"new"`},
	} {
		t.Run(name, func(t *testing.T) {
			res, err := answer(t, tt.app.fs())
			if err != nil {
				t.Fatalf("%v\n%s", err, err.(*runtime.Error).Stack)
			}
			body := string(res.Response.Body)
			if !json.Valid(res.Response.Body) {
				out, _ := json.Marshal(body)
				body = string(out)
			}
			if diff := cmp.Diff(tt.want, body); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUntouched(t *testing.T) {
	for name, app := range map[string]files{
		"no handler":          {"index.html": "x"},
		"a script":            {"api/main.js": "respond(1)"},
		"CommonJS":            {"api/main.js": "var a = require('./a');\nmodule.exports = function () { return a.b; };", "api/a.js": "exports.b = 1;"},
		"a word in a text":    {"api/main.js": "// what to import, and export\nvar a = require('./a.json'); respond(a)", "api/a.json": "1"},
		"what nobody reaches": {"api/main.js": "respond(1)", "api/other.js": "export default 1;"},
		"what was bundled":    {"api/main.js": runtime.BundleMark + " from x\nmodule.exports = function () {};", "api/lib.ts": "export const x = 1;"},
	} {
		t.Run(name, func(t *testing.T) {
			made, err := bundle.Bundle(t.Context(), app.fs())
			if made != nil || err != nil {
				t.Errorf("%+v, %v", made, err)
			}
		})
	}
}

func TestResult(t *testing.T) {
	made, err := bundle.Bundle(t.Context(), files{
		"api/main.ts": "import { a } from './lib';\nimport b from '@s/b/sub';\nexport default () => a + b;", "api/lib.ts": "export { default as a } from 'a';",
		"node_modules/a/index.js": "module.exports = 1;", "node_modules/@s/b/sub.js": "module.exports = require('c');",
		"node_modules/@s/b/node_modules/c/index.js": "module.exports = 2;",
	}.fs())
	if err != nil {
		t.Fatal(err)
	}
	type result struct {
		Main            string
		Files           []string
		Inputs, Package []string
	}
	want := result{"api/main.ts", []string{"api/main.js", "api/main.js.map"},
		[]string{"api/lib.ts", "api/main.ts", "node_modules/@s/b/node_modules/c/index.js", "node_modules/@s/b/sub.js", "node_modules/a/index.js"}, []string{"@s/b", "a", "c"}}
	if diff := cmp.Diff(want, result{made.Main, slices.Sorted(maps.Keys(made.Files)), made.Inputs, made.Packages}); diff != "" {
		t.Error(diff)
	}
	if made.Size() != len(made.Files["api/main.js"]) {
		t.Errorf("size %d", made.Size())
	}
}

// Where the process is says nothing about the app: it may be in the app's own directory.
func TestInTheAppsDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, files{"api/main.ts": "export default 'not this one'"}.fs()); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	res, err := answer(t, files{"api/main.ts": "import { a } from './a'; export default () => a", "api/a.ts": "export const a = 'app'"}.fs())
	if err != nil || string(res.Response.Body) != "app" {
		t.Errorf("got %v, %v", res, err)
	}
}

func TestWarnings(t *testing.T) {
	made, err := bundle.Bundle(t.Context(), files{"api/main.ts": "import x from 'x';\nexport default (a: number) => [x, a === NaN];", "node_modules/x/index.js": "module.exports = x === NaN"}.fs())
	if err != nil {
		t.Fatal(err)
	}
	if len(made.Warnings) != 1 || !strings.HasPrefix(made.Warnings[0], "api/main.ts:2:37: Comparison with NaN") {
		t.Errorf("%q", made.Warnings)
	}
}

func TestRefusals(t *testing.T) {
	pkg := func(main string, app files) files { app["api/main.ts"] = main; return app }
	for name, tt := range map[string]struct {
		app  files
		want string // of the error, its beginning
	}{
		"a package that isn't there": {pkg("\nimport x from 'left-pad/sub';\nexport default () => x;", files{}),
			`api/main.ts:2:15: the package "left-pad" isn't in package.json; add it: npm install left-pad`},
		"with pnpm": {pkg("const x = require('@s/x');\nexport default () => x;", files{"pnpm-lock.yaml": ""}),
			`api/main.ts:1:19: the package "@s/x" isn't in package.json; add it: pnpm add @s/x`},
		"one that isn't installed": {pkg("import x from 'x'; export default x", files{"package.json": `{"dependencies": {"x": "1"}}`, "package-lock.json": ""}),
			`api/main.ts:1:15: the package "x" isn't in node_modules; install what package.json has: npm ci --ignore-scripts`},
		"one that a package lacks": {pkg("import x from 'x'; export default x", files{"node_modules/x/index.js": "require('y')"}),
			`node_modules/x/index.js:1:9: the package "y", which x needs, isn't in node_modules; install the packages anew`},
		"in a handler that is no module": {files{"api/main.js": "var a = 1;\nmodule.exports = function () { return require('lodash'); };"},
			`api/main.js:2:47: the package "lodash" isn't in package.json; add it: npm install lodash`},
		"Node's own":                     {pkg("import fs from 'node:fs/promises';\nexport default () => fs;", files{}), `api/main.ts:1:16: "node:fs/promises" is Node's own and not there; use fazt.private`},
		"Node's own, of a package":       {pkg("import x from 'x'; export default x", files{"node_modules/x/index.js": "\nrequire('http')"}), `node_modules/x/index.js:2:9: "http" is Node's own`},
		"Node's crypto has more":         {pkg("import { createHash } from 'crypto';\nexport default () => createHash;", files{}), `api/main.ts:1:10: the module crypto has randomUUID`},
		"a file that isn't there":        {pkg("import './nope';\nexport default () => 1;", files{}), `api/main.ts:1:8: there is no api/nope, nor with .ts`},
		"out of the app":                 {pkg("import '../../etc/passwd';\nexport default () => 1;", files{}), `api/main.ts:1:8: "../../etc/passwd" leads out of the app's folder`},
		"an absolute path":               {pkg("import '/etc/passwd';\nexport default () => 1;", files{}), `api/main.ts:1:8: "/etc/passwd" can't be imported`},
		"an address":                     {pkg("import 'https://example.org/x.js';\nexport default () => 1;", files{}), `api/main.ts:1:8: "https://example.org/x.js" can't be imported`},
		"what isn't exported":            {pkg("import { b } from './a';\nexport default () => b;", files{"api/a.ts": "export const a = 1;"}), `api/main.ts:1:10: api/a.ts doesn't export that`},
		"a property that isn't exported": {pkg("import * as a from './a';\nexport default () => a.b;", files{"api/a.ts": "export const a = 1;"}), `api/main.ts:2:24: `},
		"a subpath that isn't exported": {pkg("import 'x/y';\nexport default () => 1;", files{"node_modules/x/package.json": `{"exports": {".": "./x.js"}}`}),
			`api/main.ts:1:8: the package x doesn't export ./y`},
		"a style":             {pkg("import './a.css';\nexport default () => 1;", files{"api/a.css": ""}), `api/a.css: a file that ends in ".css" can't be bundled`},
		"a mistake":           {pkg("export default function () {\n  return 1 +;\n}", files{}), `api/main.ts:2:13: SyntaxError: Unexpected ";"`},
		"a mistake in a file": {pkg("import './lib';\nexport default () => 1;", files{"api/lib.ts": "let a = ;"}), `api/lib.ts:1:9: SyntaxError: `},
		"no default": {pkg("import x from './x';\nexport const GET = () => x;\nexport function POST() {}", files{"api/x.ts": "export default 1"}),
			`api/main.ts:2:1: this module exports GET, POST, but no default`},
		"an app of a router as default": {pkg("const app = { routes: [], fetch(request) { return new Response('x'); } };\nexport default app;", files{}), `api/main.ts:2:1: the default export of api/main.ts is an object with fetch, which fazt does not call; write a function that does, such as the one in docs/packages.md`},
		"an instance as default":        {pkg("class App { fetch() {} }\nexport default new App();", files{}), `api/main.ts:2:1: the default export of api/main.ts is an object with fetch`},
		"a list as default":             {pkg("import { list } from './lib';\nexport default list;", files{"api/lib.ts": "export const list = ['a'].map(x => x);"}), `api/main.ts:2:1: the default export of api/main.ts is a value of the type object; write export default function`},
		"an object as default":          {pkg("import './lib';\nconst x = 1;\nexport default { fetch() {} };", files{"api/lib.ts": "export default 5; console.log(1);"}), `api/main.ts:3:1: the default export is no function, which is what answers requests; write`},
		"a class as default":            {pkg("export default class Api { get() {} }", files{}), `api/main.ts:1:1: the default export is a class and no function, which is what answers requests; write`},
		"a nameless class as default":   {pkg("export default class { static { this.x = 1; } }", files{}), `api/main.ts:1:1: the default export is a class and no function`},
		"two handlers":                  {files{"api/main.ts": "", "api/main.js": ""}, `api/main.ts: there is api/main.js, too`},
		"import.meta":                   {pkg("export default () => import.meta.url;", files{}), `api/main.ts:1:22: import.meta isn't there`},
		"fetch":                         {pkg("export default async () => {\n  return await fetch('https://example.org');\n};", files{}), `api/main.ts:2:16: there is no fetch in a handler; a handler reaches no other server`},
		"process":                       {pkg("import './lib';\nexport default () => 1;", files{"api/lib.ts": "export const key = process.env.KEY;\nconsole.log(key);"}), `api/lib.ts:1:20: there is no process in a handler; variables of the environment`},
		"process in a script":           {files{"api/main.ts": "const k: string = process.env.K;\nrespond(k);"}, `api/main.ts:1:19: there is no process`},
		"a global of a package": {pkg("import y from 'y';\nimport x from 'x/sub';\nexport default () => x + y;", files{
			"node_modules/x/sub.js": "function f() { return Buffer.from('a'); }\nmodule.exports = f();", "node_modules/y/index.js": "exports.f = () => Buffer;"}),
			`api/main.ts:2:15: the package x needs the global Buffer as soon as it is loaded (node_modules/x/sub.js:1)`},
		"a global of a required package": {files{"api/main.js": "var x = require('x');\nrespond(x);", "node_modules/x/index.js": "module.exports = setInterval(1, 1);"},
			`api/main.js:1:17: the package x needs the global setInterval`},
		"a name of ours": {pkg("export default () => [$rocess, _rocess, Qrocess];", files{}), `api/main.ts`},
	} {
		t.Run(name, func(t *testing.T) {
			made, err := bundle.Bundle(t.Context(), tt.app.fs())
			if err == nil {
				t.Fatalf("bundled: %s", made.Files["api/main.js"])
			}
			if _, ok := errors.AsType[*runtime.Error](err); !ok || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("%v\nwant: %s", err, tt.want)
			}
		})
	}
}

// What asks for a global, or is never reached, runs.
func TestGlobalsThatAreAskedFor(t *testing.T) {
	res, err := answer(t, files{
		"api/main.ts": `
import x from 'x';
const has = typeof fetch === 'function' ? fetch : null;
const buffer = globalThis.Buffer ? Buffer.from('x') : 'none';
const local = (process: number) => process;
export default () => [has, buffer, local(1), x.env, x.root, x.lazy.length, { process: 2 }.process, ({} as any).fetch === undefined];`,
		"node_modules/x/index.js": `
exports.env = process.env.NODE_ENV;
exports.root = (typeof global == 'object' && global && global.Object === Object) ? 'global' : 'none';
exports.lazy = function (a) { return Buffer.from(a); };
try { Buffer.from(''); } catch (e) {}
`,
	}.fs())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`[null,"none",1,"production","global",1,2,true]`, string(res.Response.Body)); diff != "" {
		t.Error(diff)
	}
}
