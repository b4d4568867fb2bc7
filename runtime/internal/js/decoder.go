package js

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/transform"

	"github.com/fazt-sh/fazt/runtime"
)

// EncodingOf is the name of the encoding that a label of the WHATWG's encoding standard
// means, such as "windows-1252" for " Latin1". The error is a [*HostError], a RangeError.
func EncodingOf(label string) (string, error) {
	e, err := htmlindex.Get(label)
	if err == nil && e != encoding.Replacement {
		var name string
		if name, err = htmlindex.Name(e); err == nil && name != "x-user-defined" {
			return name, nil
		}
	}
	return "", &runtime.HostError{Name: "RangeError", Code: "ERR_ENCODING_NOT_SUPPORTED",
		Message: fmt.Sprintf("there is no encoding %q; use utf-8, or another label of the encoding standard", label[:min(len(label), maxLabel)])}
}

// maxLabel bounds what is quoted of a label.
const maxLabel = 64

// Decoder is what a TextDecoder does.
type Decoder struct {
	name           string
	fatal, keepBOM bool
	legacy         transform.Transformer // of an encoding that isn't Unicode's
	order          binary.ByteOrder      // of UTF-16
	pending        []byte                // the beginning of a character
	begun          bool                  // there has been text since the last end
}

// NewDecoder makes a decoder of an encoding by its name, see [EncodingOf]. With fatal,
// what isn't a text in the encoding is an error and not U+FFFD; with keepBOM a byte
// order mark is a part of the text.
func NewDecoder(name string, fatal, keepBOM bool) *Decoder {
	d := &Decoder{name: name, fatal: fatal, keepBOM: keepBOM}
	switch name {
	case "utf-8":
	case "utf-16le":
		d.order = binary.LittleEndian
	case "utf-16be":
		d.order = binary.BigEndian
	default:
		d.keepBOM = true
		if e, err := htmlindex.Get(name); err == nil {
			d.legacy = e.NewDecoder()
		}
	}
	return d
}

// Decode makes a text of bytes. With stream, more will follow, and a character that is
// broken off waits for it. The error is a [*HostError], a TypeError; a text of more than
// limit bytes is a RangeError. check is called every slice.
func (d *Decoder) Decode(b []byte, stream bool, limit int, check func()) (string, error) {
	var text strings.Builder
	var err error
	for more := true; more && err == nil; {
		check()
		n := min(slice, len(b))
		part := b[:n]
		b = b[n:]
		more = len(b) > 0
		if len(d.pending) > 0 {
			part = append(d.pending, part...)
			d.pending = nil
		}
		if err = d.decodePart(&text, part, stream || more); err == nil && text.Len() > limit {
			err = &runtime.HostError{Name: "RangeError", Message: fmt.Sprintf("decode: the text would be longer than %d characters", limit)}
		}
	}
	s := text.String()
	if s != "" && !d.begun && !d.keepBOM {
		s = strings.TrimPrefix(s, "\uFEFF")
	}
	d.begun = stream && (d.begun || text.Len() > 0)
	if err != nil {
		d.begun, d.pending = false, nil
		if d.legacy != nil {
			d.legacy.Reset()
		}
		return "", err
	}
	return s, nil
}

func (d *Decoder) decodePart(text *strings.Builder, b []byte, more bool) error {
	switch {
	case d.legacy != nil:
		return d.decodeLegacy(text, b, more)
	case d.order != nil:
		return d.decodeUTF16(text, b, more)
	}
	if utf8.Valid(b) {
		text.Write(b)
		return nil
	}
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			if more && !utf8.FullRune(b) {
				d.pending = bytes.Clone(b)
				return nil
			}
			if err := d.wrong(); err != nil {
				return err
			}
			n = brokenOff(b)
		}
		text.WriteRune(r)
		b = b[n:]
	}
	return nil
}

// brokenOff is how much of a sequence is there that isn't UTF-8: it is one U+FFFD.
func brokenOff(b []byte) int {
	for n := min(utf8.UTFMax-1, len(b)); n > 1; n-- {
		if !utf8.FullRune(b[:n]) {
			return n
		}
	}
	return 1
}

func (d *Decoder) decodeUTF16(text *strings.Builder, b []byte, more bool) error {
	for len(b) > 0 {
		r, n := rune(utf8.RuneError), len(b)
		if len(b) >= 2 {
			r, n = rune(d.order.Uint16(b)), 2
		}
		high := utf16.IsSurrogate(r) && r < 0xDC00
		if len(b) < 2 || high && len(b) < 4 {
			if more {
				d.pending = bytes.Clone(b)
				return nil
			}
			r, n = utf8.RuneError, len(b) // what is broken off is one
			if err := d.wrong(); err != nil {
				return err
			}
		} else if utf16.IsSurrogate(r) {
			pair := rune(utf8.RuneError)
			if high {
				pair = utf16.DecodeRune(r, rune(d.order.Uint16(b[2:])))
			}
			if r = pair; r != utf8.RuneError {
				n = 4
			} else if err := d.wrong(); err != nil {
				return err
			}
		}
		text.WriteRune(r)
		b = b[n:]
	}
	return nil
}

func (d *Decoder) decodeLegacy(text *strings.Builder, b []byte, more bool) error {
	dst := make([]byte, slice)
	for {
		nDst, nSrc, err := d.legacy.Transform(dst, b, !more)
		if d.fatal && bytes.ContainsRune(dst[:nDst], utf8.RuneError) {
			return d.wrong()
		}
		text.Write(dst[:nDst])
		b = b[nSrc:]
		switch {
		case errors.Is(err, transform.ErrShortDst):
			continue
		case errors.Is(err, transform.ErrShortSrc):
			d.pending = bytes.Clone(b)
		case err != nil:
			return d.wrong()
		}
		if !more {
			d.legacy.Reset()
		}
		return nil
	}
}

// wrong is the error of a fatal decoder.
func (d *Decoder) wrong() error {
	if !d.fatal {
		return nil
	}
	return &runtime.HostError{Name: "TypeError", Code: "ERR_ENCODING_INVALID_ENCODED_DATA", Message: "the bytes are not a text in " + d.name}
}
