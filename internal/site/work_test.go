package site_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/fazt-sh/fazt/internal/site"
	"github.com/fazt-sh/fazt/storage"
)

// roomy are limits that the tests of large files keep.
var roomy = site.Limits{FileBytes: 64 << 20, AppBytes: 64 << 20, Files: 100}

// turnFS notes whether files are read outside of a turn, and the most that is read in
// one.
type turnFS struct {
	fstest.MapFS
	inside  bool
	outside int
	most    int
	read    int // in the turn
	turns   int
}

func (f *turnFS) Open(name string) (fs.File, error) {
	file, err := f.MapFS.Open(name)
	return &turnFile{file, f}, err
}

type turnFile struct {
	fs.File
	of *turnFS
}

func (f *turnFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	if !f.of.inside {
		f.of.outside++
	}
	f.of.read += n
	f.of.most = max(f.of.most, f.of.read)
	return n, err
}

func (f *turnFS) turn(_ context.Context, slice func() error) error {
	f.inside, f.read = true, 0
	defer func() { f.inside = false }()
	f.turns++
	return slice()
}

// words is a text that compresses somewhat.
func words(bytes int) string {
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for b.Len() < bytes {
		fmt.Fprintf(&b, "word%d ", r.IntN(5000))
	}
	return b.String()[:bytes]
}

// kept keeps the contents that were put, in their forms.
type kept struct {
	memory
	contents []storage.Content
}

func (k *kept) PutContent(ctx context.Context, c storage.Content) error {
	forms := make(map[string][]byte)
	for name, data := range c.Encoded {
		forms[name] = bytes.Clone(data) // good until the next file alone
	}
	k.contents = append(k.contents, storage.Content{App: c.App, Hash: c.Hash, Encoded: forms})
	return k.memory.PutContent(ctx, c)
}

// TestStoreTakesTurns reads and compresses in slices of 64 KiB, each a turn.
func TestStoreTakesTurns(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED under -short: compresses megabytes in one goroutine, which takes the race detector minutes and shows it nothing")
	}
	text := words(1<<20 + 7)
	source := &turnFS{MapFS: files("index.html", text, "noise.txt", noise(100_000), "small.txt", "small")}
	app, err := site.ReadFS(source, roomy)
	if err != nil {
		t.Fatal(err)
	}
	app.Turn, app.App = source.turn, "an app"
	to := &kept{memory: memory{}}
	if _, err := app.Store(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	if source.outside > 0 || source.most > 64<<10 || source.turns < 5*(1<<20)/(64<<10) {
		t.Errorf("%d reads out of turn, %d bytes in one turn, %d turns", source.outside, source.most, source.turns)
	}
	for _, c := range to.contents {
		if c.App != "an app" {
			t.Errorf("stored as the work of %q", c.App)
		}
	}
	page := to.contents[0].Encoded
	if got := expand(t, "gzip", page["gzip"]); got != text {
		t.Error("gzip: the text has changed")
	}
	if got := expand(t, "zstd", page["zstd"]); got != text {
		t.Error("zstd: the text has changed")
	}
	for i, c := range to.contents[1:] {
		if len(c.Encoded) > 0 {
			t.Errorf("file %d has forms that are not smaller", i+1)
		}
	}
}

func noise(bytes int) string {
	r := rand.New(rand.NewPCG(3, 4))
	b := make([]byte, bytes)
	for i := range b {
		b[i] = byte(r.IntN(256))
	}
	return string(b)
}

func expand(t *testing.T, encoding string, data []byte) string {
	t.Helper()
	var out bytes.Buffer
	var err error
	if encoding == "gzip" {
		var r *gzip.Reader
		if r, err = gzip.NewReader(bytes.NewReader(data)); err == nil {
			_, err = out.ReadFrom(r)
		}
	} else {
		var r *zstd.Decoder
		if r, err = zstd.NewReader(bytes.NewReader(data), zstd.WithDecoderMaxWindow(8<<20)); err == nil { // what browsers take
			defer r.Close()
			_, err = out.ReadFrom(r)
		}
	}
	if err != nil {
		t.Errorf("%s: %v", encoding, err)
	}
	return out.String()
}

// TestZstdWindow has a file that is larger than the window that browsers take.
func TestZstdWindow(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED under -short: compresses megabytes in one goroutine, which takes the race detector minutes and shows it nothing")
	}
	text := words(10 << 20)
	app, err := site.ReadFS(files("index.html", text), roomy)
	if err != nil {
		t.Fatal(err)
	}
	to := &kept{memory: memory{}}
	if _, err := app.Store(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	if got := expand(t, "zstd", to.contents[0].Encoded["zstd"]); got != text {
		t.Error("the text has changed")
	}
}

// TestStoreEnds ends a deploy's work between two slices.
func TestStoreEnds(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED under -short: compresses megabytes in one goroutine, which takes the race detector minutes and shows it nothing")
	}
	gone := errors.New("the client has gone")
	for _, at := range []int{0, 1, 20, 40, 60} {
		app, err := site.ReadFS(files("index.html", words(1<<20)), roomy)
		if err != nil {
			t.Fatal(err)
		}
		ctx, end := context.WithCancelCause(t.Context())
		turns := 0
		app.Turn = func(_ context.Context, slice func() error) error {
			if turns++; turns > at {
				end(gone)
			}
			return slice()
		}
		if _, err := app.Store(ctx, memory{}); !errors.Is(err, gone) || turns != at+1 {
			t.Errorf("at turn %d: %v after %d turns", at, err, turns)
		}
	}
}

// TestLongZIPDirectory has many more entries than are read.
func TestLongZIPDirectory(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := range 20_000 {
		if _, err := z.CreateHeader(&zip.FileHeader{Name: fmt.Sprintf("%0200d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := site.ReadZIP(bytes.NewReader(b.Bytes()), int64(b.Len()), roomy)
	if !errors.Is(err, site.ErrInvalid) || !strings.Contains(err.Error(), "lists more files than an app may have") {
		t.Error(err)
	}
}
