package esregexp_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/runtime/internal/esregexp"
)

// text is a text of UTF-8.
type text string

func (t text) Len() int                 { return len(t) }
func (t text) At(i int) (rune, int)     { return utf8.DecodeRuneInString(string(t[i:])) }
func (t text) Before(i int) (rune, int) { return utf8.DecodeLastRuneInString(string(t[:i])) }

func flags(letters string) esregexp.Flags {
	f := esregexp.ParseFlags(letters)
	f.Runes = true
	return f
}

// groups are the texts of a match and its groups, "-" for one that took no part.
func groups(s string, m []int) string {
	var list []string
	for i := 0; i < len(m); i += 2 {
		if m[i] < 0 {
			list = append(list, "-")
		} else {
			list = append(list, s[m[i]:m[i+1]])
		}
	}
	return strings.Join(list, "|")
}

// What a pattern matches, as Node has it, by RE2 and by backtracking.
func TestMatch(t *testing.T) {
	tests := []struct{ pattern, flags, text, want string }{
		{`^.*$`, "m", "a\r\nb", "a"},
		{`^b$`, "m", "a\rb\u2028c", "b"},
		{`^.$`, "m", "ab\nc\n", "c"},
		{`a.c`, "", "a\u2029c abc", "abc"},
		{`a.c`, "s", "a\u2029c", "a\u2029c"},
		{`(?:(a)|b)*`, "", "ab", "ab|-"},
		{`(?:(a)|(b))+`, "", "ab", "ab|-|b"},
		{`(z)((a+)?(b+)?(c))*`, "", "zaacbbbcac", "zaacbbbcac|z|ac|a|-|c"},
		{`(a*)*`, "", "b", "|-"},
		{`(a*)+`, "", "b", "|"},
		{`(?:|a)*`, "", "aa", "aa"},
		{`(?:a*?)*?b`, "", "aab", "aab"},
		{`(a?)??b`, "", "ab", "ab|a"},
		{`(?=(a+))a*b\1`, "", "baaabac", "aba|a"},
		{`(?<=(\d+)(\d+))$`, "", "1053", "|1|053"},
		{`(?<=\1(a))b`, "", "aab", "b|a"},
		{`(?<!a)b`, "", "abb", "b"},
		{`(?!foo)...`, "", "foobar", "oob"},
		{`\1(a)`, "", "aa", "a|a"},
		{`(?:(x)|y)\1z`, "", "yz", "yz|-"},
		{`\k<n>(?<n>a)`, "", "a", "a|a"},
		{`(?:a{2}){2,3}?b`, "", "aaaaaab", "aaaaaab"},
		{`a{0}b`, "", "ab", "b"},
		{`^a{2000}$`, "", strings.Repeat("a", 2000), strings.Repeat("a", 2000)},
		{`x{a}]`, "", "x{a}]", "x{a}]"},
		{`\8\07\c`, "", "8\a\\c", "8\a\\c"},
		{`[\d-x]+`, "", "a1-x", "1-x"},
		{`[^]`, "", "\n", "\n"},
		{`a[]|b`, "", "ab", "b"},
		{`\u0061\x62\u{2}`, "", "abuu", "abuu"},
		{`\ud83d\ude00`, "", "😀", "😀"},
		{`k`, "i", "\u212a", ""},
		{`k`, "iu", "\u212a", "\u212a"},
		{`\w`, "iu", "ſ", "ſ"},
		{`ß`, "i", "ẞ", ""},
		{`[^x]`, "i", "Xa", "a"},
		{`(É)\1`, "i", "Éé", "Éé|É"},
		{`\b\w+\b`, "", "é ab", "ab"},
		{`\p{L}+`, "u", "1äb", "äb"},
		{`\P{L}+`, "u", "äb12", "12"},
		{`[^\P{Lu}\d]`, "u", "1aÉ", "É"},
		{`\p{Lu}`, "iu", "a", "a"},
		{`\p{Script=Greek}\p{sc=Cyrl}`, "u", "αж", "αж"},
		{`\p{Emoji_Presentation}\p{Any}`, "u", "a😀b", "😀b"},
		{`\p{Alphabetic}\p{White_Space}`, "u", "a\u00a0", "a\u00a0"},
		{`.`, "u", "😀", "😀"},
	}
	for _, tt := range tests {
		re, err := esregexp.Compile(tt.pattern, flags(tt.flags))
		if err != nil {
			t.Errorf("/%s/%s: %v", tt.pattern, tt.flags, err)
			continue
		}
		m, err := re.Backtrack(text(tt.text), 0, 1e6, func() {})
		if err != nil || tt.want == "" && m != nil && groups(tt.text, m) != "" {
			t.Errorf("/%s/%s on %q: %v, %v", tt.pattern, tt.flags, tt.text, m, err)
		}
		if diff := cmp.Diff(tt.want, groups(tt.text, m)); diff != "" {
			t.Errorf("/%s/%s on %q: %s", tt.pattern, tt.flags, tt.text, diff)
		}
		if re.First == nil || re.Lines && strings.ContainsAny(tt.text, "\r\u2028\u2029") {
			continue
		}
		if diff := cmp.Diff(tt.want, groups(tt.text, re.First.FindStringSubmatchIndex(tt.text))); diff != "" {
			t.Errorf("/%s/%s on %q by RE2: %s", tt.pattern, tt.flags, tt.text, diff)
		}
	}
}

