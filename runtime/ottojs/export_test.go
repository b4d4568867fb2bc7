package ottojs

import (
	"github.com/robertkrimen/otto/parser"
)

// Inlines tells whether a main file's handler becomes a part of the file.
func Inlines(src string) bool {
	program, err := parser.ParseFile(nil, "main.js", before+src+after, 0)
	if err != nil {
		panic(err)
	}
	handler, _ := inlineHandler(wrapped(program, len(src)))
	return handler != nil
}
