package runtime

import (
	"context"
	"slices"
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
	mu     sync.Mutex
	text   string // until it is parsed
	parsed bool
	places *sourcemap.Map // nil if it can't be used
}

func (m *lazyMap) isParsed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.parsed
}

func (m *lazyMap) parse(file string) *sourcemap.Map {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.parsed {
		m.places, _ = sourcemap.Parse(file, m.text)
		m.text, m.parsed = "", true
	}
	return m.places
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
	places := m.parse(file)
	if places == nil {
		return place, false
	}
	return places.Find(line, column)
}

// place gives errors of a run, those that aren't nil, and what it logged the places in
// the author's source. To parse a map is work of the app, for which it waits as a run
// does.
func (r *Runtime) place(ctx context.Context, p *places, log []Line, errs ...*Error) {
	errs = slices.DeleteFunc(errs, func(e *Error) bool { return e == nil })
	if p.isUnparsed(log, errs) && r.gate != nil {
		pass, err := r.gate.Enter(ctx)
		if err != nil {
			for _, e := range errs {
				_ = e.locate(p.files[e.File])
			}
			return // there is no time for it; the places are those of what was made
		}
		defer pass.Done()
	}
	for _, e := range errs {
		_ = p.locate(e)
	}
	p.lines(log)
}

// isUnparsed tells whether a map is needed that is yet to be parsed.
func (p *places) isUnparsed(log []Line, errs []*Error) (unparsed bool) {
	if p.maps == nil {
		return false
	}
	look := func(name string, _, _ int) (string, bool) {
		m := p.maps[name]
		unparsed = unparsed || m != nil && !m.isParsed()
		return "", false
	}
	for _, e := range errs {
		look(e.File, 0, 0)
	}
	for i := 0; i < len(log) && !unparsed; i++ {
		replacePlaces(log[i].Text, look)
	}
	return unparsed
}

// text is that of an author's file.
func (p *places) text(file string) string {
	for _, m := range p.maps {
		if m.isParsed() && m.places != nil {
			if text, ok := m.places.Text(file); ok {
				return text
			}
		}
	}
	return p.files[file]
}

// locate places an error in the author's source: where it happened, or if that is in a
// package, where the author's own code had called it. It also fills in the source line.
func (p *places) locate(e *Error) *Error {
	if p.maps != nil && e.File != "" {
		at, ok := p.find(e.File, e.Line, e.Column)
		var own *sourcemap.Place
		left := mostPlaces
		e.Stack = p.translate(e.Stack, &left, func(frame sourcemap.Place) {
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

// mostPlaces is how many places are looked up in the stack of an error, and in what a run
// has logged: each takes some microseconds, which no budget covers.
const mostPlaces = 1000

// lines translates what a run logged.
func (p *places) lines(log []Line) {
	left := mostPlaces
	for i := 0; i < len(log) && p.maps != nil && left > 0; i++ {
		log[i].Text = p.translate(log[i].Text, &left, nil)
	}
}

// translate replaces up to *left places in a text, such as a stack or what was logged.
// seen, which may be nil, gets each in its order.
func (p *places) translate(text string, left *int, seen func(sourcemap.Place)) string {
	return replacePlaces(text, func(file string, line, column int) (string, bool) {
		if p.maps[file] == nil || *left <= 0 {
			return "", false
		}
		*left--
		place, ok := p.find(file, line, column)
		if !ok {
			return "", false
		}
		if seen != nil {
			seen(place)
		}
		return place.File + ":" + strconv.Itoa(place.Line) + ":" + strconv.Itoa(place.Column), true
	})
}

// replacePlaces replaces what by tells to of the places in a text that are in files of
// JavaScript.
func replacePlaces(text string, by func(file string, line, column int) (string, bool)) string {
	const ending = ".js:"
	var b strings.Builder
	done := 0 // of the text
	for at := 0; ; {
		i := strings.Index(text[at:], ending)
		if i < 0 {
			break
		}
		colon := at + i + len(ending) - 1
		at = colon
		line, n := number(text[colon:])
		column, m := number(text[colon+n:])
		if n == 0 || m == 0 {
			continue
		}
		begin := colon
		for begin > done && isNameByte(text[begin-1]) {
			begin--
		}
		if place, ok := by(text[begin:colon], line, column); ok {
			b.WriteString(text[done:begin] + place)
			done = colon + n + m
		}
		at = colon + n + m
	}
	if done == 0 {
		return text
	}
	return b.String() + text[done:]
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
	return c > ' ' && !strings.ContainsRune("()\"'<>:,;`|", rune(c))
}
