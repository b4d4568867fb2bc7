package history

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// What [Check] finds.
var (
	// ErrNotLinearizable is a history that cannot have been.
	ErrNotLinearizable = errors.New("history: not linearizable")
	// ErrUndecided is a history that was too much for the time.
	ErrUndecided = errors.New("history: not decided in time")
	// ErrEmpty is a history without operations, which says nothing.
	ErrEmpty = errors.New("history: no operations")
)

// Picture is the name of the file that [Verify] writes.
const Picture = "history.html"

// Check reports whether a history is linearizable, in at most limit: nil,
// [ErrNotLinearizable], [ErrUndecided] or [ErrEmpty]. If it is not, and picture is not
// "", a page goes there that shows the history, each client on its line, with the longest
// parts of it that can be put in order.
func Check(m porcupine.Model, ops []porcupine.Operation, limit time.Duration, picture string) error {
	return check(m, ops, limit, func() string { return picture })
}

// Verify fails the test if a history is not linearizable, and leaves its [Picture] among
// the test's artefacts, which go test -artifacts keeps.
func Verify(tb testing.TB, m porcupine.Model, ops []porcupine.Operation, limit time.Duration) {
	tb.Helper()
	var picture string
	err := check(m, ops, limit, func() string {
		picture = filepath.Join(tb.ArtifactDir(), Picture) // which makes the directory
		return picture
	})
	switch {
	case picture != "":
		tb.Errorf("%v; its picture is %s, which go test -artifacts keeps", err, picture)
	case err != nil:
		tb.Error(err)
	}
}

func check(m porcupine.Model, ops []porcupine.Operation, limit time.Duration, picture func() string) error {
	if len(ops) == 0 {
		return ErrEmpty
	}
	outcome, info := porcupine.CheckOperationsVerbose(m, ops, limit)
	var err error
	switch outcome {
	case porcupine.Ok:
		return nil
	case porcupine.Illegal:
		err = fmt.Errorf("%w: %d operations", ErrNotLinearizable, len(ops))
	default:
		err = fmt.Errorf("%w: %d operations in %v; record fewer, on more keys, or with fewer unknown outcomes", ErrUndecided, len(ops), limit)
	}
	path := picture()
	if path == "" {
		return err
	}
	if drawErr := porcupine.VisualizePath(m, info, path); drawErr != nil {
		return errors.Join(err, fmt.Errorf("history: its picture: %w", drawErr))
	}
	return err
}
