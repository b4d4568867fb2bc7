package site

import (
	"bytes"
	"path"
	"regexp"
	"strings"
)

// Whether a file's name carries a hash of its content, so that browsers may keep it for
// a year without asking again, is decided when an app is deployed, by more than its
// spelling: photo-IMG_1234.jpg is spelled like chunk-B7xYz12_.js. A name has one if
//
//   - it is in a directory where a framework puts nothing else, or
//   - it is spelled like one, the build's own pages, scripts or style sheets speak of
//     it, and it is code; or else it is beside such code, and of the same alphabet.
//
// In doubt it has none, which costs a question every five minutes; a wrong yes would
// keep a stale file in browsers. The store takes a yes back when two versions that are
// kept have one name with different bytes.

// immutableDirs are directories in which frameworks put what they name by its content
// or, as Next.js does, by the build: SvelteKit, Next.js, Astro, Nuxt.
var immutableDirs = []string{"_app/immutable/", "_next/static/", "_astro/", "_nuxt/"}

// mutableDirs are the exceptions.
var mutableDirs = []string{"_nuxt/builds/"}

func inDir(name string, dirs []string) bool {
	for _, dir := range dirs {
		if strings.HasPrefix(name, dir) || strings.Contains(name, "/"+dir) {
			return true
		}
	}
	return false
}

// inImmutableDir reports whether a file is where only such files are. A page has its
// address for a name.
func inImmutableDir(name string) bool {
	return inDir(name, immutableDirs) && !inDir(name, mutableDirs) && path.Ext(name) != ".html"
}

// MayBeHashed reports whether a file's name could carry a hash of its content: all that
// is known of one that the current version lacks.
func MayBeHashed(name string) bool {
	if inImmutableDir(name) {
		return true
	}
	_, sureness := spelling(name)
	return sureness > unlikely
}

// isCode reports whether a file is one that builds, and hardly anybody else, give a
// name with a hash.
func isCode(name string) bool {
	switch path.Ext(name) {
	case ".js", ".mjs", ".css", ".wasm", ".map":
		return true
	}
	return false
}

// isFont reports whether a file is a font: people name them by words, Inter-SemiBold, and
// not by numbers.
func isFont(name string) bool {
	switch path.Ext(name) {
	case ".woff2", ".woff", ".ttf", ".otf", ".eot":
		return true
	}
	return false
}

// An alphabet is one in which build tools write hashes.
type alphabet int

const (
	noHash     alphabet = iota
	hexHash             // webpack, Parcel, esbuild's file loader, Vite up to 4, Hugo, Rails
	base32Hash          // esbuild, Angular
	base64Hash          // Rollup, Vite, and what is built upon them
)

// sureness is how much a spelling looks like a hash and not like a word or a number.
type sureness int

const (
	unlikely sureness = iota
	perhaps           // Markdown, VERSION2, 58577206: where a build puts its code, it is one
	likely            // utf8LE16: good enough for code
	surely            // good enough for a picture beside the code
)

// spelling looks for a hash in a file's name: app.3f2a91bc.js, index-B7xYz12_.js,
// index.md.DxFz-3_a.lean.js, app.3f2a91bc.chunk.js.map. It returns the hash.
func spelling(name string) (hash string, best sureness) {
	hash, _, best = spelled(name)
	return hash, best
}

func spelled(name string) (hash string, in alphabet, best sureness) {
	name, _ = Precompressed(name)
	stem := strings.TrimSuffix(path.Base(name), ".map")
	stem = strings.TrimSuffix(stem, path.Ext(stem))
	take := func(part string) {
		if a, s := classify(part); s > best {
			hash, in, best = part, a, s
		}
	}
	if len(stem) >= 16 { // the whole name, as webpack's for pictures
		if a, s := classify(stem); a == hexHash {
			hash, in, best = stem, a, s
		}
	}
	for end := len(stem); end > 0; {
		part := stem[:end]
		if n := len(part) - 9; n >= 0 && (part[n] == '-' || part[n] == '.') {
			take(part[n+1:]) // which may itself have a hyphen
		}
		dot := strings.LastIndexByte(part, '.')
		if hyphen := strings.LastIndexByte(part, '-'); max(dot, hyphen) >= 0 {
			take(part[max(dot, hyphen)+1:])
		}
		end = dot
	}
	return hash, in, best
}

var (
	// wordNumber are what cameras and people number things by: IMG_1234, P1010001,
	// version2, 20231122.
	wordNumber = regexp.MustCompile(`^[A-Za-z]*[_-]?[0-9]+$`)
	// date is what is numbered by the day: 20261122.
	date = regexp.MustCompile(`^(19|20)[0-9]{2}(0[1-9]|1[0-2])`)
	// camelCase are words: MacBook2, iPhone15, myPhoto.
	camelCase = regexp.MustCompile(`^[a-z]*([A-Z][a-z]+)*[0-9]*$`)
)

