package fazt

import (
	"crypto/sha256"
	"net/http"
	"sync"

	"github.com/fazt-sh/fazt/auth"
)

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
	shown := auth.BearerToken(r.Header)
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
