//go:build !linux

package faults

import (
	"errors"
	"fmt"
)

// Disk is a small file system of its own; on Linux alone.
type Disk struct {
	// Dir is where it is mounted.
	Dir string
}

// NewDisk is [errors.ErrUnsupported] here.
func NewDisk(string, int64) (*Disk, error) {
	return nil, fmt.Errorf("faults: a file system of a test's own: %w on this system; run it on Linux", errors.ErrUnsupported)
}

// Fill is of no [Disk] here.
func (*Disk) Fill() error { return errors.ErrUnsupported }

// Free is of no [Disk] here.
func (*Disk) Free() error { return errors.ErrUnsupported }

// Close is of no [Disk] here.
func (*Disk) Close() error { return errors.ErrUnsupported }
