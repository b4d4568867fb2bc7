package fazt

import (
	"bytes"
	"container/list"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/internal/jsapi"
	"github.com/fazt-sh/fazt/internal/site"
	"github.com/fazt-sh/fazt/storage"
)

// maxCachedFile is the largest file that is kept in memory whole; what is
// larger is read from the store in chunks.
const maxCachedFile = 1 << 20

// contentCache keeps the bytes of small static files, the least recently used
// going first. Keys are content hashes, so nothing in it is ever stale.
type contentCache struct {
	mu      sync.Mutex
	entries map[contentKey]*list.Element
	recent  *list.List // of cachedContent, most recent first
	size    int64
	limit   int64
}

type contentKey struct{ hash, encoding string }

type cachedContent struct {
	key  contentKey
	data []byte
}

func newContentCache(limit int64) *contentCache {
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
	c.size += int64(len(data))
	for c.size > c.limit {
		oldest := c.recent.Remove(c.recent.Back()).(cachedContent)
		delete(c.entries, oldest.key)
		c.size -= int64(len(oldest.data))
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
	data, err := readSized(r)
	if err != nil {
		return nil, err
	}
	s.content.put(key, data)
	return nopCloser{bytes.NewReader(data)}, nil
}

// readSized is io.ReadAll into the space that it takes, and no more.
func readSized(r io.ReadSeeker) ([]byte, error) {
	size, err := r.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = r.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, err
	}
	data := make([]byte, size)
	_, err = io.ReadFull(r, data)
	return data, err
}

// usage is how much is in memory.
func (c *contentCache) usage() (entries int, bytes int64) {
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

const blobPath = site.OwnPrefix + "blob"

// blobLink is what a signed URL stands for: one blob of one app, until a time.
// The app is in the signature and not in the URL, which works on its host alone.
type blobLink struct {
	scope   storage.Scope
	path    string
	expires int64 // Unix milliseconds
}

// signature is an HMAC-SHA256 (RFC 2104). No part contains a NUL, so no two
// links are written alike.
func (l blobLink) signature(key []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(strings.Join([]string{l.scope.App, l.scope.User, l.path, strconv.FormatInt(l.expires, 10)}, "\x00")))
	return mac.Sum(nil)
}

// signBlobURL is [jsapi.Options].BlobURL.
func (s *Server) signBlobURL(scope storage.Scope, path string, expires time.Time) string {
	return blobLink{scope, path, expires.UnixMilli()}.url(s.blobKey)
}

// url is relative to the host.
func (l blobLink) url(key []byte) string {
	q := url.Values{
		"path":      {l.path},
		"expires":   {strconv.FormatInt(l.expires, 10)},
		"signature": {base64.RawURLEncoding.EncodeToString(l.signature(key))},
	}
	if l.scope.User != "" {
		q.Set("user", l.scope.User)
	}
	return blobPath + "?" + q.Encode()
}

// parseBlobLink reads a URL back, if it is one that was signed for the app and
// has not expired.
func parseBlobLink(u *url.URL, app string, key []byte, now time.Time) (blobLink, bool) {
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return blobLink{}, false
	}
	expires, err := strconv.ParseInt(q.Get("expires"), 10, 64)
	if err != nil {
		return blobLink{}, false
	}
	signature, err := base64.RawURLEncoding.DecodeString(q.Get("signature"))
	if err != nil {
		return blobLink{}, false
	}
	l := blobLink{storage.Scope{App: app, User: q.Get("user")}, q.Get("path"), expires}
	return l, hmac.Equal(signature, l.signature(key)) && now.UnixMilli() < expires
}

// serveOwn answers the server's own paths on an app's host: signed URLs, and what pages
// ask for in development.
func (s *Server) serveOwn(w *answer, r *http.Request, a *app, p string) {
	if s.serveDev(w, r, a.info.Name, versionOf(a), p) {
		return
	}
	if p != blobPath {
		s.notFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.writeMethod(w, r, "use GET or HEAD")
		return
	}
	link, ok := parseBlobLink(r.URL, a.info.ID, s.blobKey, time.Now())
	if !ok {
		s.writeError(w, r, &api.Error{Status: http.StatusForbidden, Code: "FORBIDDEN", Message: "this link has expired or is not valid; ask for a new one"})
		return
	}
	blobStream{scope: link.scope, path: link.path, isolated: true}.send(s, w, r, a, http.StatusOK)
}

// blobStream is a blob as the body of a response.
type blobStream struct {
	scope storage.Scope
	path  string
	// isolated is for an answer that the app's own code has no part in: what its
	// visitors have uploaded must not run as a page of the app.
	isolated bool
}

// send answers with the blob: Range and conditional requests are
// http.ServeContent's.
func (b blobStream) send(s *Server, w http.ResponseWriter, r *http.Request, a *app, status int) {
	blob, content, err := s.store.OpenBlob(r.Context(), b.scope, b.path)
	if storage.CodeOf(err) == storage.CodeNotFound {
		s.writeError(w, r, jsapi.NoBlob)
		return
	}
	if err != nil {
		s.writeFailure(w, r, a, err)
		return
	}
	defer content.Close()
	h := w.Header()
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", blob.MIME)
	}
	h.Set("Etag", `"`+blob.Hash+`"`)
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "private, no-cache")
	}
	if b.isolated {
		h.Set("Content-Disposition", mime.FormatMediaType("inline", map[string]string{"filename": path.Base(b.path)}))
		if !inert(blob.MIME) {
			h.Set("Content-Security-Policy", "sandbox")
		}
	}
	r = cleanRange(r, blob.Size)
	if status != http.StatusOK {
		w, r = statusWriter{w, status}, withoutConditions(r)
	}
	http.ServeContent(w, r, "", blob.UpdatedAt, content)
}

// inert reports whether no browser runs scripts that a file of this type has.
func inert(mimeType string) bool {
	kind, _, _ := mime.ParseMediaType(mimeType)
	switch kind {
	case "image/svg+xml":
		return false
	case "text/plain", "text/csv", "application/pdf", "application/octet-stream", "application/zip", "application/json":
		return true
	}
	return strings.HasPrefix(kind, "image/") || strings.HasPrefix(kind, "audio/") ||
		strings.HasPrefix(kind, "video/") || strings.HasPrefix(kind, "font/")
}
