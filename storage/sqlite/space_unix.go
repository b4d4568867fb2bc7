//go:build linux || darwin

package sqlite

import "syscall"

// freeBytes is how much room the file system of a directory has for this user.
func freeBytes(dir string) (free int64, known bool) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(dir, &stat); err != nil {
		return 0, false
	}
	return int64(stat.Bavail) * int64(stat.Bsize), true
}
