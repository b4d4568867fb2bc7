package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// A save is several events, and an editor's or a build's save several files: a
// change counts when nothing more has happened for settle, or when things have
// kept happening for settleAtMost.
const (
	settle       = 60 * time.Millisecond
	settleAtMost = time.Second
)

// watcher reports changes of a directory. What an event says is not trusted,
// only that there was one: the directory is read again, and compared.
type watcher struct {
	dir string
	fs  *fsnotify.Watcher
}

func newWatcher(dir string) (*watcher, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("cannot watch %s: %w", dir, err)
	}
	return &watcher{dir: dir, fs: w}, nil
}

func (w *watcher) close() error { return w.fs.Close() }

// read lists the directory, watched in such a way that no later change can be
// missed.
func (w *watcher) read() (*source, error) {
	// The directory above is watched for the day that a build tool removes the
	// directory and makes it anew.
	if err := w.add(filepath.Dir(w.dir)); err != nil {
		return nil, err
	}
	watched := make(map[string]bool)
	for {
		s, err := readSource(w.dir, true)
		if err != nil {
			return nil, err
		}
		// A directory seen for the first time may have changed between being
		// listed and being watched, so it is listed once more.
		again := false
		for dir := range s.dirs {
			if watched[dir] {
				continue
			}
			again = true
			err := w.add(s.path(dir))
			if err != nil && (dir == "." || !errors.Is(err, fs.ErrNotExist)) {
				return nil, err
			}
			watched[dir] = err == nil
		}
		if !again {
			return s, nil
		}
		s.close()
	}
}

func (w *watcher) add(dir string) error {
	if err := w.fs.Add(dir); err != nil {
		return fmt.Errorf("cannot watch %s: %w; if there are too many directories, name some in .gitignore", dir, err)
	}
	return nil
}

// wait returns when something may have changed and it is quiet again. Its error
// is the context's, or the reason why nothing can be watched any more.
func (w *watcher) wait(ctx context.Context) error {
	var quiet, latest <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case _, ok := <-w.fs.Errors:
			if !ok {
				return fsnotify.ErrClosed
			}
			// Events were lost at worst; reading the directory makes up for it.
		case event, ok := <-w.fs.Events:
			if !ok {
				return fsnotify.ErrClosed
			}
			if w.meaningless(event) {
				continue
			}
		case <-quiet:
			return nil
		case <-latest:
			return nil
		}
		quiet = time.After(settle)
		if latest == nil {
			latest = time.After(settleAtMost)
		}
	}
}

// meaningless reports whether an event cannot have changed what is deployed.
func (w *watcher) meaningless(event fsnotify.Event) bool {
	name := filepath.Base(event.Name)
	if event.Name == w.dir {
		return false
	}
	if filepath.Dir(event.Name) == filepath.Dir(w.dir) {
		return true // a neighbour
	}
	return event.Op == fsnotify.Chmod || leftOut(name) && name != ".gitignore"
}
