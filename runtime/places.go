package runtime

import (
	"strconv"
	"strings"
	"sync"

	"github.com/fazt-sh/fazt/runtime/internal/sourcemap"
)

// BundleMark begins a program that package bundle has made, of which nothing beside the
// main file is part.
const BundleMark = "// Bundled by fazt"

// IsBundled tells a program that package bundle has made by its main file.
func IsBundled(main string) bool { return strings.HasPrefix(main, BundleMark) }

// places are what places in a program's files stand for in the author's, as far as they
// have source maps. A map is parsed when it is first needed, which most never are. One
// that can't be used is as if it weren't there.
type places struct {
	files map[string]string
	maps  map[string]*lazyMap // by the file that was made; nil without any
}

type lazyMap struct {
	text   string
	parsed sync.Once
	places *sourcemap.Map // nil if it can't be used
}

func newPlaces(src Source) *places {
	p := &places{files: src.Files}
	for file, text := range src.Maps {
		if _, ok := src.Files[file]; !ok {
			continue
		}
		if p.maps == nil {
			p.maps = make(map[string]*lazyMap)
		}
		p.maps[file] = &lazyMap{text: text}
	}
	return p
}

// find is what a place stands for. ok is false for one that no map knows.
func (p *places) find(file string, line, column int) (place sourcemap.Place, ok bool) {
	m := p.maps[file]
	if m == nil {
		return place, false
	}
	m.parsed.Do(func() {
		m.places, _ = sourcemap.Parse(file, m.text)
		m.text = ""
	})
	if m.places == nil {
		return place, false
	}
	return m.places.Find(line, column)
}

// text is that of an author's file.
func (p *places) text(file string) string {
	for _, m := range p.maps {
		if m.places != nil {
			if text, ok := m.places.Text(file); ok {
				return text
			}
		}
	}
	return p.files[file]
}

// locate places an error in the author's source: where it happened, or if that is in a
// package, where the author's own code had called. It also fills in the source line.
func (p *places) locate(e *Error) *Error {
	if p.maps != nil && e.File != "" {
		at, ok := p.find(e.File, e.Line, e.Column)
		var own *sourcemap.Place
		e.Stack = p.translate(e.Stack, func(frame sourcemap.Place) {
			if own == nil && !isPackaged(frame.File) {
				own = &frame
			}
		})
		switch {
		case ok && isPackaged(at.File) && own != nil:
			at = *own
			fallthrough
		case ok:
			e.move(at)
		case own != nil && p.maps[e.File] != nil:
			e.move(*own)
		}
	}
	return e.locate(p.text(e.File))
}

func (e *Error) move(to sourcemap.Place) {
	e.File, e.Line, e.Column, e.SourceLine = to.File, to.Line, to.Column, ""
}

func isPackaged(file string) bool { return strings.Contains("/"+file, "/node_modules/") }

// translate replaces the places in a text, such as a stack or what was logged. seen gets
// each in its order; it may be nil.
func (p *places) translate(text string, seen func(sourcemap.Place)) string {
	for file := range p.maps {
		var b strings.Builder
		rest := text
		for {
			i := strings.Index(rest, file+":")
			if i < 0 {
				break
			}
			end := i + len(file)
			line, n := number(rest[end:])
			column, m := number(rest[end+n:])
			if n == 0 || m == 0 {
				b.WriteString(rest[:end])
				rest = rest[end:]
				continue
			}
			place, ok := p.find(file, line, column)
			end += n + m
			if ok && (i == 0 || !isNameByte(rest[i-1])) {
				b.WriteString(rest[:i])
				b.WriteString(place.File + ":" + strconv.Itoa(place.Line) + ":" + strconv.Itoa(place.Column))
				if seen != nil {
					seen(place)
				}
			} else {
				b.WriteString(rest[:end])
			}
			rest = rest[end:]
		}
		if b.Len() > 0 {
			b.WriteString(rest)
			text = b.String()
		}
	}
	return text
}

// number reads a colon and a number, and says how long they are; 0 is none.
func number(s string) (n, length int) {
	if !strings.HasPrefix(s, ":") {
		return 0, 0
	}
	end := 1
	for end < len(s) && end < 10 && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	n, err := strconv.Atoi(s[1:end])
	if err != nil {
		return 0, 0
	}
	return n, end
}

func isNameByte(c byte) bool {
	return c == '_' || c == '-' || c == '.' || c == '/' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// lines translates what a run logged.
func (p *places) lines(log []Line) {
	if p.maps == nil {
		return
	}
	for i := range log {
		log[i].Text = p.translate(log[i].Text, nil)
	}
}
