package auth

import (
	"errors"
	"net/http"
	stdpath "path"
	"strings"
)

// PublicHeader returns what may be shown of a request's headers to code that
// the server does not trust: all but this package's cookies and whatever looks
// like an API key, however it is written. It returns h itself when there is
// nothing to leave out, and does not change it.
func PublicHeader(h http.Header) http.Header {
	cookies, authorization := h["Cookie"], h["Authorization"]
	if len(cookies) == 0 && len(authorization) == 0 {
		return h
	}
	public := h.Clone()
	for _, value := range authorization {
		if strings.Contains(value, keyPrefix) {
			public.Del("Authorization")
		}
	}
	public.Del("Cookie")
	for _, line := range cookies {
		var kept []string
		for part := range strings.SplitSeq(line, ";") {
			if part = strings.TrimSpace(part); !OwnsCookie(cookieName(part)) {
				kept = append(kept, part)
			}
		}
		if len(kept) > 0 {
			public.Add("Cookie", strings.Join(kept, "; "))
		}
	}
	return public
}

// PublicCookies returns the Set-Cookie lines that code which the server does not
// trust may send from a host, and says of each other one why it may not. A line must
// be a cookie as RFC 6265, 4.1.1, has it, since what browsers make of another is each
// one's own: many take "fazt_session; ..." for a cookie without a name, and send it
// back so that it looks like one of that name. It must not be one of this package's,
// and not reach other hosts by its Domain.
func PublicCookies(site Site, lines []string) (kept []string, refused []error) {
	kept = lines[:0:0]
	for _, line := range lines {
		if err := checkCookie(site, line); err != nil {
			refused = append(refused, err)
			continue
		}
		kept = append(kept, line)
	}
	return kept, refused
}

// What PublicCookies says of a line.
var (
	errCookieForm   = errors.New("a Set-Cookie that is not name=value; attributes, in ASCII without control characters (encode the value with encodeURIComponent)")
	errCookieOwn    = errors.New("a Set-Cookie of the server's own name; choose another name")
	errCookieDomain = errors.New("a Set-Cookie whose Domain is not the app's own host; leave Domain out")
)

func checkCookie(site Site, line string) error {
	pair, attributes, _ := strings.Cut(line, ";")
	name, value, ok := strings.Cut(pair, "=")
	if !ok || !isCookieName(name) || !isCookieText(value) || !isCookieText(attributes) || strings.ContainsAny(value, "\"\\") && !isQuoted(value) {
		return errCookieForm
	}
	if OwnsCookie(name) {
		return errCookieOwn
	}
	for attribute := range strings.SplitSeq(attributes, ";") {
		key, value, _ := strings.Cut(attribute, "=")
		if strings.EqualFold(strings.TrimSpace(key), "Domain") && !site.keepsCookie(strings.TrimSpace(value)) {
			return errCookieDomain
		}
	}
	return nil
}

// keepsCookie reports whether a cookie with a Domain stays with the app on s: its own
// host, unless other hosts of the server are below it.
func (s Site) keepsCookie(domain string) bool {
	return s.Kind == SiteApp && s.Label != "" && strings.EqualFold(strings.TrimPrefix(domain, "."), s.Name)
}

// isCookieName reports whether s is a token of HTTP (RFC 9110, 5.6.2).
func isCookieName(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

// isCookieText reports whether s is printable ASCII. Spaces and commas are not to be
// in a value, but every browser takes them, and so do we.
func isCookieText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

// isQuoted reports whether a value is in quotes, with none and no backslash inside.
func isQuoted(s string) bool {
	return len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' && !strings.ContainsAny(s[1:len(s)-1], "\"\\")
}

// cookieName returns the name in "name=value; ...".
func cookieName(cookie string) string {
	name, _, _ := strings.Cut(cookie, "=")
	return strings.TrimSpace(name)
}

// PublicPath returns a request's path as a log may have it: without the code of a
// set-up link or an invite, which lets whoever reads it in. A path that is not clean,
// as of a link with a slash too many, leads nowhere, but its code is as good.
func PublicPath(path string) string {
	clean := stdpath.Clean(path)
	for _, prefix := range []string{SetupPath(""), InvitePath("")} {
		if strings.HasPrefix(clean, prefix) && clean != prefix {
			return prefix + "..."
		}
	}
	return path
}
