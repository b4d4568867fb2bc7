package storagetest

import (
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/storage"
)

type bare struct{}

func (bare) Open(testing.TB, storage.Quotas) storage.Store { return nil }

type excused struct{ bare }

func (excused) Lacks(capability string) string {
	return map[string]string{"Filer": "its data is in memory"}[capability]
}

// TestLacks wants a reason for each capability that an engine does not have.
func TestLacks(t *testing.T) {
	if reason, err := lacks(excused{}, "Filer"); err != nil || reason != "not applicable: its data is in memory" {
		t.Errorf("with a reason: %q, %v", reason, err)
	}
	for _, e := range []Engine{bare{}, excused{}} {
		if _, err := lacks(e, "Killer"); err == nil || !strings.Contains(err.Error(), "storagetest.Killer") {
			t.Errorf("%T without a reason: %v", e, err)
		}
	}
}
