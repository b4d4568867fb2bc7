package site

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// What a manifest may have of routes and of origins.
const (
	maxRoutes   = 256
	maxSegments = 16 // of one route
	maxOrigins  = 64
)

// checkRoutes refuses what is no route, and two that answer the same paths.
func checkRoutes(routes []string) error {
	if n := len(routes); n > maxRoutes {
		return fmt.Errorf("has %d routes; the limit is %d", n, maxRoutes)
	}
	seen := make(map[string]string)
	for _, route := range routes {
		if err := checkRoute(route); err != nil {
			return fmt.Errorf("%q: %w", shorten(route), err)
		}
		shape := shapeOf(route)
		if other, ok := seen[shape]; ok {
			return fmt.Errorf("%q: answers the same paths as %q; leave one of them out", shorten(route), shorten(other))
		}
		seen[shape] = route
	}
	return nil
}

func checkRoute(route string) error {
	clean, ok := CleanPath(route)
	switch {
	case !strings.HasPrefix(route, "/"):
		return fmt.Errorf("must begin with a slash: %q", shorten("/"+route))
	case len(route) > maxNameBytes:
		return fmt.Errorf("has %d bytes; the limit is %d", len(route), maxNameBytes)
	case strings.ContainsAny(route, "?#"):
		return fmt.Errorf("must be a path alone; what follows ? is in request.query")
	case !ok || clean != route:
		return fmt.Errorf("must be a path without . and .., doubled slashes and backslashes")
	}
	for _, reserved := range []string{"/auth", "/_fazt", "/private"} {
		if route == reserved || strings.HasPrefix(route, reserved+"/") {
			return fmt.Errorf("must not be below %s, which is not the handler's to answer", reserved)
		}
	}
	segments := segmentsOf(route)
	if n := len(segments); n > maxSegments {
		return fmt.Errorf("has %d segments; the limit is %d", n, maxSegments)
	}
	var names []string
	for _, segment := range segments {
		name, named := nameOf(segment)
		switch {
		case !named && strings.ContainsAny(segment, "{}*:"):
			return fmt.Errorf("%q: a segment is a name in braces, such as {code}, or text that has none of { } * : in it", shorten(segment))
		case !named:
		case !isIdentifier(name):
			return fmt.Errorf("%q: a name has letters, digits and _, and begins with no digit", shorten(segment))
		case slices.Contains(names, name):
			return fmt.Errorf("has {%s} twice; give each part a name of its own", name)
		default:
			names = append(names, name)
		}
	}
	return nil
}

// segmentsOf are the parts of a path between its slashes. A slash at its end makes no
// difference.
func segmentsOf(p string) []string { return strings.Split(strings.Trim(p, "/"), "/") }

// nameOf is the name of a segment that stands for any, "{code}".
func nameOf(segment string) (name string, ok bool) {
	if len(segment) < 2 || segment[0] != '{' || segment[len(segment)-1] != '}' {
		return "", false
	}
	return segment[1 : len(segment)-1], true
}

func isIdentifier(name string) bool {
	for i, c := range []byte(name) {
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != "" && name != "__proto__"
}

// shapeOf is a route without the names of its parts.
func shapeOf(route string) string {
	segments := segmentsOf(route)
	for i, segment := range segments {
		if _, named := nameOf(segment); named {
			segments[i] = "{}"
		}
	}
	return strings.Join(segments, "/")
}

// Route finds the route that a cleaned path is of, with the path's named parts, which
// are nil without any. Of several that which has text where the others have names
// first: "/s/new" goes before "/s/{code}". Nothing below /private is of any.
func (m *Manifest) Route(p string) (params map[string]string, ok bool) {
	if len(m.Routes) == 0 || IsPrivate(p) {
		return nil, false
	}
	have := segmentsOf(p)
	best := ""
	for _, route := range m.Routes {
		if matches(route, have) && (best == "" || precedes(route, best)) {
			best = route
		}
	}
	if best == "" {
		return nil, false
	}
	for i, segment := range segmentsOf(best) {
		if name, named := nameOf(segment); named {
			if params == nil {
				params = make(map[string]string)
			}
			params[name] = have[i]
		}
	}
	return params, true
}

func matches(route string, have []string) bool {
	want := segmentsOf(route)
	if len(want) != len(have) {
		return false
	}
	for i, segment := range want {
		if _, named := nameOf(segment); named && have[i] == "" || !named && segment != have[i] {
			return false
		}
	}
	return true
}

// precedes reports whether of two routes that match the same path a is the one.
func precedes(a, b string) bool {
	others := segmentsOf(b)
	for i, segment := range segmentsOf(a) {
		_, named := nameOf(segment)
		if _, otherNamed := nameOf(others[i]); named != otherNamed {
			return otherNamed
		}
	}
	return false
}

// cleanOrigins refuses what is no origin, and puts the others into the form that
// browsers send.
func cleanOrigins(origins []string) error {
	if n := len(origins); n > maxOrigins {
		return fmt.Errorf("has %d sites; the limit is %d", n, maxOrigins)
	}
	for i, text := range origins {
		origin, err := cleanOrigin(text)
		if err != nil {
			return fmt.Errorf("%q: %w", shorten(text), err)
		}
		origins[i] = origin
	}
	return nil
}

func cleanOrigin(text string) (string, error) {
	if strings.Contains(text, "*") {
		return "", fmt.Errorf("name each site, such as \"https://example.org\"; there is no * for any")
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || len(text) > maxType {
		return "", fmt.Errorf("must be a scheme and a host, such as \"https://example.org\"")
	}
	if u.User != nil || strings.Trim(u.Path, "/") != "" || strings.ContainsAny(text, "?#") || u.Opaque != "" {
		return "", fmt.Errorf("must end after the host, as in %q", u.Scheme+"://"+u.Host)
	}
	host := strings.ToLower(u.Host)
	if strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("write the host in ASCII, as browsers send it, such as xn--bcher-kva.example")
	}
	if port := u.Port(); port == "" || port == "80" && u.Scheme == "http" || port == "443" && u.Scheme == "https" {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return u.Scheme + "://" + host, nil
}
