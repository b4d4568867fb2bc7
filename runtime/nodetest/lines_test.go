package nodetest

import (
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/dop251/goja/parser"
)

// maxLine is how long a line of JavaScript may be, in bytes.
const maxLine = 120

// Handlers in Go files are read as often as those in files of their own.
func TestLinesOfJavaScript(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED under -short: programs compared with Node one after the other, in one goroutine")
	}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, l := range literals(src) {
			if long(l.text) && isJavaScript(l.text) {
				t.Errorf("%s:%d: a line of JavaScript is longer than %d bytes", path, l.line, maxLine)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

type literal struct {
	line int // where it begins
	text string
}

// literals are the texts in a Go file.
func literals(src []byte) (list []literal) {
	files := token.NewFileSet()
	var s scanner.Scanner
	s.Init(files.AddFile("", -1, len(src)), src, nil, 0)
	for {
		pos, tok, lit := s.Scan()
		if tok == token.EOF {
			return list
		}
		if text, err := strconv.Unquote(lit); tok == token.STRING && err == nil {
			list = append(list, literal{files.Position(pos).Line, text})
		}
	}
}

func long(text string) bool {
	for line := range strings.Lines(text) {
		if len(line) > maxLine+1 {
			return true
		}
	}
	return false
}

func isJavaScript(text string) bool {
	if !strings.ContainsAny(text, "(=") {
		return false // prose, perhaps
	}
	_, err := parser.ParseFile(nil, "", "(async function () {"+text+"\n})", 0)
	return err == nil
}
