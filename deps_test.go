package fazt_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/fazt-sh/fazt"

// arrows are the packages of this module that each package may import. They point
// away from the programs, and never back.
var arrows = map[string][]string{
	"api":                          {},
	"budget":                       {},
	"frontdoor":                    {"api"},
	"frontdoor/acme":               {"storage"},
	"runtime":                      {"runtime/internal/literal", "runtime/internal/regexpcost", "runtime/internal/sourcemap"},
	"runtime/bundle":               {"runtime", "runtime/gojajs", "runtime/internal/sourcemap"},
	"runtime/internal/sourcemap":   {},
	"runtime/internal/literal":     {},
	"runtime/internal/brackets":    {},
	"runtime/internal/dates":       {"runtime/internal/numbers"},
	"runtime/internal/esregexp":    {},
	"runtime/internal/intl":        {"runtime", "runtime/internal/dates", "runtime/internal/literal", "runtime/internal/numbers"},
	"runtime/internal/numbers":     {"runtime/internal/literal"},
	"runtime/internal/regexpcost":  {},
	"runtime/internal/js":          {"runtime", "runtime/internal/dates", "runtime/internal/intl", "runtime/internal/numbers", "runtime/internal/literal"},
	"runtime/ottojs":               {"runtime", "runtime/internal/brackets", "runtime/internal/dates", "runtime/internal/esregexp", "runtime/internal/intl", "runtime/internal/numbers", "runtime/internal/js", "runtime/internal/literal", "runtime/internal/regexpcost"},
	"runtime/gojajs":               {"runtime", "runtime/internal/brackets", "runtime/internal/dates", "runtime/internal/esregexp", "runtime/internal/intl", "runtime/internal/numbers", "runtime/internal/js", "runtime/internal/literal", "runtime/internal/regexpcost"},
	"storage":                      {"api"},
	"storage/sqlite":               {"api", "storage", "storage/internal/bodies", "storage/internal/calls", "storage/internal/demand", "storage/internal/fairqueue", "storage/internal/logsearch", "storage/internal/recent", "storage/internal/sorted", "storage/transfer"},
	"storage/transfer":             {"storage"},
	"storage/postgres":             {"api", "storage", "storage/internal/bodies", "storage/internal/calls", "storage/internal/demand", "storage/internal/fairqueue", "storage/internal/logsearch", "storage/internal/recent", "storage/internal/sorted", "storage/sqlite", "storage/transfer"},
	"storage/backups":              {"storage"},
	"storage/postgres/pgtest":      {},
	"storage/postgres/clustertest": {},
	"storage/internal/bodies":      {"storage"},
	"storage/internal/calls":       {"api", "storage"},
	"storage/internal/demand":      {"storage"},
	"storage/internal/fairqueue":   {},
	"storage/internal/logsearch":   {"storage"},
	"storage/internal/sorted":      {"storage"},
	"storage/internal/recent":      {"storage"},
	"auth":                         {"api", "storage"},
	"auth/passkey":                 {"auth"},
	"internal/livereload":          {},
	"internal/seal":                {},
	"internal/teststore":           {"auth", "storage", "storage/postgres", "storage/postgres/pgtest", "storage/sqlite"},
	"internal/site":                {"api", "runtime", "storage"},
	"internal/jsapi":               {"api", "auth", "budget", "internal/site", "runtime", "storage"},
	"internal/jsapi/reference":     {"internal/jsapi"},
	"":                             {"api", "auth", "budget", "frontdoor", "internal/jsapi", "internal/livereload", "internal/seal", "internal/site", "runtime", "runtime/gojajs", "runtime/ottojs", "storage", "storage/backups", "storage/sqlite", "storage/transfer"},
	"cli":                          {"", "api", "auth/passkey", "cli/gitignore", "examples", "frontdoor", "frontdoor/acme", "internal/jsapi/reference", "internal/site", "runtime", "runtime/bundle", "storage", "storage/backups", "storage/postgres"},
	"cli/gitignore":                {},
	"cli/fazt":                     {"cli"},
	"harnesstest":                  {"", "frontdoor", "storage", "api", "auth", "harnesstest/cases", "harnesstest/faults", "harnesstest/load", "harnesstest/gaps", "harnesstest/history", "harnesstest/report"},
	"harnesstest/routing":          {},
	"runtime/runtimetest":          {"runtime"},
	"storage/storagetest":          {"api", "storage", "storage/transfer", "harnesstest/history"},
	"runtime/nodetest":             {},
	"examples":                     {},
	"examples/embed":               {""},
	"harnesstest/load":             {},
	"harnesstest/faults":           {},
	"harnesstest/gaps":             {},
	"harnesstest/history":          {},
	"harnesstest/cases":            {},
	"harnesstest/report":           {"harnesstest/load", "harnesstest/gaps"},
}

