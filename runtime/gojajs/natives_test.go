package gojajs_test

import (
	_ "embed"
	"fmt"
	"reflect"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/gojajs"
	"github.com/fazt-sh/fazt/runtime/runtimetest"
)

// natives.txt says of every native what keeps it from running on, see its first
// lines.
//
//go:embed testdata/natives.txt
var nativesTable string

// roots are the intrinsics that syntax reaches without a global's name, or that
// functions return. What the language calls them stands before each.
var roots = []struct{ name, src string }{
	{"%TypedArray%", "Object.getPrototypeOf(Uint8Array)"},
	{"%IteratorPrototype%", "Object.getPrototypeOf(Object.getPrototypeOf([].values()))"},
	{"%ArrayIteratorPrototype%", "Object.getPrototypeOf([].values())"},
	{"%StringIteratorPrototype%", "Object.getPrototypeOf(''[Symbol.iterator]())"},
	{"%MapIteratorPrototype%", "Object.getPrototypeOf(new Map().entries())"},
	{"%SetIteratorPrototype%", "Object.getPrototypeOf(new Set().entries())"},
	{"%RegExpStringIteratorPrototype%", "Object.getPrototypeOf('x'.matchAll(/x/g))"},
	{"%GeneratorFunction.prototype%", "Object.getPrototypeOf(function* () {})"},
	{"%AsyncFunction.prototype%", "Object.getPrototypeOf(async () => {})"},
	{"%ThrowTypeError%", "Object.getOwnPropertyDescriptor((function () { 'use strict'; return arguments; })(), 'callee').get"},
	{"a promise's resolve", "(() => { let f; new Promise((a, b) => { f = a; }); return f; })()"},
	{"a promise's reject", "(() => { let f; new Promise((a, b) => { f = b; }); return f; })()"},
	{"a bound function", "(function () {}).bind(null)"},
	{"an array", "[]"}, {"a regular expression", "/x/g"}, {"a match", "/x/.exec('x')"}, {"a boxed text", "Object('x')"}, {"an error", "new Error('x')"},
	{"an engine's error", "(() => { try { null.x; } catch (e) { return e; } })()"}, {"a template's texts", "(s => s)`a`"},
	{"arguments", "(function () { return arguments; })()"}, {"a generator", "(function* () {})()"}, {"a promise", "(async () => {})()"},
	{"a proxy", "new Proxy({}, {})"}, {"a bigint", "Object(1n)"}, {"a symbol", "Object(Symbol())"}, {"a Date", "new Date()"},
}

// walker finds functions.
type walker struct {
	js    *goja.Runtime
	names map[*goja.Object]string
	queue []*goja.Object // to be looked into
	later []*goja.Object // whose prototypes are

	ownKeys, describe goja.Callable
}

func newWalker(js *goja.Runtime) *walker {
	w := &walker{js: js, names: make(map[*goja.Object]string)}
	reflect := js.Get("Reflect").(*goja.Object)
	w.ownKeys, _ = goja.AssertFunction(reflect.Get("ownKeys"))
	w.describe, _ = goja.AssertFunction(reflect.Get("getOwnPropertyDescriptor"))
	return w
}

func (w *walker) add(name string, val goja.Value) {
	if obj, ok := val.(*goja.Object); ok && w.names[obj] == "" {
		w.names[obj] = name
		w.queue = append(w.queue, obj)
		w.later = append(w.later, obj)
	}
}

func (w *walker) must(val goja.Value, err error) goja.Value {
	if err != nil {
		panic(err)
	}
	return val
}

