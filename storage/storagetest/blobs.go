package storagetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fazt-sh/fazt/storage"
)

func putBlob(t testing.TB, s storage.Store, path string, data []byte) storage.Blob {
	t.Helper()
	b, err := s.PutBlob(context.Background(), scope, path, bytes.NewReader(data), "text/plain")
	if err != nil {
		t.Fatalf("PutBlob %s: %v", path, err)
	}
	return b
}

func readBlob(t testing.TB, s storage.Store, path string) []byte {
	t.Helper()
	_, r, err := s.OpenBlob(context.Background(), scope, path)
	if err != nil {
		t.Fatalf("OpenBlob %s: %v", path, err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read %s: %v", path, err)
	}
	return data
}

func testBlobs(t *testing.T, s storage.Store) {
	// Sizes around those of the chunks that an engine may use, over each other.
	for _, size := range []int{0, 1, 1 << 18, 1<<18 - 1, 1<<18 + 1, 5 << 18, 3<<18 - 1, 7} {
		data := make([]byte, size)
		rand.NewChaCha8([32]byte{byte(size)}).Read(data)
		made, err := s.PutBlob(t.Context(), scope, "a/b.txt", iotest.HalfReader(bytes.NewReader(data)), "text/html; charset=utf-8")
		if err != nil {
			t.Fatal(err)
		}
		want := storage.Blob{Path: "a/b.txt", MIME: "text/html; charset=utf-8", Size: int64(size), Hash: hashOf(data)}
		if d := cmp.Diff(want, made, cmpopts.IgnoreFields(want, "UpdatedAt")); d != "" || made.UpdatedAt.IsZero() {
			t.Errorf("%d bytes, made %+v (-want +got):\n%s", size, made, d)
		}
		stat, err := s.StatBlob(t.Context(), scope, "a/b.txt")
		if err != nil {
			t.Fatal(err)
		}
		diff(t, "stat", made, stat)
		opened, r, err := s.OpenBlob(t.Context(), scope, "a/b.txt")
		if err != nil {
			t.Fatal(err)
		}
		diff(t, "opened", made, opened)
		if err := iotest.TestReader(r, data); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
		if err := errors.Join(r.Close(), r.Close()); err != nil {
			t.Error(err)
		}
		_, err = r.Read(make([]byte, 1))
		wantCode(t, "closed", err, storage.CodeClosed)
	}
	for i, want := range []bool{true, false} {
		there, err := s.DeleteBlob(t.Context(), scope, "a/b.txt")
		if err != nil || there != want {
			t.Errorf("delete %d: %t, %v", i+1, there, err)
		}
	}
	_, err := s.StatBlob(t.Context(), scope, "a/b.txt")
	wantCode(t, "deleted", err, storage.CodeNotFound)

	odd := "\u00fcml\u00e4ut/../%_'\"\\[]//. "
	made, err := s.PutBlob(t.Context(), scope, odd, strings.NewReader("x"), "")
	if err != nil || made.MIME != "application/octet-stream" {
		t.Errorf("%+v, %v", made, err)
	}
	diff(t, "odd path", "x", string(readBlob(t, s, odd)))
}

func testBlobErrors(t *testing.T, s storage.Store) {
	putBlob(t, s, "kept", []byte("old"))
	broken := errors.New("the connection broke")
	half := func() io.Reader {
		return io.MultiReader(strings.NewReader(strings.Repeat("x", 1<<20)), iotest.ErrReader(broken))
	}
	tests := []struct {
		name, path, mime string
		data             io.Reader
		code             storage.Code
		at               string
	}{
		{"no path", "", "", nil, storage.CodeInvalid, "path"},
		{"long path", strings.Repeat("p", storage.MaxKey+1), "", nil, storage.CodeQuotaExceeded, "path"},
		{"NUL in the path", "a\x00", "", nil, storage.CodeInvalid, "path"},
		{"path is not UTF-8", "a\xff", "", nil, storage.CodeInvalid, "path"},
		{"no media type", "kept", "text", nil, storage.CodeInvalid, "mime"},
		{"media type with a line break", "kept", "text/plain;\r\n a=b", nil, storage.CodeInvalid, "mime"},
		{"long media type", "kept", "text/" + strings.Repeat("x", 255), nil, storage.CodeQuotaExceeded, "mime"},
		{"reader fails", "kept", "", half(), "", ""},
	}
	for _, tt := range tests {
		if tt.data == nil {
			tt.data = iotest.ErrReader(errors.New("it was read"))
		}
		_, err := s.PutBlob(t.Context(), scope, tt.path, tt.data, tt.mime)
		wantCode(t, tt.name, err, tt.code)
		if tt.code == "" && !errors.Is(err, broken) {
			t.Errorf("%s: %v, want %v", tt.name, err, broken)
		}
		if e, ok := errors.AsType[*storage.Error](err); ok && e.Path != tt.at {
			t.Errorf("%s: path %q, want %q", tt.name, e.Path, tt.at)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	endless := readerFunc(func(p []byte) (int, error) {
		if n += len(p); n > 1<<20 {
			cancel()
		}
		return len(p), nil
	})
	if _, err := s.PutBlob(ctx, scope, "kept", endless, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	diff(t, "what was there", "old", string(readBlob(t, s, "kept")))
	blobs, err := s.ListBlobs(t.Context(), scope, "", storage.Page{})
	if err != nil || len(blobs) != 1 {
		t.Errorf("left %v, %v", blobs, err)
	}
	_, _, err = s.OpenBlob(t.Context(), scope, "none")
	wantCode(t, "open", err, storage.CodeNotFound)
	_, err = s.ListBlobs(t.Context(), storage.Scope{}, "", storage.Page{})
	wantCode(t, "no scope", err, storage.CodeInvalid)
}

func testBlobScopes(t *testing.T, s storage.Store) {
	scopes := []storage.Scope{{App: "a"}, {App: "a", User: "u"}, {App: "a", User: "v"}, {App: "b"}, {App: "b", User: "u"}, {App: "au"}}
	for i, sc := range scopes {
		if _, err := s.PutBlob(t.Context(), sc, "same", strings.NewReader(fmt.Sprint(i)), ""); err != nil {
			t.Fatal(err)
		}
	}
	if there, err := s.DeleteBlob(t.Context(), scopes[0], "same"); err != nil || !there {
		t.Errorf("delete: %t, %v", there, err)
	}
	for i, sc := range scopes[1:] {
		_, r, err := s.OpenBlob(t.Context(), sc, "same")
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		r.Close()
		if err != nil || string(data) != fmt.Sprint(i+1) {
			t.Errorf("%+v: %q, %v", sc, data, err)
		}
		blobs, err := s.ListBlobs(t.Context(), sc, "", storage.Page{})
		if err != nil || len(blobs) != 1 {
			t.Errorf("%+v lists %v, %v", sc, blobs, err)
		}
	}
	_, err := s.StatBlob(t.Context(), scopes[0], "same")
	wantCode(t, "deleted", err, storage.CodeNotFound)
}

func testBlobList(t *testing.T, s storage.Store) {
	for _, path := range []string{"b/1", "a%b", "a_b", "B/1", "b/2", "b", "a\u00e4", "b/10"} {
		putBlob(t, s, path, []byte(path))
	}
	tests := []struct {
		prefix string
		page   storage.Page
		want   []string
	}{
		{"", storage.Page{}, []string{"B/1", "a%b", "a_b", "a\u00e4", "b", "b/1", "b/10", "b/2"}},
		{"b/", storage.Page{}, []string{"b/1", "b/10", "b/2"}},
		{"b/", storage.Page{Limit: 2}, []string{"b/1", "b/10"}},
		{"b/", storage.Page{Limit: 2, After: "b/10"}, []string{"b/2"}},
		{"a_", storage.Page{}, []string{"a_b"}},
		{"a%", storage.Page{}, []string{"a%b"}},
		{"c", storage.Page{}, []string{}},
	}
	for _, tt := range tests {
		blobs, err := s.ListBlobs(t.Context(), scope, tt.prefix, tt.page)
		if err != nil {
			t.Fatal(err)
		}
		got := []string{}
		for _, b := range blobs {
			got = append(got, b.Path)
		}
		diff(t, fmt.Sprintf("%q %+v", tt.prefix, tt.page), tt.want, got)
	}
	_, err := s.ListBlobs(t.Context(), scope, "", storage.Page{Limit: storage.MaxRows + 1})
	wantCode(t, "limit", err, storage.CodeInvalid)
}

// testBlobReplacedWhileRead replaces and deletes a blob under its readers. Each
// version is one byte repeated, so a mixture would show.
func testBlobReplacedWhileRead(t *testing.T, s storage.Store) {
	const versions = 24
	size := func(v int) int { return 1 + v%4*300_000 }
	version := func(v int) []byte { return bytes.Repeat([]byte{byte('a' + v)}, size(v)) }
	putBlob(t, s, "p", version(3))
	_, slow, err := s.OpenBlob(t.Context(), scope, "p")
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	first := make([]byte, 10)
	if _, err := io.ReadFull(slow, first); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				b, r, err := s.OpenBlob(t.Context(), scope, "p")
				if storage.CodeOf(err) == storage.CodeNotFound {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				data, err := io.ReadAll(r)
				r.Close()
				if err != nil || int64(len(data)) != b.Size || hashOf(data) != b.Hash {
					t.Errorf("read %d of %d bytes, %v", len(data), b.Size, err)
					return
				}
			}
		})
	}
	for v := range versions {
		putBlob(t, s, "p", version(v))
		if v%7 == 6 {
			if _, err := s.DeleteBlob(t.Context(), scope, "p"); err != nil {
				t.Fatal(err)
			}
		}
	}
	close(done)
	wg.Wait()
	rest, err := io.ReadAll(slow)
	if err != nil || !bytes.Equal(append(first, rest...), version(3)) {
		t.Errorf("a reader that began before got %d bytes more, %v", len(rest), err)
	}
	if !bytes.Equal(readBlob(t, s, "p"), version(versions-1)) {
		t.Error("the last version is not there")
	}
}

// testBlobsAtOnce has many store the same path.
func testBlobsAtOnce(t *testing.T, s storage.Store) {
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 5 {
				putBlob(t, s, "p", bytes.Repeat([]byte{byte(i)}, 200_000*(i+1)))
			}
		})
	}
	wg.Wait()
	data := readBlob(t, s, "p")
	if len(data) != 200_000*(int(data[0])+1) {
		t.Errorf("%d bytes of %d", len(data), data[0])
	}
	usage, err := s.Usage(t.Context(), scope.App)
	diff(t, "used", int64(len(data)+len("p")+len("text/plain")+storage.RowBytes), usage.Used)
	if err != nil {
		t.Error(err)
	}
}

// testLargeBlob streams the largest blob in and out. The heap may not grow by a
// tenth of that.
func testLargeBlob(t *testing.T, s storage.Store) {
	const size = 100 << 20
	seed := [32]byte{2}
	heap := newHeapMeter()
	made, err := s.PutBlob(t.Context(), scope, "large", heap.watch(io.LimitReader(rand.NewChaCha8(seed), size)), "")
	if err != nil {
		t.Fatal(err)
	}
	_, r, err := s.OpenBlob(t.Context(), scope, "large")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	sum := sha256.New()
	if n, err := io.Copy(sum, heap.watch(r)); err != nil || n != size {
		t.Fatalf("read %d bytes: %v", n, err)
	}
	diff(t, "hash", made.Hash, hex.EncodeToString(sum.Sum(nil)))
	if heap.grown > size/10 {
		t.Errorf("the heap grew by %d MiB", heap.grown>>20)
	}
}
