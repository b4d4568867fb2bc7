// Package reference is what handlers can use, in words: the chapters of
// docs/javascript.md, and the TypeScript declarations that are made of them and of the
// table of functions in package jsapi.
//
// A chapter is Markdown. Under a heading with a function's name stands what it does, a
// paragraph that begins with "Throws", and an example; its types come from the table.
// Whatever else has a type is declared beside its text, in a block that begins with
// "ts", or with "ts fazt" for what belongs into the namespace fazt. A block with "js" is an
// example that a test runs on both engines, one with "js goja" on that one; "json fazt.json"
// before it is its app's.
package reference

import (
	"embed"
	"slices"
	"strings"

	"github.com/fazt-sh/fazt/internal/jsapi"
)

//go:embed chapters/*.md
var chapters embed.FS

// Entry is a heading of the chapters with what stands below it, up to the next one.
type Entry struct {
	Heading string // with its number signs
	Name    string // the heading's text, such as "kv.get"
	Blocks  []Block
	// Group and Function are what the name stands for in the table of package jsapi;
	// nil for anything else.
	Group    *jsapi.Group
	Function *jsapi.Function
}

// Block is a part of an entry.
type Block struct {
	Kind string // what stands behind the fence, such as "js goja"; "" for paragraphs
	Text string // without the fences
}

// Language is the first word of the kind.
func (b Block) Language() string {
	word, _, _ := strings.Cut(b.Kind, " ")
	return word
}

// Entries are all, in their order.
func Entries() []Entry {
	functions := make(map[string]Entry)
	for _, g := range jsapi.Table() {
		for _, f := range g.Functions {
			functions[entryName(g, f)] = Entry{Group: &g, Function: &f}
		}
	}
	var entries []Entry
	files, err := chapters.ReadDir("chapters")
	if err != nil {
		panic(err) // they are in the program
	}
	for _, file := range files {
		text, err := chapters.ReadFile("chapters/" + file.Name())
		if err != nil {
			panic(err)
		}
		entries = append(entries, parse(string(text))...)
	}
	for i := range entries {
		f := functions[entries[i].Name]
		entries[i].Group, entries[i].Function = f.Group, f.Function
	}
	return entries
}

// entryName is a function's name in headings: as it is used, without what says whose
// data it works on.
func entryName(g jsapi.Group, f jsapi.Function) string {
	if len(g.Prefixes) > 1 { // a store has several
		return f.Name
	}
	return strings.TrimPrefix(g.Prefixes[0], "fazt.") + "." + f.Name
}

const fence = "```"

// parse takes a chapter apart.
func parse(text string) (entries []Entry) {
	var now *Entry
	kind, inBlock := "", false
	var lines []string
	end := func() {
		body := strings.Join(lines, "\n")
		if lines = nil; kind == "" {
			body = strings.TrimSpace(body)
		}
		if body != "" {
			now.Blocks = append(now.Blocks, Block{kind, body})
		}
		kind = ""
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, fence):
			end()
			if inBlock = !inBlock; inBlock {
				kind = strings.TrimPrefix(line, fence)
			}
		case !inBlock && strings.HasPrefix(line, "#"):
			if now != nil {
				end()
			}
			entries = append(entries, Entry{Heading: line, Name: strings.TrimLeft(line, "# ")})
			now = &entries[len(entries)-1]
		default:
			lines = append(lines, line)
		}
	}
	end()
	return entries
}

// Markdown is the text of docs/javascript.md.
func Markdown() string {
	var b strings.Builder
	for i, e := range Entries() {
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString(e.Heading + "\n")
		if e.Function != nil {
			writeBlock(&b, Block{"ts", e.Group.Prefixes[0] + "." + e.Function.String()})
		}
		for _, block := range e.Blocks {
			writeBlock(&b, block)
		}
	}
	return b.String()
}

func writeBlock(b *strings.Builder, block Block) {
	if block.Kind == "" {
		b.WriteString("\n" + block.Text + "\n")
		return
	}
	b.WriteString("\n" + fence + block.Language() + "\n" + block.Text + "\n" + fence + "\n")
}

