package auth

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

const (
	// sessionFresh is how long a session is believed after it was read: another
	// process on the data may end it, which is to be seen here within a second.
	sessionFresh = 500 * time.Millisecond
	// maxSessions is how many sessions are kept, some hundred bytes each. A server
	// with more visitors in half a second reads some of them again.
	maxSessions = 4096
)

// tokenSum is the SHA-256 of a session's token. Only that is kept in memory, too.
type tokenSum = [sha256.Size]byte

// sumOf is the sum of a token. It does not allocate.
func sumOf(token string) tokenSum {
	var b [tokenLen]byte
	return sha256.Sum256(b[:copy(b[:], token)])
}

// storedSession is a session as it was read, and never changes.
type storedSession struct {
	session
	host           string
	used, deadline int64     // Unix milliseconds
	fresh          time.Time // until when it is believed
}

// sessionCache keeps the sessions that were read lately, so that a page with all
// its requests costs one read.
type sessionCache struct {
	mu     sync.RWMutex
	clears uint64 // how often it was emptied
	byHash map[tokenSum]*storedSession
}

// get returns a session that is fresh at now, or nil and what to give to put.
func (c *sessionCache) get(key tokenSum, now time.Time) (s *storedSession, clears uint64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if s = c.byHash[key]; s != nil && now.Before(s.fresh) {
		return s, 0
	}
	return nil, c.clears
}

// put keeps a session that was read after get, unless something was written
// meanwhile: it may have been read before that.
func (c *sessionCache) put(key tokenSum, s *storedSession, clears uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.clears != clears {
		return
	}
	if c.byHash == nil || len(c.byHash) >= maxSessions {
		c.byHash = make(map[tokenSum]*storedSession)
	}
	c.byHash[key] = s
}

func (c *sessionCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clears++
	c.byHash = nil
}

// database is the store as this package writes to it: whatever a write changes, no
// session that was read before it is believed after it. So no change of a role, a
// user or a session can forget to say so.
type database struct {
	storage.Database
	sessions *sessionCache
}

func (d database) Write(ctx context.Context, fn func(storage.SQL) error) error {
	defer d.sessions.clear()
	return d.Database.Write(ctx, fn)
}
