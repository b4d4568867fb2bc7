package jsapi_test

import (
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
		err := jsapi.CheckBatch(text)
		if err == nil && !json.Valid(text) {
			t.Errorf("%q was taken", text)
		}
	})
}
