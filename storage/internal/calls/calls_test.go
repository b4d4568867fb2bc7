package calls_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/calls"
	"github.com/google/go-cmp/cmp"
)

func TestChecks(t *testing.T) {
	long := strings.Repeat("x", storage.MaxQueuedValue+1)
	q := storage.Quotas{}
	deployment := storage.NewDeployment{Name: "app"}
	broken := deployment
	broken.Manifest = json.RawMessage("{")
	for name, c := range map[string]struct {
		err  error
		want storage.Code
	}{
		"a set":                   {calls.CheckSet("op", "k", json.RawMessage("1"), 0), ""},
		"a negative time to live": {calls.CheckSet("op", "k", json.RawMessage("1"), -1), storage.CodeInvalid},
		"a key without a text":    {calls.CheckEntry("op", "", json.RawMessage("1")), storage.CodeInvalid},
		"a value that is no JSON": {calls.CheckEntry("op", "k", json.RawMessage("{")), storage.CodeInvalid},
		"another version":         {calls.CheckVersion("op", storage.Entry{Version: 2}, 1), storage.CodeConflict},
		"the version":             {calls.CheckVersion("op", storage.Entry{Version: 2}, 2), ""},
		"a long key":              {calls.CheckEntryQuotas("op", q, long, nil), storage.CodeQuotaExceeded},
		"no query":                {calls.RequireQuery("op", json.RawMessage(" null ")), storage.CodeInvalid},
		"an empty query":          {calls.RequireQuery("op", json.RawMessage("{}")), ""},
		"fewer than none":         {calls.CheckKeepNewest("op", "c", -1), storage.CodeInvalid},
		"a negative offset":       {second(calls.ParseFind("op", "c", nil, storage.FindOptions{Offset: -1})), storage.CodeInvalid},
		"an unknown operator":     {second(calls.ParseQuery("op", "c", json.RawMessage(`{"a":{"$x":1}}`))), storage.CodeInvalid},
		"a row too many":          {calls.CheckResult("op", 0, storage.MaxRows+1, 0), storage.CodeResultTooLarge},
		"so many bytes":           {calls.CheckResult("op", 1, 1, storage.MaxResult+1), storage.CodeResultTooLarge},
		"a page of the audit log": {calls.CheckAudit("op", storage.AuditQuery{Offset: -1}), storage.CodeInvalid},
		"a deployment":            {calls.CheckDeployment("op", deployment, 1), ""},
		"no version kept":         {calls.CheckDeployment("op", deployment, 0), storage.CodeInvalid},
		"a broken manifest":       {calls.CheckDeployment("op", broken, 1), storage.CodeInvalid},
		"no app":                  {calls.CheckTarget("op", "app", 0, false, false), storage.CodeNotFound},
		"a version that is gone":  {calls.CheckTarget("op", "app", 3, true, false), storage.CodeNotFound},
		"the current version":     {calls.CheckTarget("op", "app", 0, true, false), ""},
		"one label twice":         {second(calls.Swap("op", "a", "a")), storage.CodeInvalid},
	} {
		if got := storage.CodeOf(c.err); got != c.want {
			t.Errorf("%s: %q, want %q: %v", name, got, c.want, c.err)
		}
		if e, ok := errors.AsType[*storage.Error](c.err); ok && e.Op != "op" {
			t.Errorf("%s: the error is for %q", name, e.Op)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestRowLimit(t *testing.T) {
	for limit, want := range map[int]int{0: storage.MaxRows + 1, 5: 5, storage.MaxRows: storage.MaxRows} {
		if got, err := calls.RowLimit("op", limit); got != want || err != nil {
			t.Errorf("%d: %d, %v", limit, got, err)
		}
	}
	for _, limit := range []int{-1, storage.MaxRows + 1} {
		if _, err := calls.RowLimit("op", limit); storage.CodeOf(err) != storage.CodeInvalid {
			t.Errorf("%d: %v", limit, err)
		}
	}
}

func TestExpiryRoundsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().UnixMilli()
		for ttl, want := range map[time.Duration]int64{0: 0, 1: now + 1, time.Millisecond: now + 1, time.Second + 1: now + 1001} {
			if got := calls.Expiry(ttl); got != want {
				t.Errorf("%v: %d, want %d", ttl, got, want)
			}
		}
	})
	if got := calls.ExpiresAt(storage.Entry{ExpiresAt: time.UnixMilli(7)}); got != 7 {
		t.Error(got)
	}
	if got := calls.ExpiresAt(storage.Entry{}); got != 0 {
		t.Error(got)
	}
}

func TestIncremented(t *testing.T) {
	for _, c := range []struct {
		old   string // "" is none
		want  string
		wants storage.Code
	}{{"", "2", ""}, {"1.5", "3.5", ""}, {`"1"`, "", storage.CodeInvalid}, {"[]", "", storage.CodeInvalid}, {"null", "", storage.CodeInvalid}} {
		_, text, err := calls.Incremented("op", storage.Entry{Value: json.RawMessage(c.old)}, c.old != "", 2)
		if string(text) != c.want || storage.CodeOf(err) != c.wants {
			t.Errorf("%s: %s, %v", c.old, text, err)
		}
	}
}

func TestDocumentIDsFollowEachOtherInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		last := ""
		for range 100 {
			id := calls.NewDocumentID()
			if len(id) != 26 || id <= last {
				t.Fatalf("%q after %q", id, last)
			}
			last = id
			time.Sleep(time.Millisecond) // of the bubble's clock
		}
	})
}

func TestUnfinished(t *testing.T) {
	cause := &storage.Error{Code: storage.CodeOverloaded, Op: "op"}
	if err := calls.Unfinished("op", cause, 0); err != error(cause) {
		t.Error(err)
	}
	for _, err := range []error{cause, context.DeadlineExceeded} {
		e, ok := errors.AsType[*storage.Error](calls.Unfinished("op", err, 3))
		if !ok || e.Count != 3 || e.Hint == "" || e.Op != "op" {
			t.Errorf("%v: %+v", err, e)
		}
	}
	if !errors.Is(calls.Unfinished("op", context.DeadlineExceeded, 3), context.DeadlineExceeded) {
		t.Error("the cause is lost")
	}
}

func TestQueued(t *testing.T) {
	q := storage.Quotas{Key: 512, Value: 1 << 20, Document: 1 << 20}
	scope := storage.Scope{App: "a"}
	long := json.RawMessage(`"` + strings.Repeat("x", storage.MaxQueuedValue) + `"`)
	if ok, err := calls.CheckQueuedSet("op", q, scope, "k", json.RawMessage("1"), 0); !ok || err != nil {
		t.Error(ok, err)
	}
	if ok, err := calls.CheckQueuedSet("op", q, scope, "k", long, 0); ok || err != nil {
		t.Error(ok, err)
	}
	for doc, want := range map[string]bool{`{"a":1}`: true, `{"id":"mine"}`: false, `{"a":` + string(long) + `}`: false} {
		_, _, ok, err := calls.NewQueuedDocument("op", q, scope, "c", json.RawMessage(doc), 1)
		if ok != want || err != nil {
			t.Errorf("%.20s: %v, %v", doc, ok, err)
		}
	}
	if _, _, ok, err := calls.NewQueuedDocument("op", q, scope, "c", json.RawMessage("["), 1); ok || err == nil {
		t.Error(ok, err)
	}
}

func TestDeadlineOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("the time of the app is over")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, why)
		c := calls.DeadlineOnly{Context: ctx}
		if c.Done() != nil || c.Err() != nil || c.Reason(why) != why {
			t.Error("it has ended")
		}
		time.Sleep(time.Second)
		synctest.Wait() // for the context, whose timer is for the same moment
		if c.Err() != context.DeadlineExceeded || c.Reason(c.Err()) != why {
			t.Error(c.Err(), c.Reason(c.Err()))
		}
		cancel()
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		cancel()
		if err := (calls.DeadlineOnly{Context: ctx}).Err(); err != nil {
			t.Error("it ends when the caller is told to stop:", err)
		}
	})
}

func TestDeployment(t *testing.T) {
	got := calls.Deployment(storage.NewDeployment{Name: "app", Files: []storage.File{{Size: 2}, {Size: 3}}}, "id", 4, time.UnixMilli(5))
	if got.Size != 5 || got.Files != 2 || string(got.Manifest) != "{}" || got.Version != 4 || got.AppID != "id" {
		t.Errorf("%+v", got)
	}
	source := api.Source{By: "before"}
	calls.Restored(&source, "ann", 2)
	calls.Restored(&source, "bob", 3)
	if source.By != "bob" || source.Restored != 2 {
		t.Errorf("%+v", source)
	}
}

func TestAppChange(t *testing.T) {
	title, tags := "A title", []string{"b", "a", "b"}
	details, text, err := calls.AppChange("id", storage.AppChange{Title: &title, Tags: &tags})
	if err != nil || *text != `["a","b"]` {
		t.Error(text, err)
	}
	want := map[string]any{"app_id": "id", "title": title, "tags": []string{"a", "b"}}
	if diff := cmp.Diff(want, details); diff != "" {
		t.Error(diff)
	}
	none := []string{}
	if _, text, _ := calls.AppChange("id", storage.AppChange{Tags: &none}); *text != "[]" {
		t.Error(*text)
	}
	if _, text, _ := calls.AppChange("id", storage.AppChange{}); text != nil {
		t.Error(*text)
	}
}

func TestCutStatement(t *testing.T) {
	size := func(s string) int { // of a line that is a comment, or of a byte
		if strings.HasPrefix(s, "--") {
			return strings.IndexByte(s+"\n", '\n')
		}
		return 1
	}
	for text, want := range map[string][2]string{
		"":                             {"", ""},
		" ; -- nothing;":               {"", ""},
		"SELECT 1":                     {"SELECT 1", ""},
		"-- first;\n;SELECT 1 ; x; y ": {"SELECT 1 ", " x; y "},
		"a -- b;\n; c":                 {"a -- b;\n", " c"},
	} {
		statement, rest := calls.CutStatement(text, size)
		if statement != want[0] || rest != want[1] {
			t.Errorf("%q: %q, %q", text, statement, rest)
		}
	}
}
