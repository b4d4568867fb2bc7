package js

import (
	"strings"
	"unicode/utf8"
)

// PartNames are the properties of JavaScript's URL that a [URL] gives, in the order of
// [URL.Parts]. All but origin can be set.
var PartNames = []string{"href", "origin", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"}

// Parts are the values of the properties in [PartNames].
func (u *URL) Parts() []string {
	host, hostname := "", ""
	if u.host != nil {
		hostname = *u.host
		host = hostname
		if u.port != "" {
			host += ":" + u.port
		}
	}
	return []string{u.String(), u.origin(), u.scheme + ":", u.username, u.password, host, hostname, u.port,
		u.pathname(), marked("?", u.query), marked("#", u.fragment)}
}

// marked is a part behind its mark, nothing if it is missing or empty.
func marked(mark string, part *string) string {
	if part == nil || *part == "" {
		return ""
	}
	return mark + *part
}

func (u *URL) pathname() string {
	if u.opaque {
		return u.path[0]
	}
	if len(u.path) == 0 {
		return ""
	}
	return "/" + strings.Join(u.path, "/")
}

// origin is "null" where two URLs never have the same.
func (u *URL) origin() string {
	switch {
	case u.scheme == "blob":
		if inner, err := parse(u.pathname(), nil); err == nil && (inner.scheme == "http" || inner.scheme == "https") {
			return inner.origin()
		}
	case u.special() && u.scheme != "file":
		origin := u.scheme + "://" + *u.host
		if u.port != "" {
			origin += ":" + u.port
		}
		return origin
	}
	return "null"
}

// String serialises the URL.
func (u *URL) String() string {
	var b strings.Builder
	b.WriteString(u.scheme + ":")
	if u.host != nil {
		b.WriteString("//")
		if u.username != "" || u.password != "" {
			b.WriteString(u.username)
			if u.password != "" {
				b.WriteString(":" + u.password)
			}
			b.WriteByte('@')
		}
		b.WriteString(*u.host)
		if u.port != "" {
			b.WriteString(":" + u.port)
		}
	} else if !u.opaque && len(u.path) > 1 && u.path[0] == "" {
		b.WriteString("/.") // or what follows would be a host
	}
	b.WriteString(u.pathname())
	if u.query != nil {
		b.WriteString("?" + *u.query)
	}
	if u.fragment != nil {
		b.WriteString("#" + *u.fragment)
	}
	return b.String()
}

// SetURL sets a part, one of [PartNames], of a URL that [URL.String] made, as the
// property's setter in JavaScript does: what isn't a value of it changes nothing. ok is
// false for a value of more than 1 MiB, and for an href that is no URL.
func SetURL(href, part, value string) (u *URL, ok bool) {
	if part == "href" {
		return ParseURL(value, nil)
	}
	u, err := parseRecord(href, nil)
	if err != nil || len(value) > maxURL {
		return nil, false
	}
	value = strings.ToValidUTF8(value, string(utf8.RuneError))
	switch part {
	case "username":
		if u.hasAuthority() {
			u.username = encodeURLPart(value, encodeUserinfo)
		}
		return u, true
	case "password":
		if u.hasAuthority() {
			u.password = encodeURLPart(value, encodeUserinfo)
		}
		return u, true
	}
	setters[part](u, withoutBreaks(value))
	return u, true
}

var setters = map[string]func(u *URL, value string){
	"protocol": (*URL).setProtocol,
	"host":     func(u *URL, value string) { u.setHost(value, true) },
	"hostname": func(u *URL, value string) { u.setHost(value, false) },
	"port":     (*URL).setPort,
	"pathname": (*URL).setPathname,
	"search": func(u *URL, value string) {
		if value == "" {
			u.query = nil
		} else {
			u.setQuery(strings.TrimPrefix(value, "?"))
		}
	},
	"hash": func(u *URL, value string) {
		if value == "" {
			u.fragment = nil
		} else {
			u.setFragment(strings.TrimPrefix(value, "#"))
		}
	},
}

// hasAuthority reports whether the URL can have a user and a port.
func (u *URL) hasAuthority() bool { return u.host != nil && *u.host != "" && u.scheme != "file" }

func (u *URL) setProtocol(value string) {
	scheme, _, ok := cutScheme(value + ":")
	switch {
	case !ok, isSpecial(scheme) != u.special(),
		scheme == "file" && (u.username != "" || u.password != "" || u.port != ""),
		u.scheme == "file" && (u.host == nil || *u.host == ""):
		return
	}
	if u.scheme = scheme; u.port == defaultPorts[scheme] {
		u.port = ""
	}
}

// setHost takes a port along with the host unless the property is hostname.
func (u *URL) setHost(value string, withPort bool) {
	if u.opaque {
		return
	}
	ends := "/?#"
	if u.special() {
		ends += `\`
	}
	if i := strings.IndexAny(value, ends); i >= 0 {
		value = value[:i]
	}
	name, port, hasPort := value, "", false
	if u.scheme != "file" {
		name, port, hasPort = cutPort(value)
	}
	switch {
	case hasPort && (name == "" || !withPort),
		name == "" && u.special() && u.scheme != "file",
		name == "" && (u.username != "" || u.password != "" || u.port != ""):
		return
	}
	host := ""
	if name != "" {
		var err error
		if host, err = u.parseHost(name); err != nil {
			return
		}
	}
	if u.scheme == "file" && host == "localhost" {
		host = ""
	}
	u.host = &host
	_ = u.setPortText(port) // what isn't a port leaves the old one
}

func (u *URL) setPort(value string) {
	switch {
	case !u.hasAuthority():
	case value == "":
		u.port = ""
	default:
		_ = u.setPortText(value) // what isn't a port leaves the old one
	}
}

func (u *URL) setPathname(value string) {
	if u.opaque {
		return
	}
	u.path = nil
	if u.slash(value) {
		value = value[1:]
	} else if value == "" && !u.special() {
		if u.host == nil {
			u.path = []string{""}
		}
		return
	}
	u.addPath(value)
}