// Mark begins the text of Declarations.
const Mark = "// fazt.d.ts: what a handler of fazt can use. Made by fazt types"

// Declarations are the TypeScript declarations.
func Declarations() string {
	b := &declarations{}
	b.line(0, Mark+`; docs/javascript.md says more.
//
// In api/main.js: /// <reference path="../fazt.d.ts" />
`)
	entries := Entries()
	b.line(0, "declare namespace fazt {")
	for _, e := range entries {
		for _, block := range e.Blocks {
			if block.Kind == "ts fazt" {
				b.lines(1, block.Text)
				b.line(0, "")
			}
		}
	}
	b.line(1, "/** The codes of errors that a handler can catch. */")
	b.line(1, "type ErrorCode = '"+strings.Join(CatchableCodes(), "' | '")+"';")
	for _, g := range jsapi.Table() {
		b.line(0, "")
		b.group(g, entries)
	}
	b.line(0, "}")
	for _, e := range entries {
		for _, block := range e.Blocks {
			if block.Kind == "ts" {
				b.line(0, "")
				b.lines(0, block.Text)
			}
		}
	}
	return b.String()
}

// CatchableCodes are the codes of the errors that a handler can catch, as the chapter on
// errors lists them.
func CatchableCodes() (codes []string) {
	for _, e := range Entries() {
		if e.Name != "Codes that a handler can catch" {
			continue
		}
		for _, block := range e.Blocks {
			for line := range strings.Lines(block.Text) {
				if rest, ok := strings.CutPrefix(line, "| `"); ok {
					code, _, _ := strings.Cut(rest, "`")
					codes = append(codes, code)
				}
			}
		}
	}
	return codes
}

// declarations is a text that is being put together.
type declarations struct{ strings.Builder }

func (b *declarations) line(depth int, text string) {
	if text != "" {
		b.WriteString(strings.Repeat("  ", depth))
	}
	b.WriteString(text + "\n")
}

func (b *declarations) lines(depth int, text string) {
	for line := range strings.Lines(text) {
		b.line(depth, strings.TrimSuffix(line, "\n"))
	}
}

// group writes an interface with the functions of a group. Those with a dotted name
// stand in an object of their own.
func (b *declarations) group(g jsapi.Group, entries []Entry) {
	last := g.Prefixes[0][strings.LastIndex(g.Prefixes[0], ".")+1:]
	b.line(1, "interface "+strings.ToUpper(last[:1])+last[1:]+" {")
	open := ""
	for _, f := range g.Functions {
		object, name, dotted := strings.Cut(f.Name, ".")
		if !dotted {
			object, name = "", f.Name
		}
		if object != open && open != "" {
			b.line(2, "};")
		}
		if object != open && object != "" {
			b.line(2, "readonly "+object+": {")
		}
		open = object
		depth := 2
		if object != "" {
			depth = 3
		}
		i := slices.IndexFunc(entries, func(e Entry) bool { return e.Name == entryName(g, f) })
		if i >= 0 {
			b.comment(depth, entries[i])
		}
		b.line(depth, name+strings.TrimPrefix(f.String(), f.Name)+";")
	}
	if open != "" {
		b.line(2, "};")
	}
	b.line(1, "}")
}

// comment writes what an entry says, with its example.
func (b *declarations) comment(depth int, e Entry) {
	b.line(depth, "/**")
	for _, block := range e.Blocks {
		switch block.Language() {
		case "":
			b.lines(depth, prefixed(block.Text))
		case "js":
			b.line(depth, " * @example")
			b.lines(depth, prefixed(block.Text))
		}
	}
	b.line(depth, " */")
}

// prefixed is text as the lines of a comment, which nothing in it ends.
func prefixed(text string) string {
	text = strings.ReplaceAll(text, "*/", "*\\/")
	return " * " + strings.ReplaceAll(text, "\n", "\n * ")
}
