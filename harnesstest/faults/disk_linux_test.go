package faults_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/fazt-sh/fazt/harnesstest/faults"
)

func TestDisk(t *testing.T) {
	dir := t.TempDir()
	d, err := faults.NewDisk(dir, 1<<20)
	if errors.Is(err, syscall.EPERM) {
		t.Skipf("SKIPPED: file systems may not be mounted here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	write := func() error { return os.WriteFile(filepath.Join(dir, "data"), make([]byte, 10000), 0o600) }
	if err := write(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(filepath.Join(dir, "data")), d.Fill(), d.Fill()); err != nil {
		t.Fatal(err)
	}
	if err := write(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("on a full disk: %v", err)
	}
	if err := errors.Join(d.Free(), d.Free(), write()); err != nil {
		t.Errorf("on one with room again: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := d.Close(); err == nil {
		t.Error("closed twice")
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
		t.Errorf("what was below the mount: %v, %v", names, err)
	}
}

func TestDiskWithoutADirectory(t *testing.T) {
	if _, err := faults.NewDisk(filepath.Join(t.TempDir(), "none"), 1<<20); err == nil {
		t.Error("it was mounted nowhere")
	}
}
