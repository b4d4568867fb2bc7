package gitignore_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fazt-sh/fazt/cli/gitignore"
)

func ExampleRules_Match() {
	rules := gitignore.Parse("*.tmp\n!keep.tmp\n/build/\n")
	for _, path := range []string{"a/b.tmp", "keep.tmp", "index.html"} {
		excluded, ok := rules.Match(path, false)
		fmt.Println(path, excluded, ok)
	}
	// Output:
	// a/b.tmp true true
	// keep.tmp false true
	// index.html false false
}

// excluded asks about a path as a walk from the top does: whatever is inside an
// excluded directory is excluded.
func excluded(rules gitignore.Rules, path string) bool {
	for i, c := range path {
		if c == '/' {
			if out, _ := rules.Match(path[:i], true); out {
				return true
			}
		}
	}
	out, _ := rules.Match(path, false)
	return out
}

func TestMatch(t *testing.T) {
	tests := []struct {
		rules string
		out   []string
		in    []string
	}{
		{"secret.txt", []string{"secret.txt", "a/b/secret.txt"}, []string{"secret.txt.old", "xsecret.txt"}},
		{"/secret.txt", []string{"secret.txt"}, []string{"a/secret.txt"}},
		{"a/b.txt", []string{"a/b.txt"}, []string{"c/a/b.txt", "b.txt"}},
		{"build/", []string{"build/x", "a/build/x"}, []string{"build", "building/x"}},
		{"/build/*", []string{"build/x", "build/y/z"}, []string{"a/build/x"}},
		{"*.map", []string{"app.map", "a/b.map"}, []string{"map", "a.map.js"}},
		{"?.js", []string{"a.js", "ü.js"}, []string{"ab.js", ".js"}},
		{"**/x", []string{"x", "a/x", "a/b/x"}, []string{"ax", "a/xb"}},
		{"a/**/z", []string{"a/z", "a/b/z", "a/b/c/z"}, []string{"az", "b/a/z"}},
		{"a/**", []string{"a/b", "a/b/c"}, []string{"a", "b/a/c"}},
		{"a**b", []string{"ab", "axxb", "d/axb"}, []string{"a/b"}},
		{"*.log\n!keep.log", []string{"a.log"}, []string{"keep.log", "a/keep.log"}},
		{"!keep.log\n*.log", []string{"keep.log"}, nil},
		{"dir/\n!dir/keep", []string{"dir/keep"}, nil},
		{"dir/*\n!dir/keep", []string{"dir/x"}, []string{"dir/keep"}},
		{"[ab].txt", []string{"a.txt", "b.txt"}, []string{"c.txt"}},
		{"[a-c]", []string{"b"}, []string{"d", "-"}},
		{"[!a-c]", []string{"d"}, []string{"a"}},
		{"[^a]x", []string{"bx"}, []string{"ax"}},
		{"[]-]", []string{"]", "-"}, []string{"a"}},
		{"x[.-0]y", []string{"x.y", "x0y"}, []string{"x/y"}},
		{"x[[:punct:]]y", []string{"x!y", "x[y", "x`y"}, []string{"xay", "x/y"}},
		{"[[:digit:]a-]", []string{"7", "a", "-"}, []string{"b"}},
		{"[z-a]", nil, []string{"a", "z", "-"}},
		{"[[:nope:]]", nil, []string{"n", ":"}},
		{"[open", nil, []string{"[open", "o"}},
		{`\#x`, []string{"#x"}, []string{`\#x`}},
		{"#x", nil, []string{"#x"}},
		{`\!x`, []string{"!x"}, nil},
		{`a\*`, []string{"a*"}, []string{"ab"}},
		{`a\`, nil, []string{"a", `a\`}},
		{"a.b", []string{"a.b"}, []string{"axb"}},
		{"x  ", []string{"x"}, []string{"x  "}},
		{`x\ `, []string{"x "}, []string{"x"}},
		{"x\r\ny\r\n", []string{"x", "y"}, nil},
		{"\n\n/\n!\n", nil, []string{"a"}},
		{"ä*", []string{"äb"}, []string{"ab"}},
	}
	for _, tt := range tests {
		t.Run(tt.rules, func(t *testing.T) {
			rules := gitignore.Parse(tt.rules)
			for _, path := range tt.out {
				if !excluded(rules, path) {
					t.Errorf("%q is not excluded", path)
				}
			}
			for _, path := range tt.in {
				if excluded(rules, path) {
					t.Errorf("%q is excluded", path)
				}
			}
		})
	}
}

// TestAgainstGit asks git itself about random rules and paths.
func TestAgainstGit(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(from []string, n int) string {
		var b strings.Builder
		for range 1 + random.IntN(n) {
			b.WriteString(from[random.IntN(len(from))])
		}
		return b.String()
	}
	globs := []string{"a", "b", "*", "?", "[ab]", "[!a]", "[.-0]", `\a`, "[[:alpha:]]"}
	// A ** stands alone between slashes here: after a literal, git's matching
	// differs from its manual.
	segment := func() string {
		if random.IntN(4) == 0 {
			return "**"
		}
		return strings.ReplaceAll(pick(globs, 3), "**", "*")
	}
	names := []string{"a", "b", "ab", "0", ".", "c"}
	for round := range 60 {
		var rules []string
		for range 1 + random.IntN(4) {
			rule := pick([]string{"", "", "!", "/", "!/"}, 1) + segment()
			for range random.IntN(3) {
				rule += "/" + segment()
			}
			rule += pick([]string{"", "", "/"}, 1)
			rules = append(rules, rule)
		}
		var paths []string
		for range 40 {
			var parts []string
			for range 1 + random.IntN(4) {
				if name := pick(names, 2); strings.Trim(name, ".") != "" {
					parts = append(parts, name)
				}
			}
			if len(parts) > 0 {
				paths = append(paths, strings.Join(parts, "/"))
			}
		}
		text := strings.Join(rules, "\n")
		parsed := gitignore.Parse(text)
		var got []string
		for _, path := range paths {
			if excluded(parsed, path) {
				got = append(got, path)
			}
		}
		if diff := cmp.Diff(git(t, text, paths), got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("round %d, rules %q: excluded (-git +ours):\n%s", round, rules, diff)
		}
	}
}

// git returns those of paths that git excludes.
func git(t *testing.T, rules string, paths []string) []string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".gitignore"), []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(stdin string, args ...string) string {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull)
		cmd.Stdin = strings.NewReader(stdin)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil && cmd.ProcessState.ExitCode() != 1 { // 1: none is excluded
			t.Fatalf("git %v: %v: %s", args, err, &stderr)
		}
		return string(out)
	}
	run("", "init", "-q")
	out := run(strings.Join(paths, "\x00")+"\x00", "check-ignore", "--no-index", "--stdin", "-z")
	return strings.FieldsFunc(out, func(r rune) bool { return r == 0 })
}

func FuzzMatch(f *testing.F) {
	f.Add("*.log\n!keep\n", "a/b.log")
	f.Add("[[:alpha:]-z]", "x")
	f.Add("**/a/**\n\\", "a/a")
	f.Fuzz(func(t *testing.T, text, path string) {
		rules := gitignore.Parse(text)
		fileOut, fileOK := rules.Match(path, false)
		if fileOut && !fileOK {
			t.Error("excluded by no rule")
		}
		if _, dirOK := rules.Match(path, true); fileOK && !dirOK {
			t.Error("a rule for the file does not hold for a directory of that name")
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	rules := gitignore.Parse("*.log\nnode_modules/\n/dist\n**/cache/**\n[Tt]humbs.db\n")
	for b.Loop() {
		rules.Match("assets/images/large/photo-0123.jpeg", false)
	}
}
