package fazt

import (
	"crypto/sha256"
	"net/http"
	"strings"
	"sync"

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

// credentials remembers which keys and sessions have opened the management
// lately, by their hashes, so that the rate limiter can tell the owner's requests
// from a stranger's who claims to have a key. There is room for a few hundred.
type credentials struct {
	mu   sync.Mutex
	seen map[[sha256.Size]byte]struct{}
}

const maxCredentials = 256

// credentialOf is the hash of what a request shows of itself, if it shows
// anything.
func credentialOf(r *http.Request) (hash [sha256.Size]byte, ok bool) {
	shown := bearerToken(r.Header)
	if shown == "" {
		for _, c := range r.Cookies() {
			if auth.OwnsCookie(c.Name) {
				shown += c.Name + "=" + c.Value + ";"
			}
		}
	}
	return sha256.Sum256([]byte(shown)), shown != ""
}

// add remembers a request's, forgetting any other when there is no room.
func (c *credentials) add(r *http.Request) {
	hash, ok := credentialOf(r)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = make(map[[sha256.Size]byte]struct{})
	}
	for other := range c.seen {
		if len(c.seen) < maxCredentials {
			break
		}
		delete(c.seen, other)
	}
	c.seen[hash] = struct{}{}
}

func (c *credentials) known(r *http.Request) bool {
	hash, ok := credentialOf(r)
	if !ok {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, seen := c.seen[hash]
	return seen
}
