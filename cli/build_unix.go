//go:build unix

package cli

import (
	"os/exec"
	"syscall"
)

// ownGroup has a command and all that it starts end together when its context does.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
}
