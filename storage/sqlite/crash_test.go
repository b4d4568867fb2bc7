package sqlite_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/fazt-sh/fazt/storage/sqlite"
	"github.com/fazt-sh/fazt/storage/storagetest"
)

// crashChild writes until it is killed.
func crashChild(args []string) error { return writeUntilKilled(args, func(*sqlite.Store) {}) }

// earlyChild is crashChild with the acknowledgement moved before the commit.
func earlyChild(args []string) error { return writeUntilKilled(args, sqlite.AcknowledgeEarly) }

func writeUntilKilled(args []string, prepare func(*sqlite.Store)) error {
	path, app, round := args[0], args[1], args[2]
	s, err := sqlite.Open(context.Background(), path, sqlite.Options{})
	if err != nil {
		return err
	}
	prepare(s)
	storagetest.WriteUntilKilled(s, app, round, os.Stdout)
	return nil
}

// TestKilledTooEarly shows that the conformance suite would notice an acknowledgement that
// is given before the commit. Whether a kill hits that moment is up to chance,
// about every other time, so it has many chances.
func TestKilledTooEarly(t *testing.T) {
	const chances = 50
	early := dataFile{path: filepath.Join(t.TempDir(), "data.db"), writer: "early"}
	s := open(t, early.path)
	app := storagetest.PublishWritten(t, s)
	for round := range chances {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		late := storagetest.Crash(t, early, app, round)
		s = open(t, early.path)
		// Only what this round has acknowledged: it must be this crash that
		// loses it.
		if wrong := storagetest.Damage(t, s, app, late, nil); len(wrong) > 0 {
			t.Logf("found in round %d: %s", round, wrong[0])
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Errorf("an acknowledgement before the commit went unnoticed %d times", chances)
}
