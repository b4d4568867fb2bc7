package runtimetest

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing"
	"text/template"

	"github.com/fazt-sh/fazt/runtime"
)

// script is a handler in a file of its own, see the package's documentation.
type script struct {
	name   string // the file's, without .js
	want   string // the code of the error that it ends with; "" is any outcome
	engine string // by which alone it is run; "" is all
	src    string
}

// scripts reads the scripts in a directory that are for an engine.
func scripts(t testing.TB, dir string, engine runtime.Engine) (list []script) {
	t.Helper()
	root := template.New("").Delims("<%", "%>").Funcs(template.FuncMap{
		"repeat": func(n int, text string) string { return strings.Repeat(text, n) },
		"labels": labels,
	})
	if shared, err := fs.Glob(testdata, dir+"/*.tmpl"); err != nil || len(shared) > 0 {
		template.Must(root.ParseFS(testdata, dir+"/*.tmpl"))
	}
	files, err := fs.Glob(testdata, dir+"/*.js")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts in %s: %v", dir, err)
	}
	for _, file := range files {
		s, err := readScript(root, file)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if s.engine == "" || s.engine == engine.Name() {
			list = append(list, s)
		}
	}
	return list
}

func readScript(root *template.Template, file string) (script, error) {
	s := script{name: strings.TrimSuffix(path.Base(file), ".js")}
	text, err := testdata.ReadFile(file)
	if err != nil {
		return s, err
	}
	header, src, ok := strings.Cut(string(text), "\n\n")
	if !ok {
		return s, fmt.Errorf("want a comment, an empty line and the handler")
	}
	for i, line := range strings.Split(header, "\n") {
		line, ok := strings.CutPrefix(line, "// ")
		key, value, _ := strings.Cut(line, ": ")
		switch {
		case !ok:
			return s, fmt.Errorf("line %d: want a comment", i+1)
		case i == 0: // what it is about
		case key == "want":
			s.want = value
		case key == "engine":
			s.engine = value
		default:
			return s, fmt.Errorf("line %d: there is want and engine, not %s", i+1, key)
		}
	}
	t, err := root.New(file).Parse(strings.TrimSuffix(src, "\n"))
	if err != nil {
		return s, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, nil)
	s.src = b.String()
	return s, err
}

// labels is a statement with n labels, all different.
func labels(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("a")
		for ; i > 0; i /= 26 {
			b.WriteByte(byte('a' + i%26))
		}
		b.WriteString(":")
	}
	return b.String() + "1"
}
