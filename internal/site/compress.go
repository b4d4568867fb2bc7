package site

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// encodings are the content codings that files are stored in, best first.
var encodings = []string{"zstd", "gzip"}

const (
	// minCompressed is the smallest file worth compressing: below it the
	// headers weigh more than what is saved.
	minCompressed = 512
	// maxCompressed is the largest file that is compressed, since its compressed
	// forms are in memory until they are stored.
	maxCompressed = 16 << 20
	// zstdWindow is how far back zstd looks. Browsers take 8 MiB at most (RFC 9659);
	// memory grows with it.
	zstdWindow = 4 << 20
)

// isPacked reports whether a file is stored in compressed forms, too.
func (s *Site) isPacked(f file) bool {
	if f.size < minCompressed || f.size > maxCompressed || !s.Manifest.IsServable("/"+f.path) {
		return false
	}
	mime, coding := s.Manifest.TypeOf(f.path)
	return coding == "" && compressible(mime)
}

// packer compresses one file after another, in slices.
type packer struct {
	work    work
	codings []*coding
}

// coding is one compressed form of the file at hand.
type coding struct {
	name string
	w    interface {
		io.WriteCloser
		Reset(io.Writer)
	}
	out   bytes.Buffer
	most  int  // bytes, past which it is not worth having
	given bool // it was given up, being past them
}

func newPacker(w work) (*packer, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression),
		zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(zstdWindow))
	if err != nil {
		return nil, err
	}
	g, err := gzip.NewWriterLevel(nil, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	return &packer{work: w, codings: []*coding{{name: "zstd", w: z}, {name: "gzip", w: g}}}, nil
}

// pack compresses a file in each coding that makes it smaller by a tenth. The bytes
// are good until the next file is packed.
func (p *packer) pack(ctx context.Context, f file) (map[string][]byte, error) {
	r, err := f.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for _, c := range p.codings {
		c.begin(int(f.size) * 9 / 10)
	}
	n, err := p.work.each(ctx, io.LimitReader(r, f.size+1), func(slice []byte) error {
		for _, c := range p.codings {
			if err := p.work.do(ctx, func() error { return c.write(slice) }); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if n != f.size {
		return nil, errChanged
	}
	packed := make(map[string][]byte)
	for _, c := range p.codings {
		if err := p.work.do(ctx, c.end); err != nil {
			return nil, err
		}
		if !c.given {
			packed[c.name] = c.out.Bytes()
		}
	}
	return packed, nil
}

var errNotSmaller = errors.New("site: the compressed form is not smaller")

func (c *coding) begin(most int) {
	c.out.Reset()
	c.most, c.given = most, false
	c.w.Reset(c)
}

// Write takes what the encoder has made.
func (c *coding) Write(p []byte) (int, error) {
	if c.out.Len()+len(p) >= c.most {
		return 0, errNotSmaller
	}
	return c.out.Write(p)
}

// write has the encoder take a slice, unless it is known to be no use.
func (c *coding) write(slice []byte) error {
	if c.given {
		return nil
	}
	_, err := c.w.Write(slice)
	return c.giveUp(err)
}

func (c *coding) end() error {
	if c.given {
		return nil
	}
	return c.giveUp(c.w.Close())
}

func (c *coding) giveUp(err error) error {
	if errors.Is(err, errNotSmaller) {
		c.given = true
		return nil
	}
	return err
}

// compressible reports whether a type is text in some form. Pictures, sound and
// archives are compressed already.
func compressible(mime string) bool {
	mime, _, _ = strings.Cut(mime, ";")
	if strings.HasPrefix(mime, "text/") || strings.HasSuffix(mime, "json") || strings.HasSuffix(mime, "xml") {
		return true
	}
	switch mime {
	case "application/wasm", "application/yaml", "application/toml", "application/x-tar", "image/bmp", "image/x-icon", "font/ttf", "font/otf",
		"model/obj", "model/mtl", "model/stl", "model/ply", "model/gltf-binary", "application/x-ndjson", "application/jsonl", "application/json5", "application/rtf",
		"application/x-subrip", "application/vnd.apple.mpegurl", "application/vnd.ms-fontobject":
		return true
	}
	return false
}

// ChooseEncoding picks the smallest of the offered encodings that an
// Accept-Encoding header takes; "" is the file as it is.
func ChooseEncoding(accept string, offered []string) string {
	if accept == "" {
		return ""
	}
	taken := make(map[string]bool, 4)
	for part := range strings.SplitSeq(accept, ",") {
		name, params, _ := strings.Cut(part, ";")
		taken[strings.ToLower(strings.TrimSpace(name))] = quality(params) > 0
	}
	for _, encoding := range encodings {
		ok, named := taken[encoding]
		if !named {
			ok = taken["*"]
		}
		if ok && slices.Contains(offered, encoding) {
			return encoding
		}
	}
	return ""
}

// quality reads ";q=0.5"; what it cannot read counts as 1.
func quality(params string) float64 {
	_, value, ok := strings.Cut(strings.ToLower(strings.ReplaceAll(params, " ", "")), "q=")
	if !ok {
		return 1
	}
	q, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return 1
	}
	return q
}
