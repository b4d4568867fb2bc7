package storagetest

import (
	"fmt"
	"io"
	"reflect"
	"testing"

	"github.com/fazt-sh/fazt/storage"
)

// Engine is the thing under test: one set of data, empty at first. What more can
// be done with it, it says by the methods that it has: see [Reopener], [Killer],
// [Restorer], [Filer] and [Checker]. For one that it does not have it gives the
// reason, see [Lacker].
type Engine interface {
	// Open opens the data with the given quotas. The suite calls it once, and
	// closes the store.
	Open(testing.TB, storage.Quotas) storage.Store
}

// Reopener is an [Engine] whose data can be opened again, beside the stores that
// have it open and after they have been closed.
type Reopener interface {
	// Reopen opens the data as another process would. It may be called by many
	// goroutines at once.
	Reopen(testing.TB) storage.Store
}

// Killer is an [Engine] whose data can be written by another process, which is
// killed.
type Killer interface {
	Reopener
	// StartWriter starts a process that opens the data and calls
	// [WriteUntilKilled] with its standard output.
	StartWriter(tb testing.TB, app string, round int) Process
}

// Process is a running process.
type Process struct {
	Output io.Reader    // its standard output
	Kill   func() error // ends it at once, as kill -9 does
	Wait   func()       // until it has ended; called when Output has
}

// Restorer is an [Engine] that can open what [storage.Maintenance] backs up.
type Restorer interface {
	// Restore opens a store of its own on the data of a backup.
	Restore(tb testing.TB, backup string) storage.Store
}

// Filer is an [Engine] that keeps its data in a file.
type Filer interface {
	// File is the path of the file.
	File() string
}

// Checker is an [Engine] that can look for faults in its data that a store does
// not show. The suite calls it after each test.
type Checker interface {
	// Check reports what is wrong with the data. No store has it open.
	Check(testing.TB)
}

// Lacker is an [Engine] without some of the capabilities.
type Lacker interface {
	// Lacks is why the engine does not have the methods of an interface, such as
	// "Filer": a sentence for whoever reads the results. "" means that there is no
	// reason, and fails the tests that need them.
	Lacks(capability string) string
}

// with is a test that needs a capability.
func with[C any](test func(*testing.T, C, storage.Store)) func(*testing.T, Engine, storage.Store) {
	return func(t *testing.T, e Engine, s storage.Store) {
		c, ok := e.(C)
		if !ok {
			reason, err := lacks(e, reflect.TypeFor[C]().Name())
			if err != nil {
				t.Fatal(err)
			}
			t.Skip(reason)
		}
		test(t, c, s)
	}
}

// lacks is why an engine does not have a capability. To have none and to give no
// reason is an error.
func lacks(e Engine, capability string) (reason string, err error) {
	if l, ok := e.(Lacker); ok {
		reason = l.Lacks(capability)
	}
	if reason == "" {
		return "", fmt.Errorf("%T is no storagetest.%s; give it the methods, or have its Lacks say why not", e, capability)
	}
	return "not applicable: " + reason, nil
}
