package faults

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Disk is a small file system of its own, which can be filled and emptied.
type Disk struct {
	// Dir is where it is mounted.
	Dir string
}

// fillerName is the file that takes the room.
const fillerName = ".faults-filler"

// NewDisk mounts a file system of a size, in bytes, on an empty directory: a tmpfs, which
// takes memory. Only root may mount; without that, or where there is no mount at all
// (as in many containers), it is an error that says so, and [Process.LimitFiles] is the
// way. Close unmounts it.
func NewDisk(dir string, size int64) (*Disk, error) {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=700", size)); err != nil {
		return nil, fmt.Errorf("faults: mount a tmpfs on %s: %w; run the test as root where mounts are allowed, or limit the process's files", dir, err)
	}
	return &Disk{Dir: dir}, nil
}

// Fill takes all the room that is left: every write that needs more fails with ENOSPC.
func (d *Disk) Fill() error {
	f, err := os.OpenFile(filepath.Join(d.Dir, fillerName), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("faults: %w", err)
	}
	for size := 1 << 20; size > 0; { // down to the last byte
		if _, err = f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("faults: fill %s: %w", d.Dir, errors.Join(err, f.Close()))
	}
	return f.Close()
}

// Free gives the room back that Fill took.
func (d *Disk) Free() error {
	if err := os.Remove(filepath.Join(d.Dir, fillerName)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("faults: %w", err)
	}
	return nil
}

// Close unmounts the file system; what was on it is lost. Whoever has files open on it
// must have closed them.
func (d *Disk) Close() error {
	if err := syscall.Unmount(d.Dir, 0); err != nil {
		return fmt.Errorf("faults: unmount %s: %w", d.Dir, err)
	}
	return nil
}
