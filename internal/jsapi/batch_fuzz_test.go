package jsapi_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/fazt-sh/fazt/internal/jsapi"
)

func FuzzBatch(f *testing.F) {
	for _, seed := range []string{
		`[]`, `null`, `[null]`, `[{"kv":"set","key":"a","value":1,"ttl":1}]`, `[{"kv":"setIf","key":"a","value":1,"version":1e300}]`,
		`[{"ds":"update","collection":"c","query":"id","changes":{"$inc":{"a":1}}}]`, `[{"ds":"delete","collection":"c","query":null}]`,
		`[{"ds":"insert","collection":"c","doc":"x"}]`, `[{"kv":{}}]`, `[{"kv":"incr","key":"a","by":"1"}]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		err := jsapi.CheckBatch(t.Context(), text)
		if err == nil && !json.Valid(text) {
			t.Errorf("%q was taken", text)
		}
	})
}

// TestBatchCanEnd has the time of a call be up while its batch is read.
func TestBatchCanEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := jsapi.CheckBatch(ctx, []byte(`[{"kv":"delete","key":"a"}]`)); err != context.Canceled {
		t.Errorf("a batch is read to its end: %v", err)
	}
}
