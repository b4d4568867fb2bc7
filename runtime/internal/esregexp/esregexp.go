// Package esregexp has the regular expressions of ECMAScript 2024, but for the flag v.
//
// A pattern that RE2 matches as the standard says is given to RE2, which takes linear
// time. The others are matched here, by backtracking: those with look-around or
// back-references, those whose repeated parts may match nothing or leave a group out,
// those with ^ or $ and the flag m where a text has other ends of lines than \n, and
// those that are too large for it.
// Backtracking may take exponential time, so it asks its caller at intervals whether
// it may go on.
package esregexp

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
)

// Flags are those that decide what a pattern matches.
type Flags struct {
	IgnoreCase, Multiline, DotAll, Unicode bool
	// Runes is for texts that consist of code points whatever the flags: without it
	// a pattern matches units of UTF-16, unless it has the flag u.
	Runes bool
}

// ParseFlags reads the letters i, m, s and u, and leaves others out.
func ParseFlags(letters string) Flags {
	has := func(letter string) bool { return strings.Contains(letters, letter) }
	return Flags{IgnoreCase: has("i"), Multiline: has("m"), DotAll: has("s"), Unicode: has("u")}
}

// SyntaxError is what is wrong with a pattern.
type SyntaxError struct{ Source, Message string }

func (e *SyntaxError) Error() string {
	return "Invalid regular expression: /" + e.Source + "/: " + e.Message
}

// Regexp is a compiled pattern. It is safe for concurrent use.
type Regexp struct {
	// First finds a match in a text; Next finds one behind a text's first character,
	// so that what is before the match is seen, and has it in its group 1. Both are
	// nil for a pattern that has to be matched by backtracking, and for a text with
	// other ends of lines than \n if Lines is true.
	First, Next *regexp.Regexp
	Lines       bool
	// Size is how many instructions RE2 has for it.
	Size int
	// Names are those of the groups, of which the first is the whole match, ""
	// for one without.
	Names []string

	flags Flags
	root  node
	once  sync.Once
	prog  *program
}

// Check tells what is wrong with a pattern, with a [*SyntaxError].
func Check(source string, f Flags) error {
	_, _, err := parse(source, f, true)
	return err
}

// maxLinear is how many instructions a pattern may have for RE2, which takes a few
// microseconds and hundreds of bytes to compile each, in one step that nothing can end.
const maxLinear = 20_000

// Compile compiles a pattern. The error is a [*SyntaxError].
func Compile(source string, f Flags) (*Regexp, error) {
	root, names, err := parse(source, f, false)
	if err != nil {
		return nil, err
	}
	re := &Regexp{Names: names, flags: f, root: root}
	if expanded(root) > maxLinear {
		return re, nil
	}
	l := linear{Flags: f}
	if l.node(root, false); l.cannot {
		return re, nil
	}
	re2 := "(?:" + l.out.String() + ")"
	if f.Multiline {
		re2 = "(?m:" + re2 + ")"
		re.Lines = l.edges
	}
	parsed, err := syntax.Parse(re2, syntax.Perl)
	if err != nil {
		return re, nil // such as for a number of repetitions past a thousand
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return re, nil
	}
	first, err := regexp.Compile(re2)
	if err != nil {
		return re, nil
	}
	next, err := regexp.Compile(`\A(?s:.)(?s:.*?)(` + re2 + `)`)
	if err != nil {
		return re, nil
	}
	re.Size, re.First, re.Next = len(prog.Inst), first, next
	return re, nil
}
