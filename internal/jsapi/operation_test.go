package jsapi_test

import (
	"context"
	"errors"
	"testing"

	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/internal/jsapi"
	"github.com/fazt-sh/fazt/storage"
)

// TestLate has the budget say why an operation was cut off, and the store what would help.
func TestLate(t *testing.T) {
	spent := &budget.Error{Reason: budget.ErrSpent, Detail: "half of what remains"}
	op, cancel := context.WithTimeoutCause(t.Context(), 0, spent)
	defer cancel()
	helped := &storage.Error{Op: "ds.find", Err: context.DeadlineExceeded, Hint: "index the fields"}
	conflict := &storage.Error{Code: storage.CodeConflict}
	for _, test := range []struct {
		err  error
		is   error
		want string
	}{
		{context.DeadlineExceeded, budget.ErrSpent, "budget: spent: half of what remains"},
		{helped, budget.ErrSpent, "budget: spent: half of what remains; index the fields"},
		{conflict, conflict, conflict.Error()},
	} {
		if got := jsapi.Late(op, test.err); !errors.Is(got, test.is) || got.Error() != test.want {
			t.Errorf("%v: %v, want %s", test.err, got, test.want)
		}
	}
}
