package js

import (
	_ "embed"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// WebLibrary is the part of the globals that engines share: URL and URLSearchParams, in
// ES5. It is an expression, a function of an object with the natives parseURL(text, base)
// and setURL(href, part, value), which return the [URL.Parts] in an array or undefined,
// [PartNames] in one text as partNames, formDecode(text) and formEncode(text); if the engine has
// iterables, listOf(value), a list of what one gives; and if Object has been changed, its
// defineProperty and freeze. It returns an object with the two constructors.
//
//go:embed web.js
var WebLibrary string

// A URL is a record as the WHATWG's URL standard has it. The parser takes a text apart
// where the standard's goes through states, with the same results, since each part ends
// at the first of a few characters; so every step takes linear time, and none needs to be
// interrupted: a text may be 1 MiB long.
//
// What JavaScript has of a URL are its [URL.Parts]. A setter parses the serialised URL
// again, which by the standard gives the same record.
type URL struct {
	scheme, username, password string
	host                       *string // nil is none, which is not an empty one
	port                       string
	opaque                     bool // the path is path[0] as it is, as of mailto:
	path                       []string
	query, fragment            *string
}

// maxURL bounds a text that is parsed, so that it takes a few milliseconds.
const maxURL = 1 << 20

var errURL = errors.New("it is no URL")

// defaultPorts are those of the special schemes; file has none.
var defaultPorts = map[string]string{"http": "80", "https": "443", "ws": "80", "wss": "443", "ftp": "21", "file": ""}

func (u *URL) special() bool { return isSpecial(u.scheme) }

func isSpecial(scheme string) bool { _, ok := defaultPorts[scheme]; return ok }

// Characters that each part encodes beside controls and what isn't ASCII.
const (
	encodeFragment     = " \"<>`"
	encodeQuery        = " \"#<>"
	encodeSpecialQuery = encodeQuery + "'"
	encodePath         = encodeQuery + "?^`{}"
	encodeUserinfo     = encodePath + "/:;=@[\\]|"
)

// ParseURL parses an absolute URL, or one relative to base unless that is nil. A text of
// more than 1 MiB is no URL, nor is one whose host has more than 1,024 characters that
// aren't all plain ASCII.
func ParseURL(text string, base *string) (*URL, bool) {
	var from *URL
	if base != nil {
		b, err := parse(*base, nil)
		if err != nil {
			return nil, false
		}
		from = b
	}
	u, err := parse(text, from)
	return u, err == nil
}

func parse(text string, base *URL) (*URL, error) {
	if len(text) > maxURL {
		return nil, errURL
	}
	return parseRecord(text, base)
}

// parseRecord is parse of a text whose length is bounded.
func parseRecord(text string, base *URL) (*URL, error) {
	text = strings.TrimFunc(text, func(r rune) bool { return r <= ' ' })
	text = withoutBreaks(strings.ToValidUTF8(text, string(utf8.RuneError)))
	u := &URL{}
	rest, fragment, hasFragment := strings.Cut(text, "#")
	scheme, rest, ok := cutScheme(rest)
	if !ok && (base == nil || base.opaque && (rest != "" || !hasFragment)) {
		return nil, errURL
	}
	rest, query, hasQuery := strings.Cut(rest, "?")
	u.scheme = scheme
	if !ok {
		u.scheme = base.scheme
	}
	if err := u.parseBody(rest, hasQuery, base, !ok); err != nil {
		return nil, err
	}
	if hasQuery {
		u.setQuery(query)
	}
	if hasFragment {
		u.setFragment(fragment)
	}
	if u.opaque && (hasQuery || hasFragment) && strings.HasSuffix(u.path[0], " ") {
		u.path[0] = u.path[0][:len(u.path[0])-1] + "%20" // or it would be lost when the rest is taken away
	}
	return u, nil
}

// withoutBreaks takes out what the standard ignores anywhere.
func withoutBreaks(s string) string {
	if !strings.ContainsAny(s, "\t\n\r") {
		return s
	}
	return strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(s)
}

func cutScheme(s string) (scheme, rest string, ok bool) {
	for i := range len(s) {
		c := s[i] | 0x20
		switch {
		case 'a' <= c && c <= 'z':
		case i > 0 && (s[i] >= '0' && s[i] <= '9' || s[i] == '+' || s[i] == '-' || s[i] == '.'):
		case i > 0 && s[i] == ':':
			return strings.ToLower(s[:i]), s[i+1:], true
		default:
			return "", s, false
		}
	}
	return "", s, false
}

// parseBody parses what is between the scheme and the query. relative says that there
// was no scheme.
func (u *URL) parseBody(rest string, hasQuery bool, base *URL, relative bool) error {
	switch {
	case relative && base.opaque:
		u.opaque, u.path, u.query = true, []string{base.path[0]}, base.query
		return nil
	case u.scheme == "file":
		return u.parseFile(rest, hasQuery, base)
	case relative, u.special() && base != nil && base.scheme == u.scheme && !strings.HasPrefix(rest, "//"):
		return u.parseRelative(rest, hasQuery, base)
	case u.special():
		return u.parseAuthority(strings.TrimLeft(rest, `/\`))
	case strings.HasPrefix(rest, "//"):
		return u.parseAuthority(rest[2:])
	case strings.HasPrefix(rest, "/"):
		u.addPath(rest[1:])
	default:
		u.opaque, u.path = true, []string{encodeURLPart(rest, "")}
	}
	return nil
}

// slash reports whether a text begins with a slash, or what is one in special URLs.
func (u *URL) slash(s string) bool {
	return s != "" && (s[0] == '/' || s[0] == '\\' && u.special())
}

func (u *URL) parseRelative(rest string, hasQuery bool, base *URL) error {
	if u.slash(rest) && u.slash(rest[1:]) {
		if u.special() {
			return u.parseAuthority(strings.TrimLeft(rest, `/\`))
		}
		return u.parseAuthority(rest[2:])
	}
	u.username, u.password, u.host, u.port = base.username, base.password, base.host, base.port
	if u.slash(rest) {
		u.addPath(rest[1:])
		return nil
	}
	u.continuePath(rest, hasQuery, base)
	return nil
}

// continuePath goes on from the path of the base, without its last segment.
func (u *URL) continuePath(rest string, hasQuery bool, base *URL) {
	u.path = append([]string(nil), base.path...)
	if rest == "" {
		if !hasQuery {
			u.query = base.query
		}
		return
	}
	u.shorten()
	u.addPath(rest)
}

func (u *URL) parseFile(rest string, hasQuery bool, base *URL) error {
	empty := ""
	u.host = &empty
	if base != nil && base.scheme != "file" {
		base = nil
	}
	switch {
	case u.slash(rest) && u.slash(rest[1:]):
		return u.parseFileHost(rest[2:])
	case u.slash(rest):
		if base != nil {
			u.host = base.host
			if !startsWithDrive(rest[1:]) && len(base.path) > 0 && isDrive(base.path[0]) && base.path[0][1] == ':' {
				u.path = append(u.path, base.path[0])
			}
		}
		u.addPath(rest[1:])
	case base != nil:
		u.host = base.host
		if startsWithDrive(rest) {
			u.addPath(rest)
			return nil
		}
		u.continuePath(rest, hasQuery, base)
	default:
		u.addPath(rest)
	}
	return nil
}

func (u *URL) parseFileHost(rest string) error {
	host, path := rest, ""
	if i := strings.IndexAny(rest, `/\`); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	if isDrive(host) {
		u.addPath(rest)
		return nil
	}
	if host != "" {
		name, err := u.parseHost(host)
		if err != nil {
			return err
		}
		if name == "localhost" {
			name = ""
		}
		u.host = &name
	}
	u.startPath(path)
	return nil
}

// isDrive tells a drive letter of Windows, which a file's path may begin with.
func isDrive(s string) bool {
	return len(s) == 2 && isLetter(s[0]) && (s[1] == ':' || s[1] == '|')
}

func startsWithDrive(s string) bool {
	return len(s) >= 2 && isDrive(s[:2]) && (len(s) == 2 || strings.IndexByte(`/\?#`, s[2]) >= 0)
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func (u *URL) parseAuthority(rest string) error {
	ends := "/"
	if u.special() {
		ends = `/\`
	}
	authority, path := rest, ""
	if i := strings.IndexAny(rest, ends); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		name, password, _ := strings.Cut(authority[:i], ":")
		u.username, u.password = encodeURLPart(name, encodeUserinfo), encodeURLPart(password, encodeUserinfo)
		if authority = authority[i+1:]; authority == "" {
			return errURL
		}
	}
	name, port, hasPort := cutPort(authority)
	if name == "" && (u.special() || hasPort) {
		return errURL
	}
	host, err := u.parseHost(name)
	if err != nil {
		return err
	}
	u.host = &host
	if err := u.setPortText(port); err != nil || len(digits(port)) < len(port) {
		return errURL
	}
	u.startPath(path)
	return nil
}

// cutPort cuts a host at the first colon that isn't in brackets.
func cutPort(s string) (host, port string, ok bool) {
	inBrackets := false
	for i := range len(s) {
		switch s[i] {
		case '[':
			inBrackets = true
		case ']':
			inBrackets = false
		case ':':
			if !inBrackets {
				return s[:i], s[i+1:], true
			}
		}
	}
	return s, "", false
}

// digits are those that a text begins with.
func digits(s string) string {
	return s[:len(s)-len(strings.TrimLeft(s, "0123456789"))]
}

// setPortText takes the digits that a text begins with, and does nothing without any.
func (u *URL) setPortText(s string) error {
	s = digits(s)
	if s == "" {
		return nil
	}
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return errURL
	}
	if u.port = strconv.FormatUint(n, 10); u.port == defaultPorts[u.scheme] {
		u.port = ""
	}
	return nil
}

// startPath begins a path behind a host.
func (u *URL) startPath(rest string) {
	if u.slash(rest) {
		rest = rest[1:]
	} else if !u.special() {
		return
	}
	u.addPath(rest)
}

// addPath adds the segments of a path that begins behind a slash, and resolves those
// that are one or two dots, in their escaped spelling too.
func (u *URL) addPath(rest string) {
	if u.special() {
		rest = strings.ReplaceAll(rest, `\`, "/")
	}
	for more := true; more; {
		var s string
		s, rest, more = strings.Cut(rest, "/")
		switch dots(s) {
		case 1:
			if !more {
				u.path = append(u.path, "")
			}
		case 2:
			u.shorten()
			if !more {
				u.path = append(u.path, "")
			}
		default:
			if u.scheme == "file" && len(u.path) == 0 && isDrive(s) {
				s = s[:1] + ":"
			}
			u.path = append(u.path, encodeURLPart(s, encodePath))
		}
	}
}

// dots tells how many dots a segment consists of: one, two or, for anything else, none.
func dots(s string) int {
	if len(s) > len("%2e%2e") {
		return 0
	}
	switch strings.ReplaceAll(strings.ToLower(s), "%2e", ".") {
	case ".":
		return 1
	case "..":
		return 2
	}
	return 0
}

// shorten takes the last segment away, but not a file's drive.
func (u *URL) shorten() {
	n := len(u.path)
	if n == 0 || u.scheme == "file" && n == 1 && isDrive(u.path[0]) && u.path[0][1] == ':' {
		return
	}
	u.path = u.path[:n-1]
}

func (u *URL) setQuery(s string) {
	set := encodeQuery
	if u.special() {
		set = encodeSpecialQuery
	}
	s = encodeURLPart(s, set)
	u.query = &s
}

func (u *URL) setFragment(s string) {
	s = encodeURLPart(s, encodeFragment)
	u.fragment = &s
}

// encodeURLPart percent-encodes, and leaves escapes as they are.
func encodeURLPart(s, set string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := range len(s) {
		if c := s[i]; c <= 0x1f || c >= 0x7f || strings.IndexByte(set, c) >= 0 {
			percent(&b, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// FormEncode encodes a name or a value for it.
func FormEncode(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ':
			b.WriteByte('+')
		case isLetter(c) || '0' <= c && c <= '9' || strings.IndexByte("*-._", c) >= 0:
			b.WriteByte(c)
		default:
			percent(&b, c)
		}
	}
	return b.String()
}

// percent writes a byte as %XX.
func percent(b *strings.Builder, c byte) {
	const digits = "0123456789ABCDEF"
	b.WriteByte('%')
	b.WriteByte(digits[c>>4])
	b.WriteByte(digits[c&15])
}
