package fazt

import (
	"bytes"
	"container/list"
	"context"
	"io"
	"sync"

	"github.com/fazt-sh/fazt/storage"
)

const (
	// contentCacheBytes bounds the memory that static files take.
	contentCacheBytes = 64 << 20
	// maxCachedFile is the largest file that is kept in memory whole; what is
	// larger is read from the store in chunks.
	maxCachedFile = 1 << 20
)

// contentCache keeps the bytes of small static files, the least recently used
// going first. Keys are content hashes, so nothing in it is ever stale.
type contentCache struct {
	mu      sync.Mutex
	entries map[contentKey]*list.Element
	recent  *list.List // of cachedContent, most recent first
	size    int
	limit   int
}

type contentKey struct{ hash, encoding string }

type cachedContent struct {
	key  contentKey
	data []byte
}

func newContentCache(limit int) *contentCache {
	return &contentCache{entries: make(map[contentKey]*list.Element), recent: list.New(), limit: limit}
}

func (c *contentCache) get(key contentKey) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[key]
	if !ok {
		return nil, false
	}
	c.recent.MoveToFront(e)
	return e.Value.(cachedContent).data, true
}

func (c *contentCache) put(key contentKey, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.entries[key]; ok {
		return
	}
	c.entries[key] = c.recent.PushFront(cachedContent{key, data})
	c.size += len(data)
	for c.size > c.limit {
		oldest := c.recent.Remove(c.recent.Back()).(cachedContent)
		delete(c.entries, oldest.key)
		c.size -= len(oldest.data)
	}
}

// openContent returns a file's bytes, from memory when they are small. Close
// the reader.
func (s *Server) openContent(ctx context.Context, f storage.File, encoding string) (io.ReadSeekCloser, error) {
	key := contentKey{f.Hash, encoding}
	if data, ok := s.content.get(key); ok {
		return nopCloser{bytes.NewReader(data)}, nil
	}
	r, err := s.store.OpenContent(ctx, f.Hash, encoding)
	if err != nil || f.Size > maxCachedFile {
		return r, err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	s.content.put(key, data)
	return nopCloser{bytes.NewReader(data)}, nil
}

// usage is how much is in memory.
func (c *contentCache) usage() (entries, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.entries), c.size
}

type nopCloser struct{ *bytes.Reader }

func (nopCloser) Close() error { return nil }

// readContent returns a whole file. For the small files of api/ and private/.
func (s *Server) readContent(ctx context.Context, f storage.File) ([]byte, error) {
	r, err := s.openContent(ctx, f, "")
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}
