package storagetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/fazt-sh/fazt/storage"
)

func testContent(t *testing.T, s storage.Store) {
	// Sizes around those of the chunks that an engine may use.
	for _, size := range []int{0, 1, 1000, 1<<16 - 1, 1 << 18, 1<<18 + 1, 1 << 20, 3<<18 - 1} {
		data := make([]byte, size)
		rand.NewChaCha8([32]byte{byte(size)}).Read(data)
		hash := hashOf(data)
		has, err := s.HasContent(t.Context(), []string{hash})
		if err != nil || len(has) > 0 {
			t.Fatalf("before: %v, %v", has, err)
		}
		c := storage.Content{Hash: hash, Data: iotest.HalfReader(bytes.NewReader(data)), Encoded: map[string][]byte{"gzip": []byte("small")}}
		if err := s.PutContent(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		has, err = s.HasContent(t.Context(), []string{hash, "0"})
		diff(t, "has", map[string][]string{hash: {"gzip"}}, has)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(data, readAll(t, s, hash, "")) {
			t.Errorf("%d bytes came back different", size)
		}
		diff(t, "gzip", "small", string(readAll(t, s, hash, "gzip")))
		testSeek(t, s, hash, data)

		// What is stored is not read again, but another form is added.
		again := storage.Content{Hash: hash, Data: iotest.ErrReader(errors.New("it was read")), Encoded: map[string][]byte{"zstd": []byte("smaller")}}
		if err := s.PutContent(t.Context(), again); err != nil {
			t.Errorf("again: %v", err)
		}
		diff(t, "zstd", "smaller", string(readAll(t, s, hash, "zstd")))
		has, err = s.HasContent(t.Context(), []string{hash})
		diff(t, "has both", map[string][]string{hash: {"gzip", "zstd"}}, has)
		if err != nil {
			t.Fatal(err)
		}
	}
}

func testSeek(t *testing.T, s storage.Store, hash string, data []byte) {
	t.Helper()
	r, err := s.OpenContent(t.Context(), hash, "")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := iotest.TestReader(r, data); err != nil {
		t.Errorf("%d bytes: %v", len(data), err)
	}
	for _, offset := range []int64{0, int64(len(data)) / 2, int64(len(data)), int64(len(data)) + 5} {
		at, err := r.Seek(offset-int64(len(data)), io.SeekEnd)
		if offset == 0 && len(data) == 0 {
			at, err = r.Seek(0, io.SeekStart)
		}
		if err != nil || at != offset {
			t.Errorf("seek to %d: %d, %v", offset, at, err)
		}
		rest, err := io.ReadAll(r)
		want := data[min(offset, int64(len(data))):]
		if err != nil || !bytes.Equal(rest, want) {
			t.Errorf("from %d: %d bytes, %v; want %d", offset, len(rest), err, len(want))
		}
	}
	_, err = r.Seek(-1, io.SeekStart)
	wantCode(t, "before the start", err, storage.CodeInvalid)
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	_, err = r.Read(make([]byte, 1))
	wantCode(t, "closed", err, storage.CodeClosed)
}

func testContentErrors(t *testing.T, s storage.Store) {
	hash := hashOf([]byte("data"))
	broken := errors.New("the connection broke")
	tests := []struct {
		name string
		c    storage.Content
		code storage.Code
		err  error
	}{
		{"wrong bytes", storage.Content{Hash: hash, Data: strings.NewReader("other")}, storage.CodeInvalid, nil},
		{"no hash", storage.Content{Data: strings.NewReader("data")}, storage.CodeInvalid, nil},
		{"upper case", storage.Content{Hash: strings.ToUpper(hash), Data: strings.NewReader("data")}, storage.CodeInvalid, nil},
		{"short", storage.Content{Hash: hash[:10], Data: strings.NewReader("data")}, storage.CodeInvalid, nil},
		{"reader fails", storage.Content{Hash: hash, Data: io.MultiReader(strings.NewReader("da"), iotest.ErrReader(broken))}, "", broken},
	}
	for _, tt := range tests {
		err := s.PutContent(t.Context(), tt.c)
		wantCode(t, tt.name, err, tt.code)
		if tt.err != nil && !errors.Is(err, tt.err) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := io.MultiReader(strings.NewReader("da"), readerFunc(func([]byte) (int, error) { cancel(); return 0, io.EOF }))
	if err := s.PutContent(ctx, storage.Content{Hash: hashOf([]byte("da")), Data: r}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	has, err := s.HasContent(t.Context(), []string{hash, hashOf([]byte("da"))})
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "nothing was stored", map[string][]string{}, has)
	_, err = s.OpenContent(t.Context(), hash, "")
	wantCode(t, "open", err, storage.CodeNotFound)

	put(t, s, "a", "data")
	_, err = s.OpenContent(t.Context(), hash, "gzip")
	wantCode(t, "another form", err, storage.CodeNotFound)

	// Many callers may store the same content at once.
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { put(t, s, "b", strings.Repeat("same", 100_000), "gzip") })
	}
	wg.Wait()
	same := strings.Repeat("same", 100_000)
	diff(t, "stored once", same, string(readAll(t, s, hashOf([]byte(same)), "")))
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// testLargeContent streams 100 MiB in and out. The heap may not grow by a
// tenth of that.
func testLargeContent(t *testing.T, s storage.Store) {
	const size = 100 << 20
	seed := [32]byte{1}
	sum := sha256.New()
	if _, err := io.CopyN(sum, rand.NewChaCha8(seed), size); err != nil {
		t.Fatal(err)
	}
	hash := hex.EncodeToString(sum.Sum(nil))
	heap := newHeapMeter()
	if err := s.PutContent(t.Context(), storage.Content{Hash: hash, Data: heap.watch(io.LimitReader(rand.NewChaCha8(seed), size))}); err != nil {
		t.Fatal(err)
	}
	r, err := s.OpenContent(t.Context(), hash, "")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	sum.Reset()
	if n, err := io.Copy(sum, heap.watch(r)); err != nil || n != size {
		t.Fatalf("read %d bytes: %v", n, err)
	}
	diff(t, "hash", hash, hex.EncodeToString(sum.Sum(nil)))
	if heap.grown > size/10 {
		t.Errorf("the heap grew by %d MiB", heap.grown>>20)
	}
}

// heapMeter looks at the live heap every few MiB that pass through a reader.
type heapMeter struct {
	start, grown uint64
	bytes        int
}

func newHeapMeter() *heapMeter { return &heapMeter{start: liveHeap()} }

func liveHeap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func (h *heapMeter) watch(r io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		n, err := r.Read(p)
		if h.bytes += n; h.bytes > 10<<20 {
			h.bytes = 0
			if now := liveHeap(); now > h.start {
				h.grown = max(h.grown, now-h.start)
			}
		}
		return n, err
	})
}