// walk looks at the global object first, and at what it inherits, then at what the
// roots give, and at prototypes last, so that names are the ones that a programmer
// would write.
func (w *walker) walk() {
	extra := make([]goja.Value, len(roots))
	for i, r := range roots {
		extra[i] = w.must(w.js.RunString("(" + r.src + ")"))
	}
	w.add("globalThis", w.js.GlobalObject())
	w.drain()
	w.add("globals", w.js.GlobalObject().Prototype())
	w.drain()
	for i, r := range roots {
		w.add(r.name, extra[i])
		w.drain()
	}
	for len(w.later) > 0 {
		obj := w.later[0]
		w.later = w.later[1:]
		if p := obj.Prototype(); p != nil {
			w.add("the prototype of "+w.names[obj], p)
		}
		w.drain()
	}
}

func (w *walker) drain() {
	for len(w.queue) > 0 {
		obj := w.queue[0]
		w.queue = w.queue[1:]
		prefix := w.names[obj] + "."
		if prefix == "globalThis." || prefix == "globals." {
			prefix = ""
		}
		keys := w.must(w.ownKeys(nil, obj)).(*goja.Object)
		for i := range keys.Get("length").ToInteger() {
			key := keys.Get(fmt.Sprint(i))
			name := prefix + key.String()
			if s, ok := key.(*goja.Symbol); ok {
				name = prefix + "[" + s.String() + "]"
			}
			d, ok := w.must(w.describe(nil, obj, key)).(*goja.Object)
			if !ok {
				continue
			}
			w.add(name, d.Get("value"))
			w.add("get "+name, d.Get("get"))
			w.add("set "+name, d.Get("set"))
		}
	}
}

// implementer tells whose a function is: goja's, or else ours.
func implementer(f *goja.Object) string {
	native, ok := f.Export().(func(goja.FunctionCall) goja.Value)
	if !ok {
		return "JavaScript"
	}
	name := goruntime.FuncForPC(reflect.ValueOf(native).Pointer()).Name()
	switch {
	case strings.HasSuffix(name, "FuncObject).Call-fm"):
		return "JavaScript"
	case strings.Contains(name, "/runtime/gojajs."):
		return "Go"
	}
	return "goja"
}

// interpreter makes a walker of an interpreter with all guards installed, or with
// those alone that don't depend on a value that is passed on. change may change it
// before. use is called in the interpreter's run.
func interpreter(t *testing.T, values bool, change func(*goja.Runtime), use func(*walker)) {
	t.Helper()
	engine := gojajs.Inside(func(js *goja.Runtime, install func(bool)) {
		if change != nil {
			change(js)
		}
		w := newWalker(js)
		install(values)
		w.walk()
		use(w)
	})
	r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{engine}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := runtimetest.Load(r, map[string]string{runtime.DefaultMain: "inside()"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Run(t.Context(), &runtime.Request{Method: "GET", Path: "/api"}); err != nil {
		t.Fatal(err)
	}
}

// natives are an interpreter's functions, each with its implementer.
func natives(t *testing.T, values bool, change func(*goja.Runtime)) map[string]string {
	t.Helper()
	found := make(map[string]string)
	interpreter(t, values, change, func(w *walker) {
		for obj, name := range w.names {
			if _, ok := goja.AssertFunction(obj); ok && name != "inside" {
				found[name] = implementer(obj)
			}
		}
	})
	return found
}

// table reads natives.txt: the class of each native.
func table(t *testing.T) map[string]string {
	t.Helper()
	classes := make(map[string]string)
	for line := range strings.Lines(nativesTable) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.Split(line, "\t")
		if len(parts) != 3 || !slices.Contains([]string{"guarded", "harmless", "inert"}, parts[1]) || parts[2] == "" {
			t.Fatalf("natives.txt: %q: want a name, a class and a reason, with tabs between", line)
		}
		if classes[parts[0]] != "" {
			t.Fatalf("natives.txt: %s is there twice", parts[0])
		}
		classes[parts[0]] = parts[1]
	}
	return classes
}

// differences says where an interpreter isn't as the table has it.
func differences(classes, whenNamed, whenPassedOn map[string]string) (list []string) {
	for name, by := range whenPassedOn {
		switch {
		case classes[name] == "":
			list = append(list, name+" is not in natives.txt: find out what bounds its work, guard it if nothing does, and add it")
		case classes[name] != "inert" && by == "goja":
			list = append(list, name+" is goja's own where its value is passed on")
		case classes[name] == "inert" && by != "goja":
			list = append(list, name+" is called inert, but isn't goja's own")
		case classes[name] == "guarded" && whenNamed[name] == "goja":
			list = append(list, name+" is called guarded, but is goja's own where it is called")
		}
	}
	for name := range whenNamed {
		if classes[name] == "" && whenPassedOn[name] == "" {
			list = append(list, name+" is not in natives.txt")
		}
	}
	for name := range classes {
		if whenPassedOn[name] == "" {
			list = append(list, name+" is in natives.txt, but not in the interpreter")
		}
	}
	slices.Sort(list)
	return list
}

func TestNatives(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED under -short: walks the objects of one interpreter in one goroutine")
	}
	classes := table(t)
	for _, problem := range differences(classes, natives(t, false, nil), natives(t, true, nil)) {
		t.Error(problem)
	}
	count := make(map[string]int)
	for _, class := range classes {
		count[class]++
	}
	t.Logf("%d natives: %v", len(classes), count)
}

