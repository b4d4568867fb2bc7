package cases

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io/fs"
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
	Checks  []Check    // the first has no name if requests come before the first name
}

// App is one version of an app.
type App struct {
	Name    string
	Version int
	Files   fstest.MapFS
}

// Check is a group of cases, sent in their order.
type Check struct {
	Name  string
	Needs []string // what the target must be able to do, beside what the cases say
	Cases []Case
}

// Case is one request, and what must be answered.
type Case struct {
	At     string // file:line
	Method string // "RAW": Target is all that is sent
	Host   string // "-": none
	Target string // as it is on the wire
	Header []Field
	Body   string
	As     string   // the role of who asks; "": a stranger
	Key    []string // the scopes of the API key; nil: none

	Want Answer
}

// Field is a header.
type Field struct{ Name, Value string }

// Answer is what must come back.
type Answer struct {
	Status []int // one of them; 4 is any from 400 to 499
	Closed bool  // or the connection closes without an answer
	Header []Part
	Body   []Part
}

// Part is what a header or the body must be.
type Part struct {
	Name string // of the header; "" for the body
	How  How
	Text string // of a header that [Is] "": there must be none
}

// How a text must be in what is answered.
type How string

// The ways.
const (
	Is       How = ""
	Contains How = "~"
	LacksIt  How = "!"
)

// Cases are those of all checks.
func (t *Table) Cases() (all []Case) {
	for _, c := range t.Checks {
		all = append(all, c.Cases...)
	}
	return all
}

// Load reads a table. An error names the line.
func Load(fsys fs.FS, name string) (*Table, error) {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	return Parse(name, text)
}

// Parse reads the text of a table of that name.
func Parse(name string, text []byte) (*Table, error) {
	archive := txtar.Parse(text)
	t := &Table{}
	for _, f := range archive.Files {
		if err := t.addFile(f); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", name, f.Name, err)
		}
	}
	slices.SortStableFunc(t.Apps, func(a, b App) int { return a.Version - b.Version })
	n := 0
	for line := range strings.SplitSeq(string(archive.Comment), "\n") {
		n++
		at := fmt.Sprintf("%s:%d", name, n)
		if err := t.addLine(at, line); err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
	}
	return t, nil
}

// maxFile is the most that a file of a table has, in bytes: "=times" asks for it quickly.
const maxFile = 64 << 20

func (t *Table) addFile(f txtar.File) error {
	app, path, ok := strings.Cut(f.Name, "/")
	if !ok || app == "" {
		return fmt.Errorf("begin with the app, as in app/index.html")
	}
	version := 1
	if name, v, ok := strings.Cut(app, "@"); ok {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || name == "" {
			return fmt.Errorf("want app@2 with a version from 1, not %q", app)
		}
		app, version = name, n
	}
	path, data, err := content(path, f.Data)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(t.Apps, func(a App) bool { return a.Name == app && a.Version == version })
	if i < 0 {
		i = len(t.Apps)
		t.Apps = append(t.Apps, App{app, version, fstest.MapFS{}})
	}
	if t.Apps[i].Files[path] != nil {
		return fmt.Errorf("is there twice")
	}
	t.Apps[i].Files[path] = &fstest.MapFile{Data: data}
	return nil
}

// content is a file's path without what it says of the text, and its bytes.
func content(path string, data []byte) (string, []byte, error) {
	if p, ok := strings.CutSuffix(path, "=hex"); ok {
		path = p
		raw, err := hex.DecodeString(strings.Join(strings.Fields(string(data)), ""))
		if err != nil {
			return "", nil, err
		}
		data = raw
	} else if p, times, ok := strings.Cut(path, "=times "); ok {
		path = p
		n, err := strconv.Atoi(times)
		if err != nil || n < 0 || n > maxFile || n*len(data) > maxFile {
			return "", nil, fmt.Errorf("want =times with a number, and %d bytes at most", maxFile)
		}
		data = bytes.Repeat(data, n)
	}
	if strings.HasPrefix(path, `"`) {
		unquoted, err := strconv.Unquote(path)
		if err != nil {
			return "", nil, err
		}
		path = unquoted
	}
	return path, data, nil
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

// HasApp reports whether the table has an app of that name.
func (t *Table) HasApp(name string) bool {
	return slices.ContainsFunc(t.Apps, func(a App) bool { return a.Name == name })
}
