//go:build !linux

package sqlite

// residentBytes is not known here.
func residentBytes() (int64, bool) { return 0, false }