// libraries are the modules that the root package links, with all that they
// bring along. Whoever imports it pays for each, so one more is a decision.
var libraries = []string{
	"github.com/HdrHistogram/hdrhistogram-go",
	"github.com/beorn7/perks",
	"github.com/cespare/xxhash/v2",
	"github.com/coreos/go-oidc/v3",
	"github.com/dlclark/regexp2/v2",
	"github.com/dop251/goja",
	"github.com/go-jose/go-jose/v4",
	"github.com/go-sourcemap/sourcemap",
	"github.com/google/pprof",
	"github.com/klauspost/compress",
	"github.com/mattn/go-sqlite3",
	"github.com/munnerz/goautoneg",
	"github.com/prometheus/client_golang",
	"github.com/prometheus/client_model",
	"github.com/prometheus/common",
	"github.com/prometheus/procfs",
	"github.com/robertkrimen/otto",
	"golang.org/x/crypto",
	"golang.org/x/net",
	"golang.org/x/oauth2",
	"golang.org/x/sync",
	"golang.org/x/sys",
	"golang.org/x/text",
	"google.golang.org/protobuf",
	"gopkg.in/sourcemap.v1",
}

type listed struct {
	ImportPath string
	Imports    []string
	Module     *struct{ Path string }
}

// list is go list on packages.
func list(t *testing.T, args ...string) (packages []listed) {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports,Module"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, stderr.Bytes())
	}
	dec := json.NewDecoder(bytes.NewReader(out))
	for {
		var p listed
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// inModule is a package's path below the module's.
func inModule(path string) (name string, ok bool) {
	rest, ok := strings.CutPrefix(path, module)
	return strings.TrimPrefix(rest, "/"), ok
}

func TestArrows(t *testing.T) {
	for _, p := range list(t, "./...") {
		name, _ := inModule(p.ImportPath)
		allowed, ok := arrows[name]
		if !ok {
			t.Errorf("package %q has no row in the table of imports", name)
			continue
		}
		for _, imported := range p.Imports {
			if to, ours := inModule(imported); ours && !slices.Contains(allowed, to) {
				t.Errorf("package %q imports %q", name, to)
			}
		}
	}
}

func TestRootLinksNoHeavyLibrary(t *testing.T) {
	var got []string
	for _, p := range list(t, "-deps", ".") {
		if p.Module != nil && p.Module.Path != module && !slices.Contains(got, p.Module.Path) {
			got = append(got, p.Module.Path)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(libraries, got); diff != "" {
		t.Errorf("the libraries of the root package (-table +linked):\n%s", diff)
	}
}

// The harness is for tests: the command must not carry it, nor package testing.
func TestCommandLinksNoHarness(t *testing.T) {
	for _, p := range list(t, "-deps", "./cli/fazt") {
		if name, ours := inModule(p.ImportPath); ours && strings.HasPrefix(name, "harnesstest") || p.ImportPath == "testing" {
			t.Errorf("the command links %s", p.ImportPath)
		}
	}
}
