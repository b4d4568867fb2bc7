package pgtest

import (
	"os"
	"os/exec"
	"syscall"
)

// apart has a program run as user, in a session of its own, so that a terminal's
// Ctrl-C leaves it to whoever started it.
func apart(cmd *exec.Cmd, user *owner) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if user != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: user.uid, Gid: user.gid}
	}
}

// give makes a folder the user's.
func give(dir string, user *owner) error {
	if user == nil {
		return nil
	}
	return os.Chown(dir, int(user.uid), int(user.gid))
}