func TestSyntaxErrors(t *testing.T) {
	for _, tt := range []struct{ pattern, flags, want string }{
		{"(?<a", "", "Invalid capture group name"},
		{"(?", "", "Invalid group"},
		{"(?P<n>x)", "", "Invalid group"},
		{"(?i)a", "", "Invalid group"},
		{"[b-a]", "", "Range out of order in character class"},
		{"a**", "", "Nothing to repeat"},
		{"(", "", "Unterminated group"},
		{")", "", "Unmatched ')'"},
		{`\`, "", `\ at end of pattern`},
		{"{1}", "", "Nothing to repeat"},
		{"a{2,1}", "", "numbers out of order in {} quantifier"},
		{"(?<n>a)(?<n>b)", "", "Duplicate capture group name"},
		{`(?<n>a)\k<m>`, "", "Invalid named capture referenced"},
		{"(?<=a)*", "", "Nothing to repeat"},
		{"(?=a)*", "u", "Nothing to repeat"},
		{"[a", "", "Unterminated character class"},
		{`\p{Nope}`, "u", "Invalid property name: Nope"},
		{`\p{scx=Greek}`, "u", "Script_Extensions is not available; write Script=Greek"},
		{`\-`, "u", "Invalid escape"},
		{`\1`, "u", "Invalid escape"},
		{`\u{110000}`, "u", "Invalid escape"},
		{"{", "u", "Nothing to repeat"},
		{"]", "u", "Lone quantifier brackets"},
		{`[\d-x]`, "u", "Invalid character class"},
		{strings.Repeat("(", 600), "", "Regular expression too large"},
		{strings.Repeat(`[\u0100-\uffff]`, 5000), "i", "Regular expression too large"},
	} {
		_, err := esregexp.Compile(tt.pattern, flags(tt.flags))
		e, ok := errors.AsType[*esregexp.SyntaxError](err)
		if !ok {
			t.Errorf("/%s/%s: no error", tt.pattern, tt.flags)
		} else if diff := cmp.Diff(tt.want, e.Message); diff != "" {
			t.Errorf("/%s/%s: %s", tt.pattern, tt.flags, diff)
		}
	}
}

// Backtracking asks at intervals whether it may go on, and remembers no more than it may.
func TestBacktrackIsBounded(t *testing.T) {
	re, err := esregexp.Compile(`(?=a)(a+)+$`, flags(""))
	if err != nil {
		t.Fatal(err)
	}
	checks := 0
	defer func() {
		if recover() == nil || checks != 10 {
			t.Errorf("the match was not stopped: %d checks", checks)
		}
	}()
	_, err = re.Backtrack(text("aaaaaa"), 0, 3, func() {})
	if !errors.Is(err, esregexp.ErrTooMuch) {
		t.Errorf("three choices are enough: %v", err)
	}
	re.Backtrack(text(strings.Repeat("a", 40)+"b"), 0, 1e6, func() {
		if checks++; checks == 10 {
			panic("stop")
		}
	})
}

// RE2 and backtracking find the same.
func FuzzMatch(f *testing.F) {
	for _, pattern := range []string{`(a|b)*c?`, `^\w+$`, `[^a-c]{2,3}?`, `(?:a|)b`, `(x+x+)+y`, `(?:(?:a|b?)c*)+`, `\p{L}\b`} {
		f.Add(pattern, "iu", "abcXY xxy\n")
		f.Add(pattern, "m", "abcXY xxy\n")
	}
	f.Fuzz(func(t *testing.T, pattern, letters, s string) {
		if !utf8.ValidString(pattern) || !utf8.ValidString(s) || len(s) > 40 || len(pattern) > 60 {
			return
		}
		re, err := esregexp.Compile(pattern, flags(letters))
		if err != nil || re.First == nil || re.Lines && strings.ContainsAny(s, "\r\u2028\u2029") {
			return
		}
		checks := 0
		defer func() {
			if r := recover(); r != nil && r != "stop" {
				panic(r)
			}
		}()
		m, err := re.Backtrack(text(s), 0, 1e6, func() {
			if checks++; checks > 1000 {
				panic("stop")
			}
		})
		if err != nil {
			return
		}
		if diff := cmp.Diff(fmt.Sprint(re.First.FindStringSubmatchIndex(s)), fmt.Sprint(m)); diff != "" {
			t.Errorf("/%s/%s on %q: %s", pattern, letters, s, diff)
		}
	})
}
