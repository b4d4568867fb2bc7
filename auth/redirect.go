package auth

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxBack is how long a way back may be, in bytes: it travels in URLs, which
// proxies bound at 8 KB.
const maxBack = 2048

// wayBack is where a query or a form asks to be led from s afterwards, by redirect or
// by back, which are the same. One that is given more than once is as good as none.
func (a *Auth) wayBack(s Site, v url.Values) string {
	given := slices.Concat(v["redirect"], v["back"])
	if len(given) != 1 {
		return "/"
	}
	return a.back(s, given[0])
}

// back returns where raw may lead a browser that is at s: a relative path, or
// an absolute URL on the server's own domain or its subdomains. Anything else
// becomes "/". The result is printable ASCII.
func (a *Auth) back(s Site, raw string) string {
	for i := range len(raw) {
		// Browsers drop tabs and line ends, and read \ as /.
		if c := raw[i]; c < ' ' || c == 0x7f || c == '\\' {
			return "/"
		}
	}
	raw = escapeASCII(raw)
	switch {
	case len(raw) > maxBack, strings.HasPrefix(raw, "//"): // the latter is another host
		return "/"
	case strings.HasPrefix(raw, "/"):
		return raw
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Opaque != "" || u.User != nil || !a.sameDomain(s, u) {
		return "/"
	}
	if raw = u.String(); len(raw) > maxBack { // it may have got longer
		return "/"
	}
	return raw
}

// sameDomain reports whether a URL is of the server that s belongs to: the same name
// or a subdomain of the server's, on the same port. What answers on another port of
// the machine is another program.
func (a *Auth) sameDomain(s Site, u *url.URL) bool {
	to, ok := splitHost(u.Host)
	if !ok || portOf(to) != portOf(s) {
		return false
	}
	if to.Name == s.Name {
		return true
	}
	return s.parent != "" && (to.Name == s.parent || strings.HasSuffix(to.Name, "."+s.parent))
}

// portOf is a host's port, or "" for those that a browser leaves out.
func portOf(s Site) string {
	if s.Port == "80" || s.Port == "443" {
		return ""
	}
	return s.Port
}

// escapeASCII percent-encodes what a URL may not have as it is: spaces, quotes,
// angle brackets and bytes outside ASCII.
func escapeASCII(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '<' || c == '>' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// redirect sends the browser on with a GET. It sets the header itself because
// http.Redirect rewrites paths, and target has been checked as it is.
func redirect(w http.ResponseWriter, target string) {
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusSeeOther)
}

// LoginURL returns the path of the sign-in page for a visitor of r, who comes
// back to back afterwards: a path, or an absolute URL on the server's domain.
// An empty back is the page that r asks for if it is a GET, else "/".
func (a *Auth) LoginURL(r *http.Request, back string) string {
	if back == "" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		back = r.URL.RequestURI()
	}
	back = a.back(a.SiteOf(r), back)
	if back == "/" {
		return "/auth/login"
	}
	return "/auth/login?back=" + url.QueryEscape(back)
}

// LogoutURL returns the path of the page that logs a visitor out. It asks
// before it does, so that a link to it does no harm.
func (a *Auth) LogoutURL() string { return "/auth/logout" }
