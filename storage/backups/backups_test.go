package backups_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/backups"
)

// store makes copies, unless it is told to fail.
type store struct {
	made []time.Time
	full atomic.Bool
}

var errFull = errors.New("the disk is full")

func (s *store) Backup(_ context.Context, path string, _ storage.Progress) error {
	if s.full.Load() {
		return errFull
	}
	s.made = append(s.made, time.Now())
	return os.WriteFile(path, []byte("copy"), 0o600)
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func keep(t *testing.T, opt backups.Options, s *store) *backups.Keeper {
	t.Helper()
	opt, err := opt.WithDefaults()
	if err != nil {
		t.Fatal(err)
	}
	return backups.New(opt, s.Backup, slog.New(slog.DiscardHandler))
}

// TestKeeper makes a copy soon, then one a day, keeps three, and leaves what is not
// its own.
func TestKeeper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "copies")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		others := []string{"fazt-20200101T000000Z.db.gz", "fazt-mine.db", "notes"}
		for _, name := range others {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s := &store{}
		k := keep(t, backups.Options{Dir: dir, Keep: 3}, s)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { k.Run(ctx); close(done) }()
		begun := time.Now()
		time.Sleep(6*24*time.Hour + 12*time.Hour)
		stop()
		<-done
		if n := len(s.made); n != 6 && n != 7 {
			t.Fatalf("%d copies in six days and a half", n)
		}
		if first := s.made[0].Sub(begun); first > 2*time.Minute {
			t.Errorf("the first copy comes after %v", first)
		}
		for i, at := range s.made[1:] {
			if d := at.Sub(s.made[i]).Truncate(time.Second); d < 24*time.Hour-time.Second || d > 24*time.Hour+72*time.Minute+time.Second {
				t.Errorf("copy %d comes %v after the one before", i+1, d)
			}
		}
		want := slices.Clone(others)
		for _, at := range s.made[len(s.made)-3:] {
			want = append(want, "fazt-"+at.UTC().Format("20060102T150405Z")+".db")
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, files(t, dir)); diff != "" {
			t.Errorf("files (-want +got):\n%s", diff)
		}
		if got := k.Status(); !got.Last.Equal(s.made[len(s.made)-1]) || got.Size != 4 || got.Late(time.Now()) {
			t.Errorf("status %+v", got)
		}

		// A restart goes on with the schedule, and a second process doubles nothing.
		last := s.made[len(s.made)-1]
		again, other := &store{}, &store{}
		ctx, stop = context.WithCancel(t.Context())
		ended := make(chan struct{}, 2)
		for _, one := range []*store{again, other} {
			k := keep(t, backups.Options{Dir: dir, Keep: 3}, one)
			go func() { k.Run(ctx); ended <- struct{}{} }()
		}
		time.Sleep(time.Until(last.Add(49*time.Hour + 144*time.Minute)))
		stop()
		<-ended
		<-ended
		if n := len(again.made) + len(other.made); n != 2 {
			t.Errorf("%d copies by two processes in two days", n)
		}
	})
}

// TestKeeperFails: what fails is tried again, removes nothing, and is said.
func TestKeeperFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := &store{}
		k := keep(t, backups.Options{Dir: dir, Keep: 1, Every: time.Hour}, s)
		if err := k.Make(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := files(t, dir)
		s.full.Store(true)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { k.Run(ctx); close(done) }()
		time.Sleep(3 * time.Hour)
		got := k.Status()
		if got.Failures < 5 || got.Err != errFull || !got.Late(time.Now()) || time.Since(got.Last) < 3*time.Hour {
			t.Errorf("status %+v", got)
		}
		if diff := cmp.Diff(before, files(t, dir)); diff != "" {
			t.Errorf("files (-want +got):\n%s", diff)
		}
		s.full.Store(false)
		time.Sleep(time.Hour + 10*time.Minute)
		if got := k.Status(); got.Failures != 0 || got.Err != nil || got.Late(time.Now()) {
			t.Errorf("status after it went well: %+v", got)
		}
		stop()
		<-done
		if n := len(files(t, dir)); n != 1 {
			t.Errorf("%d copies are kept, not 1", n)
		}
	})
}

// TestClockThatWasWrong: a copy of a time to come puts nothing off.
func TestClockThatWasWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		future := "fazt-" + time.Now().AddDate(10, 0, 0).UTC().Format("20060102T150405Z") + ".db"
		if err := os.WriteFile(filepath.Join(dir, future), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		s := &store{}
		k := keep(t, backups.Options{Dir: dir, Keep: 2, Every: time.Hour}, s)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { k.Run(ctx); close(done) }()
		time.Sleep(5 * time.Hour)
		stop()
		<-done
		if len(s.made) < 4 || len(s.made) > 6 {
			t.Errorf("%d copies in five hours", len(s.made))
		}
	})
}

func TestOptions(t *testing.T) {
	for _, opt := range []backups.Options{{Keep: 1}, {Every: time.Hour}, {Dir: "a", Every: time.Second}, {Dir: "a", Keep: -1}} {
		if _, err := opt.WithDefaults(); err == nil {
			t.Errorf("%+v is taken", opt)
		}
	}
	for _, opt := range []backups.Options{{}, {Dir: "a"}} {
		got, err := opt.WithDefaults()
		want := opt
		if opt.Dir != "" {
			want.Every, want.Keep = backups.DefaultEvery, backups.DefaultKeep
		}
		if err != nil || got != want {
			t.Errorf("%+v: %v, %v", opt, got, err)
		}
	}
}
