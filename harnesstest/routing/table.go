package routing

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing/fstest"

	"golang.org/x/tools/txtar"
)

// Table is one file of requests and answers.
type Table struct {
	Domain  string
	Home    string
	Aliases [][]string // the words after "alias"
	Apps    []App      // in the order in which they are to be deployed
	Cases   []Case
}

// App is one version of an app.
type App struct {
	Name    string
	Version int
	Files   fstest.MapFS
}

// Case is one request, and what must be answered.
type Case struct {
	At     string // file:line
	Method string
	Host   string // "-": none
	Target string // as it is on the wire
	Header http.Header

	Status     int
	WantHeader map[string]string // "": there must be none
	Body       Body
}

// Body is what the body of an answer must be.
type Body struct {
	Given    bool
	Text     string
	Contains bool // Text, and perhaps more
}

// Load reads a table. An error names the line.
func Load(fsys fs.FS, name string) (*Table, error) {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	archive := txtar.Parse(text)
	t := &Table{}
	for _, f := range archive.Files {
		if err := t.addFile(f); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", name, f.Name, err)
		}
	}
	slices.SortStableFunc(t.Apps, func(a, b App) int { return a.Version - b.Version })
	lines := bufio.NewScanner(bytes.NewReader(archive.Comment))
	for n := 1; lines.Scan(); n++ {
		at := fmt.Sprintf("%s:%d", name, n)
		if err := t.addLine(at, lines.Text()); err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
	}
	return t, lines.Err()
}

func (t *Table) addFile(f txtar.File) error {
	app, path, ok := strings.Cut(f.Name, "/")
	if !ok {
		return fmt.Errorf("begin with the app, as in app/index.html")
	}
	version := 1
	if name, v, ok := strings.Cut(app, "@"); ok {
		n, err := strconv.Atoi(v)
		if err != nil {
			return err
		}
		app, version = name, n
	}
	data := f.Data
	if p, ok := strings.CutSuffix(path, "=hex"); ok {
		path = p
		raw, err := hex.DecodeString(strings.Join(strings.Fields(string(data)), ""))
		if err != nil {
			return err
		}
		data = raw
	} else if p, times, ok := strings.Cut(path, "=times "); ok {
		path = p
		n, err := strconv.Atoi(times)
		if err != nil {
			return err
		}
		data = bytes.Repeat(data, n)
	}
	if strings.HasPrefix(path, `"`) {
		unquoted, err := strconv.Unquote(path)
		if err != nil {
			return err
		}
		path = unquoted
	}
	for _, a := range t.Apps {
		if a.Name == app && a.Version == version {
			a.Files[path] = &fstest.MapFile{Data: data}
			return nil
		}
	}
	t.Apps = append(t.Apps, App{app, version, fstest.MapFS{path: {Data: data}}})
	return nil
}

// file is a file of the table, by "app/path" or "app@2/path".
func (t *Table) file(name string) ([]byte, error) {
	app, path, _ := strings.Cut(name, "/")
	if !strings.Contains(app, "@") {
		app += "@1"
	}
	for _, a := range t.Apps {
		if f := a.Files[path]; f != nil && app == fmt.Sprintf("%s@%d", a.Name, a.Version) {
			return f.Data, nil
		}
	}
	return nil, fmt.Errorf("the table has no file %s", name)
}

func (t *Table) addLine(at, line string) error {
	trimmed := strings.TrimSpace(line)
	switch {
	case trimmed == "" || trimmed[0] == '#':
		return nil
	case trimmed != strings.TrimRight(line, " \t"):
		return t.addHeader(trimmed)
	}
	words, err := split(trimmed)
	if err != nil {
		return err
	}
	switch {
	case words[0] == "domain" && len(words) == 2:
		t.Domain = words[1]
	case words[0] == "home" && len(words) == 2:
		t.Home = words[1]
	case words[0] == "alias":
		t.Aliases = append(t.Aliases, words[1:])
	case len(words) >= 5 && words[3] == "->":
		return t.addCase(at, words)
	default:
		return fmt.Errorf("want METHOD HOST TARGET -> STATUS [BODY], not %q", trimmed)
	}
	return nil
}

func (t *Table) addCase(at string, words []string) error {
	c := Case{At: at, Method: words[0], Host: words[1], Target: words[2], Header: http.Header{}, WantHeader: map[string]string{}}
	var err error
	if c.Status, err = strconv.Atoi(words[4]); err != nil {
		return err
	}
	if len(words) == 6 {
		body, ok := words[5], false
		c.Body.Given = true
		if name, isFile := strings.CutPrefix(body, "@"); isFile {
			data, err := t.file(name)
			if err != nil {
				return err
			}
			body = string(data)
		} else {
			body, ok = strings.CutPrefix(body, "~")
			c.Body.Contains = ok
		}
		c.Body.Text = body
	} else if len(words) > 6 {
		return fmt.Errorf("more words than METHOD HOST TARGET -> STATUS BODY")
	}
	t.Cases = append(t.Cases, c)
	return nil
}

func (t *Table) addHeader(line string) error {
	if len(t.Cases) == 0 {
		return fmt.Errorf("a header before the first request")
	}
	c := &t.Cases[len(t.Cases)-1]
	name, value, ok := strings.Cut(line[1:], ":")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if !ok {
		return fmt.Errorf("want > NAME: VALUE or < NAME: VALUE, not %q", line)
	}
	value, err := t.expand(value)
	if err != nil {
		return err
	}
	switch line[0] {
	case '>':
		c.Header.Add(name, value)
	case '<':
		c.WantHeader[name] = value
	default:
		return fmt.Errorf("want > NAME: VALUE or < NAME: VALUE, not %q", line)
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

// split cuts a line at spaces, but not within Go strings in quotes, which it unquotes.
// "~" may stand before one.
func split(line string) ([]string, error) {
	var words []string
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		mark := ""
		if strings.HasPrefix(line, `~"`) {
			mark, line = "~", line[1:]
		}
		if line[0] != '"' {
			word, rest, _ := strings.Cut(line, " ")
			words, line = append(words, word), rest
			continue
		}
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			return nil, fmt.Errorf("%w: %s", err, line)
		}
		word, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, err
		}
		words, line = append(words, mark+word), line[len(quoted):]
	}
	return words, nil
}
