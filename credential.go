package fazt

import (
	"net/http"
	"strings"

	"github.com/fazt-sh/fazt/auth"
)

// tokenPrefix begins every API key.
const tokenPrefix = "fzt_"

// bearerToken returns the API key that a request is sent with, or "". The
// scheme's case does not matter (RFC 9110, 11.1).
func bearerToken(h http.Header) string {
	scheme, token, _ := strings.Cut(h.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// publicHeader returns the headers that a handler may see: those without a
// session cookie or anything that looks like an API key, however it is written.
func publicHeader(h http.Header) http.Header {
	cookies, authorization := h["Cookie"], h["Authorization"]
	if len(cookies) == 0 && len(authorization) == 0 {
		return h
	}
	public := h.Clone()
	for _, value := range authorization {
		if strings.Contains(value, tokenPrefix) {
			public.Del("Authorization")
		}
	}
	public.Del("Cookie")
	for _, line := range cookies {
		var kept []string
		for part := range strings.SplitSeq(line, ";") {
			if part = strings.TrimSpace(part); !auth.OwnsCookie(cookieName(part)) {
				kept = append(kept, part)
			}
		}
		if len(kept) > 0 {
			public.Add("Cookie", strings.Join(kept, "; "))
		}
	}
	return public
}

// cookieName returns the name in "name=value; ...".
func cookieName(cookie string) string {
	name, _, _ := strings.Cut(cookie, "=")
	return strings.TrimSpace(name)
}

// publicCookies returns the Set-Cookie lines that a handler may send: not those
// that would sign its visitors in as somebody else. One without a name is such a
// line too: browsers send back its value alone, which may hold a name.
func publicCookies(lines []string) []string {
	kept := lines[:0:0]
	for _, line := range lines {
		if name := cookieName(line); name != "" && !auth.OwnsCookie(name) {
			kept = append(kept, line)
		}
	}
	return kept
}
