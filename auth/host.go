package auth

import (
	"net/netip"
	"strings"
	"unicode/utf8"
)

// SiteKind is what a host is for.
type SiteKind int

// The kinds of sites.
const (
	// SiteElsewhere is a host of somebody else: nothing is served and nobody
	// signs in there.
	SiteElsewhere SiteKind = iota
	// SiteManagement is where the server is managed and where people sign in:
	// admin.<domain>, localhost, 127.0.0.1 and [::1].
	SiteManagement
	// SiteApp is an app's, which gets its sessions by hand-over: <domain>,
	// <label>.<domain> and <label>.localhost.
	SiteApp
	// SiteSingle is any other host of a server without a domain. People sign in
	// there for that host alone: it is the one host of a program that uses this
	// package, or that serves an app under a name which only the program knows.
	SiteSingle
)

// Site is what the host of a request stands for. The zero Site is elsewhere.
type Site struct {
	Kind SiteKind
	// Label names the app, as "notes" in notes.example.com. It is "" on the
	// domain itself, and where Kind is another than [SiteApp].
	Label string
	// Name is the host in lower case, without port and final dot. An IPv6
	// address keeps its brackets.
	Name string
	// Port is "" when the browser wrote none.
	Port string
	// Addr is what the browser wrote, in lower case. With a final dot it keeps
	// other cookies than without, so this is where to send it back to.
	Addr string

	signIn string // name of the host where its visitors sign in
	parent string // what apps' labels stand before; "" when there is no such name

	// address says that this is an IP address or a machine's name, see listeners.
	// Its sessions are for one port, and signIn has the port of another.
	address bool
}

// Site says what host, a Host header or the host of a URL, stands for. Whether
// the host has an upper-case letter, a final dot or a port makes no difference
// to its Kind. A host that is not well-formed is elsewhere.
func (a *Auth) Site(host string) Site {
	s, ok := splitHost(host)
	if !ok {
		return Site{}
	}
	s.signIn = s.Name
	switch {
	case isLoopback(s.Name):
		s.Kind, s.parent = SiteManagement, "localhost" // there is nothing below 127.0.0.1
		return s
	case a.domain == "":
	case s.Name == a.domain:
		s.Kind, s.signIn, s.parent = SiteApp, a.admin, a.domain
		return s
	case s.Name == a.admin:
		s.Kind, s.parent = SiteManagement, a.domain
		return s
	default:
		if label, ok := labelBelow(s.Name, a.domain); ok {
			s.Kind, s.Label, s.signIn, s.parent = SiteApp, label, a.admin, a.domain
			return s
		}
	}
	if label, ok := labelBelow(s.Name, "localhost"); ok {
		s.Kind, s.Label, s.signIn, s.parent = SiteApp, label, "localhost", "localhost"
		return s
	}
	if a.domain == "" {
		s.Kind = SiteSingle
		return s
	}
	return Site{}
}

// SignIn is the host and port where the site's visitors sign in. It is the
// site's own, without a final dot, when SignsIn is true, and "" where nobody can.
func (s Site) SignIn() string {
	if s.address || s.signIn == "" {
		return s.signIn
	}
	return s.at(s.signIn)
}

// sessions is the host that the site's sessions are good on.
func (s Site) sessions() string {
	if s.address {
		return s.at(s.Name)
	}
	return s.Name
}

// SignsIn reports whether people sign in on this very host.
func (s Site) SignsIn() bool { return s.Kind == SiteManagement || s.Kind == SiteSingle }

// IsLoopback reports whether the host is one of the three names of the machine
// that asks: localhost, 127.0.0.1 and [::1].
func (s Site) IsLoopback() bool { return isLoopback(s.Name) }

// AppAddr is the host and port of the app with a label: a sibling's for an app,
// and "" for a host that has no apps beside it.
func (s Site) AppAddr(label string) string {
	if s.parent == "" {
		return ""
	}
	return s.at(label + "." + s.parent)
}

// Canonical is the host and port that the browser is to use instead, or "" where
// this is the one: the domain, for www.<domain>.
func (s Site) Canonical() string {
	if s.Label == "www" && s.parent != "localhost" {
		return s.at(s.parent)
	}
	return ""
}

// at is name with the site's port.
func (s Site) at(name string) string {
	if s.Port == "" {
		return name
	}
	return name + ":" + s.Port
}

func isLoopback(name string) bool {
	return name == "localhost" || name == "127.0.0.1" || name == "[::1]"
}

// labelBelow returns what stands before the domain in name, if it is one label.
func labelBelow(name, domain string) (label string, ok bool) {
	label, ok = strings.CutSuffix(name, domain)
	if !ok {
		return "", false
	}
	label, ok = strings.CutSuffix(label, ".")
	return label, ok && label != "" && !strings.Contains(label, ".")
}

// splitHost fills in Name, Port and Addr of a Site. It refuses what no browser
// sends. It does not allocate for a host in lower case: every request comes by.
func splitHost(host string) (s Site, ok bool) {
	for i := range len(host) {
		if host[i] >= utf8.RuneSelf { // some of these have an ASCII letter as lower case
			return Site{}, false
		}
	}
	s.Addr = strings.ToLower(host)
	s.Name = s.Addr
	if i := strings.LastIndexByte(s.Addr, ':'); i > strings.LastIndexByte(s.Addr, ']') {
		s.Name, s.Port = s.Addr[:i], s.Addr[i+1:]
		if s.Port == "" { // as good as none (RFC 3986, 3.2.3)
			s.Addr = s.Name
		} else if !isPort(s.Port) {
			return Site{}, false
		}
	}
	if inner, found := strings.CutPrefix(s.Name, "["); found {
		inner, closed := strings.CutSuffix(inner, "]")
		addr, err := netip.ParseAddr(inner)
		return s, closed && err == nil && addr.Is6() && addr.Zone() == ""
	}
	s.Name = strings.TrimSuffix(s.Name, ".")
	return s, isHostname(s.Name)
}

func isPort(s string) bool {
	return 1 <= len(s) && len(s) <= 5 && strings.Trim(s, "0123456789") == ""
}

// isHostname reports whether s is made of labels of letters, digits, hyphens
// and underscores, in lower case. The underscore is what container networks
// use.
func isHostname(s string) bool {
	label := 0 // the length of the present one
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_':
			label++
		case c == '.' && label > 0:
			label = 0
		default:
			return false
		}
		if label > 63 {
			return false
		}
	}
	return label > 0 && len(s) <= 253
}
