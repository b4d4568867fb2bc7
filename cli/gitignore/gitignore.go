package gitignore

import (
	"regexp"
	"strings"
)

// Rules are the patterns of one .gitignore file. The zero value has none.
type Rules struct {
	rules []rule
}

type rule struct {
	path    *regexp.Regexp // of the whole path, relative to the file's directory
	include bool           // the pattern began with !
	dirOnly bool           // the pattern ended with /
}

// Parse reads the text of a .gitignore file. A pattern that git would never
// match, such as one with an unclosed bracket, is dropped as git does.
func Parse(text string) Rules {
	var r Rules
	text = strings.TrimPrefix(text, "\ufeff")
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		if rule, ok := parseLine(line); ok {
			r.rules = append(r.rules, rule)
		}
	}
	return r
}

// Match looks for the last rule that matches a slash-separated path relative
// to the file's directory. With ok false no rule speaks of it, and the rules of
// the directory above decide. The caller must not descend into an excluded
// directory: that is what keeps its content excluded.
func (r Rules) Match(path string, dir bool) (excluded, ok bool) {
	for i := len(r.rules) - 1; i >= 0; i-- {
		rule := &r.rules[i]
		if (dir || !rule.dirOnly) && rule.path.MatchString(path) {
			return !rule.include, true
		}
	}
	return false, false
}

func parseLine(line string) (rule, bool) {
	var r rule
	line = trimSpaces(line)
	if line == "" || line[0] == '#' {
		return r, false
	}
	line, r.include = strings.CutPrefix(line, "!")
	line, r.dirOnly = strings.CutSuffix(line, "/")
	// A slash anywhere but at the end ties the pattern to the file's directory.
	anchored := strings.Contains(line, "/")
	line = strings.TrimPrefix(line, "/")
	if line == "" {
		return r, false
	}
	expr, ok := translate(line)
	if !ok {
		return r, false
	}
	if !anchored {
		expr = "(?:.*/)?" + expr
	}
	path, err := regexp.Compile("^(?s:" + expr + ")$")
	r.path = path
	return r, err == nil
}

// trimSpaces removes trailing spaces that no backslash protects.
func trimSpaces(line string) string {
	end := 0
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case ' ':
			continue
		case '\\':
			i++
		}
		end = min(i+1, len(line))
	}
	return line[:end]
}

// translate turns a glob into a regular expression, whose matching takes time
// linear in the path whatever the pattern is.
func translate(glob string) (expr string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(glob); {
		rest := glob[i:]
		starts := i == 0 || glob[i-1] == '/'
		switch {
		case starts && strings.HasPrefix(rest, "**/"):
			b.WriteString("(?:.*/)?")
			i += len("**/")
		case starts && rest == "**":
			b.WriteString(".+")
			i += len("**")
		case rest[0] == '*':
			b.WriteString("[^/]*")
			i++
		case rest[0] == '?':
			b.WriteString("[^/]")
			i++
		case rest[0] == '[':
			class, n := bracket(rest)
			if n == 0 {
				return "", false
			}
			b.WriteString(class)
			i += n
		case rest[0] == '\\':
			if len(rest) == 1 {
				return "", false
			}
			i++
			rest = rest[1:]
			fallthrough
		default:
			n := runeLen(rest)
			b.WriteString(regexp.QuoteMeta(rest[:n]))
			i += n
		}
	}
	return b.String(), true
}
