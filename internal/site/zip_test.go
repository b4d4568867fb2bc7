package site_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/internal/site"
)

// damaged is a ZIP of one page, index.html, and one text, a.txt, in which something
// is changed: local is a.txt's local header, central its entry in the directory.
func damaged(t *testing.T, method uint16, change func(all, local, central []byte)) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range []string{"index.html", "a.txt"} {
		content := []byte(strings.Repeat("content ", 20))
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	all := b.Bytes()
	local := bytes.LastIndex(all, []byte("PK\x03\x04"))
	central := bytes.LastIndex(all, []byte("PK\x01\x02"))
	change(all, all[local:], all[central:])
	return all
}

// TestDamagedZIP has each way in which an entry can't be read through. Nothing of it is
// stored, and the error names it.
func TestDamagedZIP(t *testing.T) {
	put16, put32 := binary.LittleEndian.PutUint16, binary.LittleEndian.PutUint32
	packedBy := func(method uint16) func(all, local, central []byte) {
		return func(_, local, central []byte) { put16(local[8:], method); put16(central[10:], method) }
	}
	for _, test := range []struct {
		name   string
		method uint16
		change func(all, local, central []byte)
		want   string
	}{
		{"encrypted", zip.Deflate, func(_, local, central []byte) { put16(local[6:], 9); put16(central[8:], 9) }, "is encrypted; pack it without a password"},
		{"encrypted, and stored", zip.Store, func(_, local, central []byte) { put16(local[6:], 1); put16(central[8:], 1) }, "is encrypted"},
		{"encrypted by AES", zip.Deflate, packedBy(99), "is packed by method 99; pack it by deflate"},
		{"deflate64", zip.Deflate, packedBy(9), "is packed by method 9;"},
		{"bzip2", zip.Deflate, packedBy(12), "is packed by method 12;"},
		{"LZMA", zip.Deflate, packedBy(14), "is packed by method 14;"},
		{"Zstandard", zip.Deflate, packedBy(93), "is packed by method 93;"},
		{"XZ", zip.Deflate, packedBy(95), "is packed by method 95;"},
		{"a wrong checksum", zip.Deflate, func(_, _, central []byte) { put32(central[16:], 0xbad) }, "the ZIP is damaged: the bytes of this entry don't have its checksum"},
		{"a wrong checksum, stored", zip.Store, func(_, _, central []byte) { put32(central[16:], 0xbad) }, "the ZIP is damaged: the bytes"},
		{"other bytes, stored", zip.Store, func(_, local, _ []byte) { local[40] ^= 0xff }, "the ZIP is damaged: the bytes"},
		{"an offset past the end", zip.Deflate, func(_, _, central []byte) { put32(central[42:], 1<<30) }, "the ZIP is damaged: this entry can't be read"},
		{"an offset elsewhere", zip.Deflate, func(_, _, central []byte) { put32(central[42:], 7) }, "the ZIP is damaged: this entry can't be read"},
		{"damaged bytes", zip.Deflate, func(_, local, _ []byte) { copy(local[36:], "\xff\xff\xff\xff\xff\xff") }, "the ZIP is damaged: this entry can't be read"},
		{"fewer bytes than it claims", zip.Deflate, func(_, _, central []byte) { put32(central[24:], 500) }, "the ZIP is damaged: this entry can't be read"},
		{"more bytes than it claims", zip.Deflate, func(_, _, central []byte) { put32(central[24:], 50) }, "the ZIP is damaged"},
		{"cut off", zip.Deflate, func(_, _, central []byte) { put32(central[20:], 3) }, "the ZIP is damaged: this entry can't be read"},
		{"packed bytes past the end", zip.Deflate, func(_, _, central []byte) { put32(central[20:], 1<<30) }, ""},
		{"stored, with two lengths", zip.Store, func(_, _, central []byte) { put32(central[20:], 50) }, "is stored as it is, with another length than it claims"},
	} {
		data := damaged(t, test.method, test.change)
		stored := memory{}
		app, err := site.ReadZIP(bytes.NewReader(data), int64(len(data)), limits)
		if err == nil {
			_, err = app.Store(t.Context(), stored)
		}
		if test.want == "" && err == nil {
			continue // what is read is whole
		}
		if !errors.Is(err, site.ErrInvalid) || !strings.Contains(err.Error(), "a.txt: "+test.want) || strings.Count(err.Error(), "invalid app") != 1 {
			t.Errorf("%s: got %v, want a.txt: %s", test.name, err, test.want)
		}
		if len(stored) > 0 {
			t.Errorf("%s: %d files were stored", test.name, len(stored))
		}
	}
}

var errDisk = errors.New("the disk fails")

// failingDisk fails from an offset on.
type failingDisk struct {
	*bytes.Reader
	from int64
}

func (d failingDisk) ReadAt(p []byte, offset int64) (int, error) {
	if offset+int64(len(p)) > d.from {
		return 0, errDisk
	}
	return d.Reader.ReadAt(p, offset)
}

// TestZIPOnFailingDisk is no fault of the app's.
func TestZIPOnFailingDisk(t *testing.T) {
	data := damaged(t, zip.Deflate, func(_, _, _ []byte) {})
	for from := int64(0); from < int64(len(data)); from += 23 {
		disk := failingDisk{bytes.NewReader(data), int64(len(data))}
		app, err := site.ReadZIP(&disk, int64(len(data)), limits)
		if err != nil {
			t.Fatal(err)
		}
		disk.from = from
		if _, err := app.Store(t.Context(), memory{}); err != nil && (!errors.Is(err, errDisk) || errors.Is(err, site.ErrInvalid)) {
			t.Fatalf("from byte %d: %v", from, err)
		}
		disk.from = from
		if _, err := site.ReadZIP(&disk, int64(len(data)), limits); !errors.Is(err, errDisk) || errors.Is(err, site.ErrInvalid) {
			t.Fatalf("the directory, from byte %d: %v", from, err)
		}
	}
	if _, err := site.ReadZIP(bytes.NewReader(data[:len(data)-10]), int64(len(data)-10), limits); !errors.Is(err, site.ErrInvalid) || errors.Is(err, io.EOF) {
		t.Errorf("cut off: %v", err)
	}
}
