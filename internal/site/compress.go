package site

import (
	"bytes"
	"fmt"
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
	// maxCompressed is the largest file that is compressed, since that happens
	// in memory.
	maxCompressed = 16 << 20
)

// encode compresses a file in each coding that makes it smaller by a tenth.
func (s *Site) encode(i int) (map[string][]byte, error) {
	f := s.files[i]
	if f.size < minCompressed || f.size > maxCompressed || !IsServable("/"+f.path) || !compressible(MIMEType(f.path)) {
		return nil, nil
	}
	data, err := s.read(i)
	if err != nil {
		return nil, err
	}
	encoded := make(map[string][]byte)
	for _, name := range encodings {
		packed, err := compress(name, data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.path, err)
		}
		if len(packed) < len(data)*9/10 {
			encoded[name] = packed
		}
	}
	return encoded, nil
}

func compress(encoding string, data []byte) ([]byte, error) {
	var out bytes.Buffer
	var w io.WriteCloser
	var err error
	if encoding == "zstd" {
		w, err = zstd.NewWriter(&out, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1))
	} else {
		w, err = gzip.NewWriterLevel(&out, gzip.BestCompression)
	}
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// compressible reports whether a type is text in some form. Pictures, sound and
// archives are compressed already.
func compressible(mime string) bool {
	if strings.HasPrefix(mime, "text/") || strings.HasSuffix(mime, "json") || strings.HasSuffix(mime, "xml") {
		return true
	}
	switch mime {
	case "application/wasm", "application/yaml", "application/x-tar", "image/bmp", "image/x-icon", "font/ttf", "font/otf":
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
