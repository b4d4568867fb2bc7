package auth

import (
	"net"
	"strings"
)

// siteKind is what a host is for.
type siteKind int

const (
	elsewhere siteKind = iota // not this server's; nobody signs in there
	own                       // where people sign in
	app                       // an app's, which gets its sessions by hand-over
)

// site is what a request's host stands for.
type site struct {
	kind   siteKind
	addr   string // lower-case host and port, as the browser wrote them
	name   string // addr without the port; IPv6 keeps its brackets
	port   string // "" when the browser wrote none
	signIn string // addr of the own host that signs in for this site
}

// site says what host, a Host header, stands for.
func (a *Auth) site(host string) site {
	name, port, ok := splitHost(host)
	if !ok {
		return site{}
	}
	s := site{kind: own, name: name, port: port}
	s.addr = s.at(name)
	s.signIn = s.addr
	switch {
	case isLoopback(name):
	case isAppOf(name, "localhost"):
		s.kind, s.signIn = app, s.at("localhost")
	case a.domain == "":
	case name == "admin."+a.domain:
	case name == a.domain, isAppOf(name, a.domain):
		s.kind, s.signIn = app, s.at("admin."+a.domain)
	default:
		return site{}
	}
	return s
}

// at is name with the site's port.
func (s site) at(name string) string {
	if s.port == "" {
		return name
	}
	return name + ":" + s.port
}

// isLoopback reports whether name is one of the three names of this machine.
func isLoopback(name string) bool {
	return name == "localhost" || name == "127.0.0.1" || name == "[::1]"
}

// isAppOf reports whether name is one label under domain.
func isAppOf(name, domain string) bool {
	label, ok := strings.CutSuffix(name, "."+domain)
	return ok && label != "" && !strings.Contains(label, ".")
}

// splitHost splits a Host header into a lower-case name and a port, which may
// be missing. It refuses what no browser sends.
func splitHost(host string) (name, port string, ok bool) {
	name = strings.ToLower(host)
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, ']') {
		name, port = name[:i], name[i+1:]
		if !isPort(port) {
			return "", "", false
		}
	}
	if inner, found := strings.CutPrefix(name, "["); found {
		inner, closed := strings.CutSuffix(inner, "]")
		return name, port, closed && net.ParseIP(inner) != nil
	}
	return name, port, isHostname(name)
}

func isPort(s string) bool {
	return 1 <= len(s) && len(s) <= 5 && strings.Trim(s, "0123456789") == ""
}

// isHostname reports whether s is made of labels of letters, digits, hyphens
// and underscores, in lower case. The underscore is what container networks
// use.
func isHostname(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}
