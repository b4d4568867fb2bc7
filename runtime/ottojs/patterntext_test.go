package ottojs_test

import (
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/ottojs"
	"github.com/fazt-sh/fazt/runtime/runtimetest"
)

// What is wrong with a pattern that was made at run time is said in no text of Go's.
func TestPatternThatOttoRefuses(t *testing.T) {
	r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{ottojs.New()}})
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{`a{1001}`, `a{99999999999999999999}`, `(?:a{9}){900}`} {
		p, err := runtimetest.Load(r, map[string]string{"api/main.js": "return new RegExp('" + pattern + "').test('a')"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		_, err = p.Run(t.Context(), &runtime.Request{Method: "GET", Path: "/api"})
		if err == nil || !strings.Contains(err.Error(), "otto can't have it") {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}
