package auth

import (
	"net/http"
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

// PublicCookies returns the Set-Cookie lines that code which the server does
// not trust may send: not those that would sign its visitors in as somebody
// else. One without a name is such a line too: browsers send back its value
// alone, which may hold a name.
func PublicCookies(lines []string) []string {
	kept := lines[:0:0]
	for _, line := range lines {
		if name := cookieName(line); name != "" && !OwnsCookie(name) {
			kept = append(kept, line)
		}
	}
	return kept
}

// cookieName returns the name in "name=value; ...".
func cookieName(cookie string) string {
	name, _, _ := strings.Cut(cookie, "=")
	return strings.TrimSpace(name)
}

// PublicPath returns a request's path as a log may have it: without the code of a
// set-up link or an invite, which lets whoever reads it in.
func PublicPath(path string) string {
	for _, prefix := range []string{SetupPath(""), InvitePath("")} {
		if strings.HasPrefix(path, prefix) && path != prefix {
			return prefix + "..."
		}
	}
	return path
}
