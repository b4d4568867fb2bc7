package bodies_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/bodies"
	"github.com/google/go-cmp/cmp"
)

func TestCut(t *testing.T) {
	for _, c := range []struct {
		size int
		put  []int // the sizes of the chunks that are put
		last int
	}{
		{0, nil, 0},
		{5, nil, 5},
		{bodies.ChunkSize, nil, bodies.ChunkSize},
		{bodies.ChunkSize + 1, []int{bodies.ChunkSize}, 1},
		{2 * bodies.ChunkSize, []int{bodies.ChunkSize}, bodies.ChunkSize},
	} {
		var cutter bodies.Cutter
		var put []int
		err := cutter.Cut(bytes.NewReader(make([]byte, c.size)), func() error { put = append(put, cutter.Last.Len()); return nil })
		if diff := cmp.Diff(c.put, put); err != nil || diff != "" || cutter.Last.Len() != c.last || cutter.Size != int64(c.size) {
			t.Errorf("%d bytes: %v, the last has %d of %d (-want +got):\n%s", c.size, err, cutter.Last.Len(), cutter.Size, diff)
		}
	}
}

func TestCutReturnsErrors(t *testing.T) {
	broken := errors.New("broken")
	for name, data := range map[string]io.Reader{
		"of the reader": io.MultiReader(strings.NewReader("some"), iotest.ErrReader(broken)),
		"of put":        bytes.NewReader(make([]byte, bodies.ChunkSize+1)),
	} {
		if err := new(bodies.Cutter).Cut(data, func() error { return broken }); err != broken {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadContentChecksTheHash(t *testing.T) {
	sum := sha256.Sum256([]byte("bytes"))
	read := func(r io.Reader) error { _, err := io.Copy(io.Discard, r); return err }
	for _, c := range []struct {
		encoding, data string
		want           storage.Code
	}{{"", "bytes", ""}, {"", "others", storage.CodeInvalid}, {"gzip", "others", ""}} {
		err := bodies.ReadContent("put", hex.EncodeToString(sum[:]), c.encoding, strings.NewReader(c.data), read)
		if storage.CodeOf(err) != c.want {
			t.Errorf("%q as %q: %v", c.data, c.encoding, err)
		}
	}
	if err := bodies.CheckHash("put", hex.EncodeToString(sum[:])); err != nil {
		t.Error(err)
	}
	for _, text := range []string{"", "ab", strings.ToUpper(hex.EncodeToString(sum[:])), strings.Repeat("z", 64)} {
		if err := bodies.CheckHash("put", text); storage.CodeOf(err) != storage.CodeInvalid {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestSeek(t *testing.T) {
	for _, c := range []struct {
		offset int64
		whence int
		want   int64 // -1 is an error
	}{
		{3, io.SeekStart, 3},
		{-1, io.SeekCurrent, 3},
		{-1, io.SeekEnd, 9},
		{5, io.SeekEnd, 15},
		{-1, io.SeekStart, -1},
		{-11, io.SeekEnd, -1},
		{0, 3, -1},
		{0, -1, -1},
	} {
		got, err := bodies.Seek("get", 10, 4, c.offset, c.whence)
		if c.want < 0 && storage.CodeOf(err) != storage.CodeInvalid || c.want >= 0 && (err != nil || got != c.want) {
			t.Errorf("%d from %d: %d, %v", c.offset, c.whence, got, err)
		}
	}
}
