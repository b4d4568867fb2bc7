package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Backups are copies of all that a server stores.
type Backups interface {
	// Backup makes a copy, as the data is at one moment, in a new file that only its
	// owner can read. The file is where this process runs, also when the data is
	// elsewhere. It has its name only when it is whole and checked; one that exists is
	// refused. Only an owner may: others are FORBIDDEN, as everything is in it.
	// progress, which may be nil, is told how many bytes of how many are done.
	Backup(ctx context.Context, file string, progress func(done, total int64)) error
}

const (
	// digestHeader has the hash of what an answer holds, by RFC 9530.
	digestHeader = "Repr-Digest"
	digestPrefix = "sha-256=:"
	// backupType is the media type of a SQLite file.
	backupType = "application/vnd.sqlite3"
	// backupStall is how long a client may take for the next 256 KiB of a backup.
	backupStall, backupChunk = time.Minute, 256 << 10
)

// backup makes a copy of the data, and answers with it. One is made at a time, since
// each takes as much room on the disk as the data does.
func (h *handler) backup(w http.ResponseWriter, r *http.Request) error {
	select {
	case h.backups <- struct{}{}:
		defer func() { <-h.backups }()
	default:
		return &Error{Status: http.StatusServiceUnavailable, Code: "OVERLOADED", Retryable: true, RetryAfter: time.Minute,
			Message: "another backup is being made; try again when it is done"}
	}
	removeLeft(h.TempDir)
	dir, err := os.MkdirTemp(h.TempDir, leftPrefix+"*")
	if err != nil {
		return fmt.Errorf("api: backup: %w", err)
	}
	defer os.RemoveAll(dir)
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Time{}) // to make the copy may take longer than an answer
	ctx, cancel := h.Stream(r.Context())
	defer cancel()
	file := filepath.Join(dir, "backup.db")
	if err := h.Service.Backup(ctx, file, nil); err != nil {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("api: backup: %w", err)
	}
	defer f.Close()
	os.RemoveAll(dir) // where it can be: a process that is killed then leaves nothing behind
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("api: backup: %w", err)
	}
	header := w.Header()
	header.Set("Content-Type", backupType)
	header.Set("Content-Length", strconv.FormatInt(size, 10))
	header.Set("Content-Disposition", `attachment; filename="fazt-`+time.Now().UTC().Format("20060102T150405Z")+`.db"`)
	header.Set("Cache-Control", "no-store, no-transform")
	header.Set(digestHeader, digestPrefix+base64.StdEncoding.EncodeToString(sum.Sum(nil))+":")
	for sent := int64(0); sent < size && ctx.Err() == nil; {
		_ = control.SetWriteDeadline(time.Now().Add(backupStall))
		n, err := io.CopyN(w, f, min(backupChunk, size-sent))
		if sent += n; err != nil {
			break // the client has left, and sees by the length that it is not all
		}
	}
	return nil
}

const (
	// leftPrefix begins the names of the directories that backups are made in.
	leftPrefix = ".fazt-backup-"
	// leftAge is how old one is whose process was killed: no backup takes as long.
	leftAge = 24 * time.Hour
)

// removeLeft removes what backups have left whose processes were killed while they
// made them: each has everybody's data, and takes as much room.
func removeLeft(dir string) {
	entries, _ := os.ReadDir(cmp.Or(dir, os.TempDir()))
	for _, e := range entries {
		if info, err := e.Info(); strings.HasPrefix(e.Name(), leftPrefix) && err == nil && info.IsDir() && time.Since(info.ModTime()) > leftAge {
			_ = os.RemoveAll(filepath.Join(cmp.Or(dir, os.TempDir()), e.Name()))
		}
	}
}

// Backup asks POST /api/backup. An answer that is cut off or changed on its way is an
// error, and leaves no file.
func (c *Client) Backup(ctx context.Context, file string, progress func(done, total int64)) error {
	const path = "/api/backup"
	if _, err := os.Lstat(file); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("api: backup: %w; give the name of a new file", &fs.PathError{Op: "create", Path: file, Err: fs.ErrExist})
	}
	res, err := c.open(ctx, http.MethodPost, path, nil, "")
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		_, err := c.read(res, http.MethodPost, path, new(any))
		return cmp.Or(err, stranger(res))
	}
	digest, ok := strings.CutPrefix(res.Header.Get(digestHeader), digestPrefix)
	if !ok || res.ContentLength <= 0 {
		return stranger(res)
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".fazt-*") // mode 0600
	if err != nil {
		return fmt.Errorf("api: backup: %w; check that the directory is there and may be written to", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, sum), &counting{r: res.Body, total: res.ContentLength, tell: progress})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("api: backup: it broke off after %d of %d bytes, and nothing was kept: %w", n, res.ContentLength, err)
	case strings.TrimSuffix(digest, ":") != base64.StdEncoding.EncodeToString(sum.Sum(nil)):
		return fmt.Errorf("api: backup: what came is not what %s sent, and nothing was kept; try again", c.URL)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("api: backup: %w", err)
	}
	return publish(f.Name(), file)
}

// publish gives a whole file its name, unless somebody has taken that meanwhile. A
// file system without links gets the check and a rename.
func publish(temp, file string) error {
	err := os.Link(temp, file)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		if _, there := os.Lstat(file); errors.Is(there, fs.ErrNotExist) {
			err = os.Rename(temp, file)
		}
	}
	if err != nil {
		return fmt.Errorf("api: backup: %w; give the name of a new file", err)
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return fmt.Errorf("api: backup: %w", err)
	}
	defer dir.Close()
	_ = dir.Sync() // not every file system can
	return nil
}

// counting tells how much of an answer has come.
type counting struct {
	r           io.Reader
	done, total int64
	tell        func(done, total int64)
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.done += int64(n)
	if c.tell != nil && n > 0 {
		c.tell(c.done, c.total)
	}
	return n, err
}
