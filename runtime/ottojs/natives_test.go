package ottojs_test

import (
	_ "embed"
	"reflect"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"

	"github.com/robertkrimen/otto"

	"github.com/fazt-sh/fazt/runtime/ottojs"
)

// nativesTable says of every native what keeps it from running on, see its first
// lines.
//
//go:embed testdata/natives.txt
var nativesTable string

// walker finds an interpreter's functions. It reads otto's own objects, as they are
// in Go's memory, since an interpreter that is prepared hides some of them.
type walker struct {
	names     map[uintptr]string
	queue     []reflect.Value // of type *otto.object
	functions map[string]string
}

// field reads a field that otto doesn't export.
func field(obj reflect.Value, name string) reflect.Value {
	f := obj.Elem().FieldByName(name)
	if !f.IsValid() {
		panic("otto has no " + name + " in " + obj.Type().String())
	}
	return f
}

// object is what a value refers to, or the zero Value.
func object(val otto.Value) reflect.Value {
	if !val.IsObject() {
		return reflect.Value{}
	}
	return field(reflect.ValueOf(val.Object()), "object")
}

func (w *walker) add(name string, obj reflect.Value) {
	if strings.HasSuffix(name, ".caller") {
		name = "get a function's caller" // each has one of its own
	}
	for obj.IsValid() && obj.Kind() == reflect.Interface {
		obj = obj.Elem()
	}
	if !obj.IsValid() || obj.Kind() != reflect.Pointer || obj.Type().String() != "*otto.object" || obj.IsNil() || w.names[obj.Pointer()] != "" {
		return
	}
	w.names[obj.Pointer()] = name
	w.queue = append(w.queue, obj)
	if by := implementer(obj); by != "" {
		w.functions[name] = by
	}
}

// implementer tells whose a function is; it is empty for other objects.
func implementer(obj reflect.Value) string {
	if field(obj, "class").String() != "Function" {
		return ""
	}
	val := field(obj, "value").Elem()
	if val.Type().String() != "otto.nativeFunctionObject" {
		return "JavaScript"
	}
	name := goruntime.FuncForPC(val.FieldByName("call").Pointer()).Name()
	if strings.Contains(name, "/runtime/ottojs.") {
		return "Go"
	}
	return "otto"
}

func (w *walker) drain() {
	for len(w.queue) > 0 {
		obj := w.queue[0]
		w.queue = w.queue[1:]
		prefix := w.names[obj.Pointer()] + "."
		if prefix == "globalThis." {
			prefix = ""
		}
		properties := field(obj, "property")
		keys := properties.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range keys {
			w.property(prefix, key.String(), properties.MapIndex(key).FieldByName("value").Elem())
		}
	}
}

func (w *walker) property(prefix, key string, val reflect.Value) {
	if !val.IsValid() {
		return
	}
	switch val.Type().String() {
	case "otto.Value":
		w.add(prefix+key, val.FieldByName("value"))
	case "otto.propertyGetSet":
		w.add("get "+prefix+key, val.Index(0))
		w.add("set "+prefix+key, val.Index(1))
	default:
		panic("otto has properties of type " + val.Type().String())
	}
}

// functionsOf walks through an interpreter.
func functionsOf(t *testing.T, change string) map[string]string {
	t.Helper()
	vm, given, err := ottojs.Interpreter()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := vm.Run(change); err != nil {
		t.Fatal(err)
	}
	w := &walker{names: make(map[uintptr]string), functions: make(map[string]string)}
	rt := field(reflect.ValueOf(vm), "runtime")
	w.add("globalThis", field(rt, "globalObject"))
	w.drain()
	for _, name := range []string{"request", "bytes", "require", "URL", "URLSearchParams"} {
		w.add(name, object(given[name]))
		w.drain()
	}
	for _, src := range []string{"(function () { return arguments; })()", "/x/", "(function () {}).bind(null)"} {
		val, err := vm.Run(src)
		if err != nil {
			t.Fatal(err)
		}
		w.add(src, object(val))
		w.drain()
	}
	// What is reached from them by their prototypes, or by the values of a
	// literal.
	global := field(rt, "global")
	for i := range global.NumField() {
		if name := global.Type().Field(i).Name; strings.HasSuffix(name, "Prototype") {
			w.add("%"+name+"%", global.Field(i))
			w.drain()
		}
	}
	return w.functions
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
		if len(parts) != 3 || parts[1] != "guarded" && parts[1] != "harmless" || parts[2] == "" {
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
func differences(classes, found map[string]string) (list []string) {
	for name, by := range found {
		switch class := classes[name]; {
		case class == "":
			list = append(list, name+" is not in natives.txt: find out what bounds its work, guard it if nothing does, and add it")
		case class == "guarded" && by == "otto":
			list = append(list, name+" is called guarded, but is otto's own")
		case class == "harmless" && by != "otto":
			list = append(list, name+" is called harmless, but isn't otto's own")
		}
	}
	for name := range classes {
		if found[name] == "" {
			list = append(list, name+" is in natives.txt, but not in the interpreter")
		}
	}
	slices.Sort(list)
	return list
}

func TestNatives(t *testing.T) {
	classes := table(t)
	for _, problem := range differences(classes, functionsOf(t, "")) {
		t.Error(problem)
	}
	count := make(map[string]int)
	for _, class := range classes {
		count[class]++
	}
	t.Logf("%d natives: %v", len(classes), count)
}

// A native that nobody has looked at is found. Only what isn't unchangeable can get
// one: the global object.
func TestNativesAdded(t *testing.T) {
	for name, change := range map[string]string{
		"added":        "added = Math.max.bind(null)",
		"added.deeper": "added = {deeper: function () {}}",
	} {
		t.Run(name, func(t *testing.T) {
			got := differences(table(t), functionsOf(t, change))
			if !slices.ContainsFunc(got, func(problem string) bool { return strings.HasPrefix(problem, name+" is not in natives.txt") }) {
				t.Errorf("it isn't reported: %v", got)
			}
		})
	}
}
