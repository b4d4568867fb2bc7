package bundle

import (
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/sourcemap"
)

// marks are what stands for the first letter of such a name while esbuild works, which
// knows what is free and what is declared: as long as the name, so that places stay.
var marks = []string{"$", "_", "Q"}

// freeNames finds the free names of a program.
type freeNames struct {
	mark  string
	names map[string]string // by what stands for them, without the mark
	found atomic.Bool       // the source has one of them itself
}

// newFreeNames looks for all that are missing, or for those that are without webModule.
func newFreeNames(mark string, web bool) *freeNames {
	f := &freeNames{mark: mark, names: make(map[string]string)}
	for _, name := range runtime.MissingGlobals() {
		if !web || !slices.Contains(webNames, name) {
			f.names[name[1:]] = name
		}
	}
	return f
}

// needsWeb tells whether a program uses what webModule has.
func (f *freeNames) needsWeb(code string) (needed bool) {
	f.each(code, func(_ int, name string) { needed = needed || slices.Contains(webNames, name) })
	return needed
}

// define tells esbuild what stands for the names.
func (f *freeNames) define() map[string]string {
	d := make(map[string]string)
	for rest, name := range f.names {
		d[name] = f.mark + rest
	}
	return d
}

// each calls visit with where each marked name stands in a text.
func (f *freeNames) each(text string, visit func(at int, name string)) {
	for at := 0; ; {
		i := strings.Index(text[at:], f.mark)
		if i < 0 {
			return
		}
		at += i
		end := at + 1
		for end < len(text) && isWordByte(text[end]) && text[end] != '\\' {
			end++
		}
		if name, ok := f.names[text[at+1:end]]; ok {
			visit(at, name)
		}
		at++
	}
}

// look notes when a file has a marked name of its own. esbuild calls it from many
// goroutines.
func (f *freeNames) look(text string) {
	f.each(text, func(int, string) { f.found.Store(true) })
}

// use is where a program uses a global that isn't there.
type use struct {
	name  string
	place sourcemap.Place
}

// checkFree puts the names back, and refuses what the author's own files use of them
// without asking whether it is there. What packages use is only noted, see tryLoading.
func (b *builder) checkFree(made *built) ([]byte, error) {
	code := string(made.code)
	places, err := sourcemap.Parse(runtime.DefaultMain, string(made.sourceMap))
	if err != nil {
		return nil, err
	}
	var uses []use
	asked := make(map[[2]string]bool) // by file and name
	restored := []byte(code)
	line, counted, begin := 1, 0, 0 // how far lines are counted, and where this one begins
	made.free.each(code, func(at int, name string) {
		restored[at] = name[0]
		line += strings.Count(code[counted:at], "\n")
		if i := strings.LastIndexByte(code[counted:at], '\n'); i >= 0 {
			begin = counted + i + 1
		}
		counted = at
		p, ok := places.Find(line, at-begin+1)
		if !ok {
			return
		}
		if strings.HasSuffix(code[:at], "typeof ") {
			asked[[2]string{p.File, name}] = true
			return
		}
		uses = append(uses, use{name, p})
	})
	searched := make(map[string]bool)
	for _, u := range uses {
		if file := u.place.File; !searched[file] {
			searched[file] = true
			for _, m := range asking.FindAllStringSubmatch(b.text(file), -1) {
				asked[[2]string{file, m[1] + m[2]}] = true
			}
		}
		switch {
		case asked[[2]string{u.place.File, u.name}]:
		case isPackaged(u.place.File):
			made.suspects = append(made.suspects, u)
		default:
			e := runtime.NoGlobal(u.name)
			e.File, e.Line, e.Column, e.SourceLine = u.place.File, u.place.Line, u.place.Column, lineOf(b.text(u.place.File), u.place.Line)
			return nil, e
		}
	}
	return restored, nil
}

// asking matches where a file asks for a global as a property of the global object.
var asking = regexp.MustCompile(`\b(?:globalThis|self|global)\s*(?:\?\.|\.|\[\s*["'])\s*([A-Za-z_]+)|["']([A-Za-z_]+)["']\s+in\s+(?:globalThis|self|global)\b`)
