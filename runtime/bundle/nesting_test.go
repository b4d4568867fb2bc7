package bundle_test

import (
	"os"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/runtime/bundle"
)

func TestNesting(t *testing.T) {
	many := func(open string, n int, middle, end string) string {
		return strings.Repeat(open, n) + middle + strings.Repeat(end, n)
	}
	for name, tt := range map[string]struct {
		file, src string
		refused   bool
	}{
		"brackets":                         {"a.js", many("[", 100_000, "", "]"), true},
		"brackets, fewer":                  {"a.js", many("[", 190, "", "]"), false},
		"functions":                        {"a.js", many("function f(){", 300, "", "}"), true},
		"arrows":                           {"a.js", many("a=>", 300, "1", ""), true},
		"arrows, line by line":             {"a.js", many("a=>\n", 300, "1", ""), true},
		"arrows one behind the other":      {"a.js", strings.Repeat("const f = a => b => c\n", 2000), false},
		"arrows in a list":                 {"a.js", "x = [" + strings.Repeat("a => b,\n", 2000) + "]", false},
		"templates":                        {"a.js", many("`${", 300, "", "}`"), true},
		"statements":                       {"a.js", many("if(a)", 100_000, "b", ""), true},
		"statements, line by line":         {"a.js", many("if (a)\n", 10_000, "b", ""), true},
		"statements one behind the other":  {"a.js", strings.Repeat("if (a) return b\n", 5000), false},
		"labels":                           {"a.js", many("a:", 100_000, "b", ""), true},
		"keys":                             {"a.js", "x = {" + strings.Repeat("a: b,", 10_000) + "}", false},
		"signs":                            {"a.js", many("!", 100_000, "a", ""), true},
		"powers":                           {"a.js", many("a**", 100_000, "b", ""), true},
		"words":                            {"a.js", many("typeof ", 100_000, "b", ""), true},
		"words, line by line":              {"a.js", "a" + many("\nin b", 100_000, "", ""), true},
		"sums":                             {"a.js", many("a+", 2000, "b", ""), false},
		"elements":                         {"a.tsx", many("<a>", 10_000, "", "</a>"), true},
		"elements one behind the other":    {"a.tsx", "x = <p>" + many("<b>it's</b><i/>\n", 2000, "", "") + "</p>", false},
		"behind a text's apostrophe":       {"a.tsx", "x = <p>it's</p>;" + many("(", 100_000, "", ")"), true},
		"behind a text's backquote":        {"a.tsx", "x = <p>`</p>;" + many("(", 100_000, "", ")"), true},
		"behind a text's slashes":          {"a.tsx", "x = <p>//</p>;" + many("a=>", 100_000, "1", ""), true},
		"behind a text's comment":          {"a.tsx", "x = <p>/*</p>;" + many("(", 100_000, "", ")"), true},
		"behind a division after a brace":  {"a.js", "x = {}\n/2+\"/`\";" + many("(", 100_000, "", ")"), true},
		"an expression behind a brace":     {"a.js", "if (a) {} /[(`'\"]/.test(b);\n" + many("[", 190, "", "]"), false},
		"a text full of brackets":          {"a.ts", "x = '" + many("(", 1000, "", "") + "'", false},
		"an expression full of brackets":   {"a.ts", "x = /[" + many("(", 1000, "", "") + "]/", false},
		"conditions with arrows":           {"a.ts", many("a?(b):c=>", 40, "d", ""), true},
		"conditions with arrows, deeper":   {"a.ts", many("a?(b):(c=>", 40, "d", ")"), true},
		"conditions with arrows in blocks": {"a.ts", many("a?(b):c=>{return ", 40, "d", "}"), true},
		"conditions":                       {"a.ts", many("a ? (b) : ", 100, "d", ""), false},
		"types of results":                 {"a.ts", "class A {" + strings.Repeat("f(a?: number): void { g(() => 1) }\n", 500) + "}", false},
		"an empty file":                    {"a.ts", "", false},
		"an open comment":                  {"a.ts", "/*", false},
		"an open text":                     {"a.ts", "'\\", false},
		"closed too often":                 {"a.ts", ")]}`", false},
	} {
		t.Run(name, func(t *testing.T) {
			err := bundle.CheckNesting(tt.file, tt.src, strings.HasSuffix(tt.file, "x"))
			if (err != nil) != tt.refused {
				t.Errorf("refused: %v", err)
			}
			if err != nil && (err.Line < 1 || err.Column < 1 || err.File != tt.file) {
				t.Errorf("at %s:%d:%d", err.File, err.Line, err.Column)
			}
		})
	}
}

func FuzzNesting(f *testing.F) {
	for _, name := range []string{"bundle.go", "doc.go"} {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), true)
	}
	f.Add("a ? (b) : c => `${/[/]/}` /* */ // x\n<a b='c'>d</a>", false)
	f.Fuzz(func(t *testing.T, src string, jsx bool) {
		if err := bundle.CheckNesting("a", src, jsx); err != nil && (err.Line < 1 || err.Column < 1) {
			t.Errorf("at %d:%d", err.Line, err.Column)
		}
	})
}
