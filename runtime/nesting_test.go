package runtime_test

import (
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/runtime"
)

func TestNesting(t *testing.T) {
	many := func(s string) string { return strings.Repeat(s, 20_000) }
	deep := strings.Repeat("(", 2000)
	for _, c := range []struct {
		name, src string
		refused   bool
	}{
		{"brackets in texts", many(`f("(((", '[[[{');` + "\n"), false},
		{"brackets in comments", many("// ((([[[\n/* {{{ */ f();\n"), false},
		{"brackets in regular expressions", many("x = /[(\\/]((/.test('('); y = a / (b) / c;\n"), false},
		{"a regular expression behind a condition", many("if (a) /(/.test(b);\n"), false},
		{"a division behind brackets", many("x = (a + b) / 2 + c[0] / 3 + d() / 4;\n"), false},
		{"a division behind ++", many("x = i++ / 2; y = i-- / 3; z = (\n1);\n"), false},
		{"a regular expression behind return", many("function f() { return /[(]/ }\n"), false},
		{"a regular expression behind a block", many("if (a) { b(); }\n/(/.test(c);\n"), false},
		{"templates", many("x = `(((${a + `[${b}`} {{{`;\n"), false},
		{"no semicolons", many("var a = b + c * d\nfoo(a)\nif (a) {\n x = y\n}\nelse {\n z()\n}\n"), false},
		{"a long list", "[" + many("1 + 2, ") + "0]", false},
		{"a long object", "({" + many("a: b + c, ") + "z: 0})", false},
		{"keywords as properties", many("a.return / 2; b.if.else.for.while (\n1);\n"), false},
		{"nested", deep, true},
		{"nested behind a text", `'\'' + ` + deep, true},
		{"nested behind a template", "`${'`'}`" + deep, true},
		{"nested in a template", strings.Repeat("`${", 2000), true},
		{"nested behind a regular expression with a quote", `return /"/ + ` + deep, true},
		{"nested behind a class with a slash", `x = /[/"]/ + ` + deep, true},
		{"nested behind a division", `x = a / b; y = "/" + ` + deep, true},
		{"nested behind a comment", "/* ' */ // \"\n" + deep, true},
		{"an unclear slash", "x = function () {} / '/'", true},
		{"a long sum", "x = " + strings.Repeat("1 +\n", 20_000) + "1", true},
		{"a long sum without semicolons around", strings.Repeat("x = 1\n", 1000) + strings.Repeat("a +\nb - ", 20_000) + "1", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := runtime.CheckNesting(c.src)
			if (err != nil) != c.refused {
				t.Errorf("got %v, want refused = %v", err, c.refused)
			}
		})
	}
}

// FuzzNesting looks for panics, and for short sources that are refused for
// anything but a slash whose meaning only the grammar tells.
func FuzzNesting(f *testing.F) {
	for _, s := range []string{"a/b/c", "if(a)/re/", "`${`a`}`", "}/x", "'\\\n'", "/[/]/", "// x", "/*", "a?b:{}/c", "\u2028", "a++/b", "`${{}}`}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		if len(src) > 500 {
			return
		}
		if err := runtime.CheckNesting(src); err != nil && !strings.Contains(err.Message, "slash") {
			t.Errorf("%q: %v", src, err)
		}
	})
}
