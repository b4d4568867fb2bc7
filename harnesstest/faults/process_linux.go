package faults

import (
	"fmt"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// childAttributes have the system kill the child when this program ends.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// Unlimited lifts the limit of [Process.LimitFiles].
const Unlimited = -1

// LimitFiles makes the process's disk look full: from now on no file of its grows past n
// bytes, and a write beyond fails with EFBIG (RLIMIT_FSIZE, set from outside by
// prlimit(2)). [Unlimited] lifts it. It needs no privilege, and can be set and lifted
// while the process runs, which is why it is the first choice for a full disk; [NewDisk]
// has ENOSPC, the very error of a full disk, where file systems may be mounted.
//
// The program must call [SurviveFileLimit] first, or the system ends it at the first such
// write.
func (p *Process) LimitFiles(n int64) error {
	if !p.Running() {
		return fmt.Errorf("faults: process %d does not run; start it, and limit its files then", p.PID())
	}
	pid := p.PID()
	var limit unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_FSIZE, nil, &limit); err != nil {
		return fmt.Errorf("faults: limits of process %d: %w", pid, err)
	}
	limit.Cur = limit.Max // only root may raise what is called Max
	if n >= 0 && uint64(n) < limit.Max {
		limit.Cur = uint64(n)
	}
	if err := unix.Prlimit(pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		return fmt.Errorf("faults: limit the files of process %d: %w", pid, err)
	}
	return nil
}

// SurviveFileLimit is for the program that [Process.LimitFiles] is used on: a write past
// the limit is an error to it then, and not its end by SIGXFSZ.
func SurviveFileLimit() { signal.Ignore(syscall.SIGXFSZ) }
