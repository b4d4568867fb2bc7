package runtime_test

import (
	"fmt"
	goruntime "runtime"
	"testing"

	"github.com/fazt-sh/fazt/runtime"
)

// loadCases are programs whose loading is measured: the least, and one of a usual
// size.
var loadCases = []struct{ name, src string }{
	{"trivial", `function handler(request) { return {ok: true, path: request.path}; }`},
	{"usual", usual()},
}

// usual is a handler of a hundred lines.
func usual() string {
	src := "var routes = {};\n"
	for i := range 12 {
		src += fmt.Sprintf(`
routes['GET /api/item%d'] = function (request) {
  var key = 'item%d:' + request.query.id;
  var found = fazt.storage.kv.get(key);
  if (!found) { return respond(404, {error: 'there is no ' + key}); }
  for (var i = 0; i < found.tags.length; i++) { found.tags[i] = found.tags[i].trim(); }
  return {id: request.query.id, value: found, by: fazt.app.name};
};
`, i, i)
	}
	return src + "function handler(request) { return routes[request.method + ' ' + request.path](request); }\n"
}

// BenchmarkLoad compiles.
func BenchmarkLoad(b *testing.B) {
	for _, e := range engines {
		for _, c := range loadCases {
			b.Run(e.Name()+"/"+c.name, func(b *testing.B) {
				r := newRuntime(b, runtime.Options{Engines: []runtime.Engine{e}})
				source := runtime.Source{Files: map[string]string{"api/main.js": c.src}}
				b.ReportAllocs()
				for b.Loop() {
					if _, err := r.Load(b.Context(), source); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkLoadedBytes has a hundred handlers at a time, each of a program and
// with a host of its own, and says what each holds.
func BenchmarkLoadedBytes(b *testing.B) {
	const n = 100
	for _, e := range engines {
		for _, c := range loadCases {
			b.Run(e.Name()+"/"+c.name, func(b *testing.B) {
				r := newRuntime(b, runtime.Options{Engines: []runtime.Engine{e}})
				base := benchHost(b)
				var loaded [n]*runtime.Handler
				load := func(i int) {
					p, err := r.Load(b.Context(), runtime.Source{Files: map[string]string{"api/main.js": c.src + fmt.Sprintf("// %d", i)}})
					if err != nil {
						b.Fatal(err)
					}
					loaded[i] = bindApp(b, p, base)
				}
				load(0)
				for b.Loop() {
					clear(loaded[:])
					before := heapBytes()
					for i := range loaded {
						load(i)
					}
					b.ReportMetric(float64(heapBytes()-before)/n, "B/program")
				}
				goruntime.KeepAlive(loaded)
			})
		}
	}
}

// BenchmarkBind adds an app's constants to a host, and binds a program to it.
func BenchmarkBind(b *testing.B) {
	for _, e := range engines {
		b.Run(e.Name(), func(b *testing.B) {
			p, err := newRuntime(b, runtime.Options{Engines: []runtime.Engine{e}}).Load(b.Context(), runtime.Source{Files: map[string]string{"api/main.js": usual()}})
			if err != nil {
				b.Fatal(err)
			}
			base := benchHost(b)
			b.ReportAllocs()
			for b.Loop() {
				bindApp(b, p, base)
			}
		})
	}
}

// benchHost has as many functions as a server's.
func benchHost(b *testing.B) *runtime.Host {
	values := map[string]any{"fazt.version": "1.0"}
	for _, store := range []string{"fazt.storage", "fazt.app", "fazt.app.user"} {
		for _, f := range []string{"get", "set", "delete", "list", "incr", "find", "insert", "update", "count", "put"} {
			values[store+".kv."+f], values[store+".ds."+f] = runtime.Func(nil), runtime.Func(nil)
		}
	}
	host, err := runtime.NewHost(values)
	if err != nil {
		b.Fatal(err)
	}
	return host
}

func bindApp(b *testing.B, p *runtime.Program, base *runtime.Host) *runtime.Handler {
	host, err := base.With(map[string]any{"fazt.app.id": "a1b2c3", "fazt.app.name": "notes", "fazt.app.version": 3})
	if err != nil {
		b.Fatal(err)
	}
	return p.Bind(host)
}

// heapBytes is what is in use.
func heapBytes() int64 {
	goruntime.GC()
	goruntime.GC()
	var m goruntime.MemStats
	goruntime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
