package site

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync/atomic"
)

// ReadZIP is [ReadFS] for a ZIP archive of the app's directory. What an entry
// says of its size is checked here and holds later: reading more fails. An entry that
// can't be read through is the app's fault, with its name and the reason.
func ReadZIP(r io.ReaderAt, size int64, limits Limits) (*Site, error) {
	if r == nil {
		return nil, invalid(errors.New("there is no archive, but nil; give one, such as a file that is open"))
	}
	in := &directoryReader{ReaderAt: r, left: int64(limits.Files)*entryBytes + endBytes}
	z, err := zip.NewReader(in, size)
	if cause := in.failed.Load(); cause != nil {
		return nil, fmt.Errorf("fazt: read the ZIP: %w", *cause)
	}
	in.left = math.MaxInt64                                 // files have limits of their own
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // add names the insecure path
		return nil, invalid(fmt.Errorf("the ZIP can't be read: %w", err))
	}
	if most := 2 * limits.Files; len(z.File) > most { // directories are entries too
		return nil, invalid(fmt.Errorf("the ZIP has %d entries; the limit is %d", len(z.File), most))
	}
	s := newSite()
	for _, entry := range z.File {
		// Some programs begin every name at the directory that was packed.
		name := entry.Name
		for strings.HasPrefix(name, "./") {
			name = name[2:]
		}
		if entry.Mode().IsDir() {
			if name = strings.TrimSuffix(name, "/"); name != "" {
				if err := checkFileName(name); err != nil {
					return nil, invalid(fmt.Errorf("directory: %w", err))
				}
			}
			continue
		}
		if err := checkEntry(entry); err != nil {
			return nil, invalid(fmt.Errorf("%s: %w", shorten(entry.Name), err))
		}
		// archive/zip stops with an error at the size that the entry claims, so
		// a lying entry expands no further than the limits checked here.
		f := file{path: name, size: int64(entry.UncompressedSize64), open: func() (io.ReadCloser, error) { return openEntry(entry, in) }}
		if err := s.add(f, limits); err != nil {
			return nil, err
		}
	}
	return s.finish()
}

// checkEntry refuses an entry that could not be read, or be read for something else
// than it is.
func checkEntry(e *zip.File) error {
	switch {
	case !e.Mode().IsRegular():
		return errors.New("is a link or a device; deploy regular files only")
	case e.Flags&1 != 0:
		return errors.New("is encrypted; pack it without a password")
	case e.Method != zip.Store && e.Method != zip.Deflate:
		return fmt.Errorf("is packed by method %d; pack it by deflate, which every program has", e.Method)
	case e.UncompressedSize64 > 1<<62:
		return errors.New("claims an impossible size")
	case e.Method == zip.Store && e.CompressedSize64 != e.UncompressedSize64:
		return errors.New("is stored as it is, with another length than it claims")
	}
	return nil
}

// openEntry opens an entry whose errors tell whose fault they are.
func openEntry(e *zip.File, in *directoryReader) (io.ReadCloser, error) {
	blame := func(err error) error {
		if cause := in.failed.Load(); cause != nil {
			return *cause
		}
		if errors.Is(err, zip.ErrChecksum) {
			return invalid(fmt.Errorf("%s: the ZIP is damaged: the bytes of this entry don't have its checksum", shorten(e.Name)))
		}
		return invalid(fmt.Errorf("%s: the ZIP is damaged: this entry can't be read: %w", shorten(e.Name), err))
	}
	r, err := e.Open()
	if err != nil {
		return nil, blame(err)
	}
	return &entryReader{r, blame}, nil
}

type entryReader struct {
	io.ReadCloser
	blame func(error) error
}

func (r *entryReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = r.blame(err)
	}
	return n, err
}

const (
	// entryBytes is how long entries of a ZIP's directory are on average, at most,
	// one for a file and one for its directory: 46 and the names.
	entryBytes = 2 * (46 + 256)
	// endBytes is more than what is read to find the directory.
	endBytes = 256 << 10
)

// directoryReader bounds how much of a ZIP is read to learn what is in it: all of that
// is in memory, several times as large, before it can be looked at. It notes what
// fails below, which is no fault of the ZIP's.
type directoryReader struct {
	io.ReaderAt
	left   int64
	failed atomic.Pointer[error]
}

var errLongDirectory = errors.New("the ZIP lists more files than an app may have")

func (r *directoryReader) ReadAt(p []byte, offset int64) (int, error) {
	if r.left < int64(len(p)) {
		return 0, errLongDirectory
	}
	if r.left != math.MaxInt64 {
		r.left -= int64(len(p))
	}
	n, err := r.ReaderAt.ReadAt(p, offset)
	if err != nil && err != io.EOF && offset >= 0 {
		r.failed.CompareAndSwap(nil, &err)
	}
	return n, err
}
