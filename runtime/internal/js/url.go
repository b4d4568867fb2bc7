package js

import (
	_ "embed"
	"net/netip"
	"strconv"
	"strings"

	"github.com/fazt-sh/fazt/runtime/internal/literal"
)

// WebLibrary is the part of the globals that engines share: URL and
// URLSearchParams, in ES5. It is an expression, a function of an object with
// the natives parseURL(text, base), which returns the parts of a [URL] in an
// array or undefined, formDecode(text) and formEncode(text), and if Object has
// been changed, its defineProperty and freeze. It returns an object with the two constructors.
//
//go:embed web.js
var WebLibrary string

// URL has the parts of a URL as the WHATWG's URL standard serialises them.
type URL struct {
	Protocol, Username, Password, Hostname, Port, Pathname, Search, Hash string
}

// Parts are the fields in their order.
func (u URL) Parts() []string {
	return []string{u.Protocol, u.Username, u.Password, u.Hostname, u.Port, u.Pathname, u.Search, u.Hash}
}

// defaultPorts are the special schemes of the standard; file has no port.
var defaultPorts = map[string]string{"http:": "80", "https:": "443", "ws:": "80", "wss:": "443", "ftp:": "21", "file:": ""}

// maxURL bounds a URL's text, so that it is parsed in a few milliseconds.
const maxURL = 1 << 20

// Characters that the standard encodes in each part, beside controls and what
// isn't ASCII.
const (
	encodeHash     = " \"<>`"
	encodeSearch   = " \"#<>"
	encodePath     = " \"#<>?^`{}"
	encodeUserinfo = encodePath + "/:;=@[\\]|"
)

