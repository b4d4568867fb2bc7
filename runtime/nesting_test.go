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
		{"arrow functions", many("f(a => b, (c, ...d) => ({e: f => g}), async () => {}, async h => i ? j => k : (l) => m);\n"), false},
		{"arrow functions as values", strings.Repeat("x = y => z\nclass A { static a = (b) => c; #d = async e => f }\n"+
			"if (a) b => c; else d => e\nl ||= m => n;`${o => p}`;[...q => r];a = b, c => d;({e(f) {}, g: h => i})\n", 1000), false},
		{"arrow functions in parameters", strings.Repeat("((a = ((b = ((c = d => e) => f)) => g)) => h);", 1000), false},
		{"too deep in parameters", strings.Repeat("(a=", 5) + "0" + strings.Repeat(")=>0", 5), true},
		{"too deep in parameters of async ones", strings.Repeat("async({a=", 5) + "0" + strings.Repeat("})=>0", 5), true},
		{"parameters that are long", "(a=[" + strings.Repeat("0,", 400_000) + "])=>0", true},
		{"no parameters", "(a)(b) => c", true},
		{"no parameters either", "(a) + b => c", true},
		{"nor these", "a == b => c", true},
		{"another bracket", "(a=0]=>0", true},
		{"a token instead of a bracket", "(a=0;=>0", true},
		{"private names", "class A {\n" + many("#a = 1\n") + "}", false},
		{"a long number", strings.Repeat("9", 20_000) + "n", true},
		{"a template of many parts", "`" + many("${a}") + "`", true},
		{"a repeated class", many(`/\p{L}+/u;`), true},
		{"a large pattern", `/(?:[a-z]{1000}){1000}` + strings.Repeat("a", 1000) + "/", true},
		{"many patterns", many(`/\w{900}/;`), true},
		{"many async", many("async "), true},
		{"too many tokens", strings.Repeat("a;", 800_000), true},
		{"much that nests", strings.Repeat("try{", 400) + strings.Repeat("return;", 100_000) + strings.Repeat("}finally{}", 400), true},
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
// anything but a slash whose meaning only the grammar tells, or a token that can't
// be there.
func FuzzNesting(f *testing.F) {
	for _, s := range []string{"a/b/c", "if(a)/re/", "`${`a`}`", "}/x", "'\\\n'", "/[/]/", "// x", "/*", "a?b:{}/c", "\u2028", "a++/b", "`${{}}`}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		if len(src) > 500 {
			return
		}
		if err := runtime.CheckNesting(src); err != nil && !strings.Contains(err.Message, "slash") && !strings.HasPrefix(err.Message, "Unexpected token") {
			t.Errorf("%q: %v", src, err)
		}
	})
}
