package brackets_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/runtime/internal/brackets"
)

// Brackets in strings, comments, templates and regular expressions are none.
func TestPairs(t *testing.T) {
	tests := []struct {
		text, regexp string
		want         []string
	}{
		{text: "f(a[0], {b})", want: []string{"[0]", "{b}", "(a[0], {b})"}},
		{text: `g(")", '\')', /* ( */ 1) // (`, want: []string{`(")", '\')', /* ( */ 1)`}},
		{text: "h(`) ${ k(`${1}`) } (`)", want: []string{"(`${1}`)", "(`) ${ k(`${1}`) } (`)"}},
		{text: "m(/[)(]/, a / b / c)", regexp: "/[)(]/", want: []string{"(/[)(]/, a / b / c)"}},
		{text: ") ( ["},
	}
	for _, tt := range tests {
		regexps := map[int]int{}
		if tt.regexp != "" {
			regexps[strings.Index(tt.text, tt.regexp)] = len(tt.regexp)
		}
		var got []string
		for _, p := range brackets.Pairs(tt.text, regexps) {
			got = append(got, tt.text[p.Open:p.Close+1])
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.text, diff)
		}
	}
}

func FuzzPairs(f *testing.F) {
	f.Add("a(`${b}` /* */ + '\\'')//")
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range brackets.Pairs(text, nil) {
			if p.Open >= p.Close || p.Close >= len(text) {
				t.Errorf("%q: %v", text, p)
			}
		}
		if end := brackets.End(text, 0); end > len(text) {
			t.Errorf("%q ends at %d", text, end)
		}
	})
}

func TestEnd(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"a + b, c", "a + b"},
		{"f(a, b)] = []", "f(a, b)"},
		{"', ]' + `,${[1, `]`]},` /* , */ ] }", "', ]' + `,${[1, `]`]},` /* , */ "},
		{"/[,/]]/g.test(x / y), 1", "/[,/]]/g.test(x / y)"},
		{"typeof /,/, b", "typeof /,/"},
		{"() => { a; b(',') }; c", "() => { a; b(',') }"},
		{"'open", "'open"},
		{"`${", "`${"},
	} {
		if got := tt.text[:brackets.End(tt.text, 0)]; got != tt.want {
			t.Errorf("%s: %s, want %s", tt.text, got, tt.want)
		}
	}
}
