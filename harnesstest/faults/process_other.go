//go:build !linux

package faults

import (
	"errors"
	"fmt"
	"syscall"
)

func childAttributes() *syscall.SysProcAttr { return nil }

// Unlimited lifts the limit of [Process.LimitFiles].
const Unlimited = -1

// LimitFiles needs prlimit(2), which only Linux has: [errors.ErrUnsupported].
func (p *Process) LimitFiles(int64) error {
	return fmt.Errorf("faults: limit the files of another process: %w on this system, which has no prlimit(2); run it on Linux", errors.ErrUnsupported)
}

// SurviveFileLimit does nothing here: see [Process.LimitFiles].
func SurviveFileLimit() {}
