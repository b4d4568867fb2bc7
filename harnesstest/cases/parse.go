package cases

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func (t *Table) addLine(at, line string) error {
	trimmed := strings.TrimSpace(line)
	switch {
	case trimmed == "" || trimmed[0] == '#':
		return nil
	case trimmed != strings.TrimRight(line, " \t\r"):
		return t.addDetail(trimmed)
	}
	all, err := split(trimmed)
	if err != nil {
		return err
	}
	words := texts(all)
	switch {
	case words[0] == "domain" && len(words) == 2:
		t.Domain = words[1]
	case words[0] == "home" && len(words) == 2:
		t.Home = words[1]
	case words[0] == "alias":
		t.Aliases = append(t.Aliases, words[1:])
	case words[0] == "check" && len(words) == 2:
		if slices.ContainsFunc(t.Checks, func(c Check) bool { return c.Name == words[1] }) {
			return fmt.Errorf("the check %s is there twice", words[1])
		}
		t.Checks = append(t.Checks, Check{Name: words[1]})
	case words[0] == "needs" && len(words) == 2:
		c := t.check()
		c.Needs = append(c.Needs, words[1])
	case len(words) >= 5 && words[3] == "->":
		return t.addCase(at, all)
	default:
		return fmt.Errorf("want METHOD HOST TARGET -> STATUS [BODY], not %q", trimmed)
	}
	return nil
}

// check is the one that lines belong to now.
func (t *Table) check() *Check {
	if len(t.Checks) == 0 {
		t.Checks = append(t.Checks, Check{})
	}
	return &t.Checks[len(t.Checks)-1]
}

// present is the case that lines belong to now, or nil.
func (t *Table) present() *Case {
	if len(t.Checks) == 0 {
		return nil
	}
	c := t.check()
	if len(c.Cases) == 0 {
		return nil
	}
	return &c.Cases[len(c.Cases)-1]
}

func (t *Table) addCase(at string, all []word) (err error) {
	words := texts(all)
	c := Case{At: at, Method: words[0], Host: words[1]}
	if c.Target, err = t.expand(words[2]); err != nil {
		return err
	}
	for _, word := range strings.Split(words[4], "|") {
		if word == "close" {
			c.Want.Closed = true
			continue
		}
		status, err := strconv.Atoi(strings.TrimSuffix(word, "xx"))
		class := strings.HasSuffix(word, "xx")
		if err != nil || class && (status < 1 || status > 9) || !class && (status < 100 || status > 999) {
			return fmt.Errorf("want a status, several as in 400|5xx, or close, not %q", words[4])
		}
		c.Want.Status = append(c.Want.Status, status)
	}
	if c.Want.Body, err = t.parts(all[5:]); err != nil {
		return err
	}
	check := t.check()
	check.Cases = append(check.Cases, c)
	return nil
}

// parts are what a body must be.
func (t *Table) parts(words []word) (parts []Part, err error) {
	for _, w := range words {
		p := Part{How: w.how}
		if p.Text, err = t.body(w); err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// body is a string, or the file that a word names.
func (t *Table) body(w word) (string, error) {
	name, isFile := strings.CutPrefix(w.text, "@")
	switch {
	case w.quoted:
		return w.text, nil
	case isFile:
		data, err := t.file(name)
		return string(data), err
	}
	return "", fmt.Errorf("want a body as \"text\" or @app/path, not %s", w.text)
}

// addDetail adds a line that belongs to the request above it.
func (t *Table) addDetail(line string) error {
	c := t.present()
	if c == nil {
		return errors.New("there is no request above it")
	}
	mark, rest, _ := strings.Cut(line, " ")
	words, err := split(rest)
	switch {
	case mark == "as" && err == nil && len(words) == 1:
		c.As = words[0].text
	case mark == "key" && err == nil && len(words) > 0:
		c.Key = texts(words)
	case mark == "<<" && len(words) > 0:
		if err != nil {
			return err
		}
		parts, err := t.parts(words)
		c.Want.Body = append(c.Want.Body, parts...)
		return err
	case mark == ">>" && len(words) == 1:
		if c.Body, err = t.body(words[0]); err == nil {
			c.Body, err = t.expand(c.Body)
		}
		return err
	default:
		return t.addHeader(c, mark, rest)
	}
	return nil
}

func (t *Table) addHeader(c *Case, mark, rest string) error {
	name, value, ok := strings.Cut(rest, ":")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	how := How(strings.TrimPrefix(mark, "<"))
	switch {
	case !ok, name == "", mark != ">" && (mark[0] != '<' || how != Is && how != Contains && how != LacksIt):
		return fmt.Errorf("want > NAME: VALUE, < NAME: VALUE, >> BODY, << BODY, as ROLE or key SCOPE, not %q", mark+" "+rest)
	case how == Contains && mark != ">" && value == "":
		return fmt.Errorf("%s %s has no part", mark, name)
	}
	value, err := t.expand(value)
	if err != nil {
		return err
	}
	if mark == ">" {
		c.Header = append(c.Header, Field{name, value})
	} else {
		c.Want.Header = append(c.Want.Header, Part{name, how, value})
	}
	return nil
}

var etag = regexp.MustCompile(`\{etag ([^} ]+)( [a-z]+)?\}`)

// expand puts ETags in the place of {etag app/path gzip}.
func (t *Table) expand(value string) (string, error) {
	var failed error
	value = etag.ReplaceAllStringFunc(value, func(s string) string {
		m := etag.FindStringSubmatch(s)
		data, err := t.file(m[1])
		if err != nil {
			failed = err
		}
		tag := fmt.Sprintf("%x", sha256.Sum256(data))
		if m[2] != "" {
			tag += "-" + m[2][1:]
		}
		return `"` + tag + `"`
	})
	return value, failed
}

// word is a word of a line. One in quotes is a string, and only that.
type word struct {
	how    How // the mark before it
	text   string
	quoted bool
}

// split cuts a line at spaces, but not within strings in quotes, which it unquotes. A
// mark may stand before a string and before @app/path.
func split(line string) ([]word, error) {
	var words []word
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		var w word
		if len(line) > 1 && (line[1] == '"' || line[1] == '@') && (How(line[:1]) == Contains || How(line[:1]) == LacksIt) {
			w.how, line = How(line[:1]), line[1:]
		}
		if line[0] != '"' {
			end := strings.IndexAny(line, " \t")
			if end < 0 {
				end = len(line)
			}
			w.text, line = line[:end], line[end:]
		} else {
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				return nil, fmt.Errorf("%w: %s", err, line)
			}
			if w.text, err = strconv.Unquote(quoted); err != nil {
				return nil, err
			}
			w.quoted, line = true, line[len(quoted):]
		}
		words = append(words, w)
	}
	return words, nil
}

func texts(words []word) (all []string) {
	for _, w := range words {
		all = append(all, w.text)
	}
	return all
}