// ParseURL parses an absolute URL, or one relative to base, as the standard
// does. Host names have to be ASCII: it knows no IDNA. A text of more than
// 1 MiB is no URL.
func ParseURL(text, base string) (URL, bool) {
	if len(text) > maxURL || len(base) > maxURL {
		return URL{}, false
	}
	text = cleanURL(text)
	protocol, rest := cutScheme(text)
	if protocol == "" {
		if base == "" {
			return URL{}, false
		}
		b, ok := ParseURL(base, "")
		if !ok {
			return URL{}, false
		}
		return b.resolve(text)
	}
	u := URL{Protocol: protocol}
	rest, u.Hash = cutPart(rest, '#', encodeHash)
	extra := ""
	if u.special() {
		extra = "'"
	}
	rest, u.Search = cutPart(rest, '?', encodeSearch+extra)
	if u.special() {
		rest = strings.ReplaceAll(rest, `\`, "/")
	}
	switch {
	case u.Protocol == "file:":
		if !strings.HasPrefix(rest, "//") {
			rest = "///" + strings.TrimPrefix(rest, "/")
		}
		rest = rest[2:]
	case u.special():
		rest = strings.TrimLeft(rest, "/")
	case strings.HasPrefix(rest, "///"), rest == "//":
		return URL{}, false // an empty host and none would have to be told apart
	case strings.HasPrefix(rest, "//"):
		rest = rest[2:]
	case strings.HasPrefix(rest, "/"):
		u.Pathname = cleanPath(rest)
		return u, true
	default:
		u.Pathname = encodeURLPart(rest, "") // opaque: mailto, data
		return u, true
	}
	authority, path := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	if !u.setAuthority(authority) {
		return URL{}, false
	}
	if u.special() || path != "" {
		u.Pathname = cleanPath(path)
	}
	return u, u.Hostname != "" || u.Username+u.Password+u.Port == ""
}

func (u URL) special() bool { _, ok := defaultPorts[u.Protocol]; return ok }

// cleanURL takes away what the standard ignores.
func cleanURL(s string) string {
	s = strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
	return strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(strings.ToValidUTF8(s, "\uFFFD"))
}

func cutScheme(s string) (protocol, rest string) {
	for i := range len(s) {
		c := s[i] | 0x20
		switch {
		case 'a' <= c && c <= 'z':
		case i > 0 && (s[i] >= '0' && s[i] <= '9' || s[i] == '+' || s[i] == '-' || s[i] == '.'):
		case i > 0 && s[i] == ':':
			return strings.ToLower(s[:i+1]), s[i+1:]
		default:
			return "", s
		}
	}
	return "", s
}

// cutPart takes the search or the hash off the end. A separator with nothing
// behind it serialises as nothing.
func cutPart(s string, sep byte, encode string) (rest, part string) {
	i := strings.IndexByte(s, sep)
	if i < 0 {
		return s, ""
	}
	if i+1 == len(s) {
		return s[:i], ""
	}
	return s[:i], string(sep) + encodeURLPart(s[i+1:], encode)
}

// encodeURLPart percent-encodes, and leaves escapes as they are.
func encodeURLPart(s, encode string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= 0x1f || c >= 0x7f || strings.IndexByte(encode, c) >= 0 {
			percent(&b, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func (u *URL) setAuthority(s string) bool {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		name, password, _ := strings.Cut(s[:i], ":")
		u.Username, u.Password = encodeURLPart(name, encodeUserinfo), encodeURLPart(password, encodeUserinfo)
		s = s[i+1:]
	}
	host, port := s, ""
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		host, port = s[:i], s[i+1:]
	}
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || u.Protocol == "file:" {
			return false
		}
		if u.Port = strconv.FormatUint(n, 10); u.Port == defaultPorts[u.Protocol] {
			u.Port = ""
		}
	}
	var ok bool
	u.Hostname, ok = u.cleanHost(host)
	return ok
}

func (u URL) cleanHost(host string) (string, bool) {
	switch {
	case host == "":
		return "", !u.special() || u.Protocol == "file:"
	case host[0] == '[':
		addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
		return "[" + addr.String() + "]", err == nil && addr.Is6() && addr.Zone() == ""
	case !u.special():
		return encodeURLPart(host, ""), !strings.ContainsAny(host, " #/:<>?@[\\]^|\x00")
	}
	host = strings.ToLower(literal.Unescape(host))
	for i := range len(host) {
		if c := host[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("#/<>?@[\\]^|%:", c) >= 0 {
			return "", false
		}
	}
	return host, true
}

// cleanPath resolves dot segments, in their escaped spelling too.
func cleanPath(path string) string {
	var out []string
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, s := range segments {
		last := i == len(segments)-1
		switch strings.ReplaceAll(strings.ToLower(s), "%2e", ".") {
		case ".":
			if last {
				out = append(out, "")
			}
		case "..":
			out = out[:max(len(out)-1, 0)]
			if last {
				out = append(out, "")
			}
		default:
			out = append(out, encodeURLPart(s, encodePath))
		}
	}
	return "/" + strings.Join(out, "/")
}

// resolve parses what has no scheme of its own against u.
func (u URL) resolve(ref string) (URL, bool) {
	if u.special() {
		if i := strings.IndexAny(ref, "?#"); i >= 0 {
			ref = strings.ReplaceAll(ref[:i], `\`, "/") + ref[i:]
		} else {
			ref = strings.ReplaceAll(ref, `\`, "/")
		}
	} else if !strings.HasPrefix(u.Pathname, "/") && !strings.HasPrefix(ref, "#") {
		return URL{}, false
	}
	if strings.HasPrefix(ref, "//") {
		return ParseURL(u.Protocol+ref, "")
	}
	search := u.Search
	rest, hash := cutPart(ref, '#', encodeHash)
	u.Hash = hash
	extra := ""
	if u.special() {
		extra = "'"
	}
	path, query := cutPart(rest, '?', encodeSearch+extra)
	switch {
	case rest == "":
		u.Search = search
		return u, true
	case path == "":
		u.Search = query
		return u, true
	case !strings.HasPrefix(path, "/"):
		path = u.Pathname[:strings.LastIndexByte(u.Pathname, '/')+1] + path
	}
	u.Pathname, u.Search = cleanPath(path), query
	return u, true
}

// FormEncode encodes a name or a value for it.
func FormEncode(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ':
			b.WriteByte('+')
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("*-._", c) >= 0:
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