// classify says in which alphabet a part of a name may be a hash.
func classify(s string) (alphabet, sureness) {
	const least, most = 8, 64 // of SHA-256 in hex
	if len(s) < least || len(s) > most {
		return noHash, unlikely
	}
	var digits, hexLetters, otherLower, upper, beyondBase32, signs, turns int
	before := byte(0)
	for _, c := range []byte(s) {
		kind := byte('?')
		switch {
		case c >= '0' && c <= '9':
			kind = '0'
			digits++
			if c < '2' || c > '7' {
				beyondBase32++
			}
		case c >= 'a' && c <= 'f':
			kind = 'a'
			hexLetters++
		case c >= 'g' && c <= 'z':
			kind = 'a'
			otherLower++
		case c >= 'A' && c <= 'Z':
			kind = 'A'
			upper++
		case c == '_' || c == '-':
			kind = '_'
			signs++
		default:
			return noHash, unlikely
		}
		if before != 0 && kind != before {
			turns++
		}
		before = kind
	}
	switch {
	case otherLower+upper+signs == 0:
		switch {
		case digits == 0 || hexLetters == 0 && (len(s) != least || date.MatchString(s)):
			return noHash, unlikely
		case hexLetters == 0:
			return hexHash, perhaps
		case turns >= 3 || turns == 2 && len(s) == least:
			return hexHash, surely
		}
		return hexHash, perhaps
	case len(s) != least:
		return noHash, unlikely
	case hexLetters+otherLower+signs+beyondBase32 == 0 && upper > 0:
		switch {
		case digits == 0:
			return base32Hash, perhaps
		case wordNumber.MatchString(s):
			return base32Hash, likely
		}
		return base32Hash, surely
	case upper+digits+signs == 0 || wordNumber.MatchString(s):
		return noHash, unlikely
	case turns >= 3 && !camelCase.MatchString(s):
		return base64Hash, surely
	case turns >= 3:
		return base64Hash, likely
	}
	return base64Hash, perhaps
}

// references looks in an app's pages, scripts and style sheets for names that may carry
// a hash, and for the hashes alone: some builds keep them in a table of their own. It
// takes time in proportion to what it reads, and memory to the names.
type references struct {
	files map[string][]int // by base name and by hash
	found []bool           // by file
	left  int64            // bytes that may still be read

	self int    // the file that is being read
	word []byte // what the part so far ends in
}

const (
	// maxReferences bounds what is read for references, of an app and of one file. What
	// is beyond is taken to speak of nothing.
	maxReferences     = 128 << 20
	maxReferencesFile = 16 << 20
	// maxWord is the longest name that is looked for.
	maxWord = 255
)

func newReferences(files []file) *references {
	r := &references{files: make(map[string][]int), found: make([]bool, len(files)), left: maxReferences}
	for i, f := range files {
		if hash, sureness := spelling(f.path); sureness > unlikely {
			base := path.Base(f.path)
			r.files[base] = append(r.files[base], i)
			r.files[hash] = append(r.files[hash], i)
		}
	}
	return r
}

// begin reports whether a file is one to read.
func (r *references) begin(i int, f file) bool {
	if len(r.files) == 0 || f.size > min(r.left, maxReferencesFile) || IsPrivate("/"+f.path) || !IsServable("/"+f.path) {
		return false
	}
	switch path.Ext(f.path) {
	case ".html", ".htm", ".js", ".mjs", ".css", ".json", ".webmanifest":
		r.left -= f.size
		r.self, r.word = i, r.word[:0]
		return true
	}
	return false
}

// inWord are the characters that names with a hash are made of.
var inWord = func() (in [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.~@+") {
		in[c] = true
	}
	return in
}()

// read takes the next part of the file.
func (r *references) read(part []byte) {
	for len(part) > 0 {
		n := 0
		for n < len(part) && inWord[part[n]] {
			n++
		}
		switch {
		case n == len(part): // it may go on in the next part
			if len(r.word) <= maxWord {
				r.word = append(r.word, part[:min(n, maxWord+1)]...)
			}
			return
		case len(r.word) > 0:
			r.word = append(r.word, part[:min(n, maxWord+1)]...)
			r.note(r.word)
			r.word = r.word[:0]
		default:
			r.note(part[:n])
		}
		part = part[n:]
		for n = 0; n < len(part) && !inWord[part[n]]; {
			n++
		}
		part = part[n:]
	}
}

func (r *references) end() { r.note(r.word) }

// note looks a word up, as a whole and in its parts.
func (r *references) note(word []byte) {
	if len(word) < 8 || len(word) > maxWord {
		return
	}
	r.mark(word)
	for len(word) > 0 {
		part, rest, dotted := bytes.Cut(word, []byte{'.'})
		if len(part) >= 8 {
			r.mark(part)
		}
		if !dotted {
			return
		}
		word = rest
	}
}

func (r *references) mark(name []byte) {
	for _, i := range r.files[string(name)] {
		if i != r.self {
			r.found[i] = true
		}
	}
}

// hashed says of each file whether its name carries a hash of its content.
func (s *Site) hashed(r *references) []bool {
	type place struct {
		root string
		in   alphabet
	}
	out := make([]bool, len(s.files))
	builds := make(map[place]bool) // where code is, and how it spells hashes
	for i, f := range s.files {
		if out[i] = inImmutableDir(f.path); out[i] || !r.found[i] || !isCode(f.path) {
			continue
		}
		if _, in, sure := spelled(f.path); sure >= likely {
			out[i] = true
			dir := path.Dir(f.path)
			builds[place{dir, in}] = true
			if parent := path.Dir(dir); dir != "." && parent != "." {
				builds[place{parent, in}] = true // assets/js, beside assets/images
			}
		}
	}
	for i, f := range s.files {
		if out[i] || !r.found[i] {
			continue
		}
		hash, in, sure := spelled(f.path)
		if sure < surely && !(sure >= perhaps && (isCode(f.path) || isFont(f.path) && !camelCase.MatchString(hash))) {
			continue
		}
		for dir := path.Dir(f.path); !out[i]; dir = path.Dir(dir) {
			out[i] = builds[place{dir, in}] && (dir != "." || path.Dir(f.path) == "." || path.Dir(f.path) == "media")
			if dir == "." {
				break
			}
		}
	}
	return out
}