// A native that nobody has looked at is found, wherever it is.
func TestNativesAdded(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED under -short: walks the objects of one interpreter in one goroutine")
	}
	for name, change := range map[string]string{
		"added":                           "globalThis.added = added",
		"Array.prototype.added":           "Object.defineProperty(Array.prototype, 'added', {value: added})",
		"get Map.prototype.added":         "Object.defineProperty(Map.prototype, 'added', {get: added})",
		"set Math.added":                  "Object.defineProperty(Math, 'added', {set: added})",
		"Promise.[Symbol.added]":          "Promise[Symbol('Symbol.added')] = added",
		"%StringIteratorPrototype%.added": "Object.getPrototypeOf(''[Symbol.iterator]()).added = added",
		"Function.prototype.call.added":   "Function.prototype.call.added = added",
	} {
		t.Run(name, func(t *testing.T) {
			add := func(js *goja.Runtime) {
				added := js.ToValue(func(goja.FunctionCall) goja.Value { return goja.Undefined() })
				f, err := js.RunString("(function (added) { " + change + " })")
				if err != nil {
					t.Fatal(err)
				}
				call, _ := goja.AssertFunction(f)
				if _, err := call(goja.Undefined(), added); err != nil {
					t.Fatal(err)
				}
			}
			got := differences(table(t), natives(t, false, add), natives(t, true, add))
			if !slices.ContainsFunc(got, func(problem string) bool { return strings.HasPrefix(problem, name+" is not in natives.txt") }) {
				t.Errorf("it isn't reported: %v", got)
			}
		})
	}
}

// The walk finds all objects that goja itself keeps as a part of the language. So
// a new one that syntax alone leads to needs a root.
func TestIntrinsics(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED under -short: walks the objects of one interpreter in one goroutine")
	}
	js := goja.New()
	w := newWalker(js)
	w.walk()
	seen := make(map[uintptr]bool)
	for obj := range w.names {
		seen[reflect.ValueOf(obj).Pointer()] = true
	}
	global := reflect.ValueOf(js).Elem().FieldByName("global")
	if global.Kind() == reflect.Pointer {
		global = global.Elem()
	}
	objects := 0
	for i := range global.NumField() {
		field, name := global.Field(i), global.Type().Field(i).Name
		if field.Type() != reflect.TypeFor[*goja.Object]() {
			continue
		}
		if objects++; field.IsNil() {
			t.Errorf("nothing has led to %s", name)
		} else if !seen[field.Pointer()] {
			t.Errorf("the walk doesn't find %s", name)
		}
	}
	if objects < 50 {
		t.Errorf("goja keeps its intrinsics somewhere else: %d found", objects)
	}
}
