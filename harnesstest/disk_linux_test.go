package harnesstest_test

import (
	"errors"
	"os"
	"slices"
	"syscall"
	"testing"

	"github.com/fazt-sh/fazt/harnesstest"
	disks "github.com/fazt-sh/fazt/harnesstest/faults"
)

// onDisk is a process whose disk is full when a file system is.
type onDisk struct {
	*fronted
	disk *disks.Disk
}

func (p onDisk) FillDisk() error { return p.disk.Fill() }
func (p onDisk) FreeDisk() error { return p.disk.Free() }

// TestFullFileSystem asks check disk/full of a server whose file system has no room
// (ENOSPC), where the suite's own has files that may not grow (EFBIG), which needs no
// privilege.
func TestFullFileSystem(t *testing.T) {
	healthy := harnesstest.Start(t)
	t.Run("tmpfs", func(t *testing.T) {
		dir, err := os.MkdirTemp("", "")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := os.Remove(dir); err != nil {
				t.Error(err)
			}
		})
		disk, err := disks.NewDisk(dir, 192<<20) // of which fazt keeps 64 MiB for small writes
		if errors.Is(err, syscall.EPERM) {
			t.Skipf("SKIPPED: file systems may not be mounted here: %v", err)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := disk.Close(); err != nil {
				t.Error(err)
			}
		})
		t.Setenv("TMPDIR", dir) // where the server's data are
		checks := harnesstest.ResilienceSuite().Checks
		i := slices.IndexFunc(checks, func(c harnesstest.Check) bool { return c.Name == "disk/full" })
		res := checks[i].Try(t, spawner{healthy, func(tb testing.TB) harnesstest.Process {
			return onDisk{front(healthy.Spawn(tb)), disk}
		}})
		if res.Outcome != harnesstest.Passed {
			t.Errorf("%s: %s", res.Outcome, res.Text)
		}
	})
}
