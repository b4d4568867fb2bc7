package reference_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/internal/jsapi"
	"github.com/fazt-sh/fazt/internal/jsapi/reference"
)

// tsconfig has what an author's editor would have, and nothing of browsers or Node.
const tsconfig = `{
  "compilerOptions": {
    "noEmit": true, "allowJs": true, "checkJs": true, "strict": true, "noImplicitAny": false, "useUnknownInCatchVariables": false,
    "target": "es2022", "lib": ["es2022"], "types": [], "moduleDetection": "force"
  },
  "include": ["fazt.d.ts", "*.js", "*.ts"]
}`

// mistakes are what the declarations must find wrong, each by itself on its line.
const mistakes = `
fazt.storage.kv.sett('a', 1);
fazt.storage.kv.set(1, 'a');
fazt.storage.kv.set('a', 1, '10');
fazt.storage.kv.list('a', { limits: 1 });
fazt.storage.ds.find('a', { n: { $gt1: 1 } });
fazt.storage.ds.find('a', { n: { $gt: true } });
fazt.storage.ds.find('a', {}, { order: 'up' });
fazt.storage.ds.find('a', { n: /x/ });
fazt.storage.ds.findOne('a');
fazt.storage.ds.delete('a');
fazt.storage.ds.update('a', {}, { $inc: { n: 'x' } });
fazt.storage.batch([{ kv: 'sets', key: 'a', value: 1 }]);
fazt.storage.batch([{ kv: 'set', value: 1 }]);
fazt.storage.s3.put('a', { b: 1 });
fazt.auth.getUser().name;
fazt.auth.hasRoles('x');
respond(200, '', { A: { b: 1 } });
request.methods;
request.files.photo;
fetch('https://example.com');
process.env.X;
`

// TestTypeScript: the declarations are TypeScript, know each function by each of its
// names, take every example and the apps in examples/, and find mistakes.
func TestTypeScript(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED under -short: one run of the TypeScript compiler, a process of its own")
	}
	compiler := typescript(t)
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("tsconfig.json", tsconfig)
	write("fazt.d.ts", reference.Declarations())
	write("names.ts", names())
	write("note.ts", noteTS)
	for i, s := range samples(t) {
		if s.module != "" {
			write(fmt.Sprintf("module%03d%s", i, filepath.Ext(s.module)), s.source)
			continue
		}
		text := "(function () {\n" + mistaken.ReplaceAllString(s.source, "// @ts-ignore\n$0") + "\n});\n"
		for _, file := range s.files {
			text = strings.ReplaceAll(text, "require('./prices')", "(function () { var exports = {}; "+file+"\nreturn exports; })()")
		}
		write(fmt.Sprintf("example%03d.js", i), "// "+s.name+"\n"+text)
	}
	apps, err := filepath.Glob("../../../examples/*/api/*.js")
	if err != nil || len(apps) == 0 {
		t.Fatalf("there are no apps: %v", err)
	}
	for i, app := range apps {
		text, err := os.ReadFile(app)
		if err != nil {
			t.Fatal(err)
		}
		write(fmt.Sprintf("app%d.js", i), "// "+app+"\n"+string(text))
	}
	var wrong strings.Builder
	for line := range strings.Lines(strings.TrimSpace(mistakes)) {
		wrong.WriteString("// @ts-expect-error\n" + line)
	}
	write("wrong.ts", wrong.String())
	cmd := exec.CommandContext(t.Context(), compiler, "--pretty", "false")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err == nil {
		return
	}
	found := false
	for line := range strings.Lines(string(out)) {
		if !mayBeNull.MatchString(line) {
			found = true
			t.Error(line)
		}
	}
	if !found && !strings.Contains(string(out), ".js(") {
		t.Errorf("%v\n%s", err, out)
	}
}

// mayBeNull is what the compiler says of an example that leaves out a check for null, as
// it shows something else.
var mayBeNull = regexp.MustCompile(`^(app|example)\d+\.js\(.* is possibly 'null'`)

// mistaken is a line of an example that throws, mostly for what its types forbid.
var mistaken = regexp.MustCompile(`(?m)^.*// throws .*$`)

// names is a program that uses each function of the table by each of its names.
func names() string {
	var b strings.Builder
	for _, g := range jsapi.Table() {
		for _, prefix := range g.Prefixes {
			for _, f := range g.Functions {
				fmt.Fprintf(&b, "(%s.%s satisfies Function);\n", prefix, f.Name)
			}
		}
	}
	return b.String()
}

// typescript installs the compiler that testdata/typescript names, with what npm has
// checked it to be, and returns its path.
func typescript(t *testing.T) string {
	t.Helper()
	skip := t.Skipf
	if os.Getenv("FAZT_NODE") == "required" {
		skip = t.Fatalf
	}
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			skip("SKIPPED: %s is not on the PATH; install Node 18 or newer with npm to compile fazt.d.ts", program)
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/typescript")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		skip("SKIPPED: npm can't install TypeScript: %v\n%s", err, out)
	}
	return filepath.Join(dir, "node_modules", ".bin", "tsc")
}
