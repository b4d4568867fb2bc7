package bundle_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/fazt-sh/fazt/runtime"
)

// A global that handlers have by now is no reason to refuse a package.
func TestMissingGlobalsAreMissing(t *testing.T) {
	code := "function handler() { return [].concat("
	for _, name := range runtime.MissingGlobals() {
		code += "typeof " + name + " === 'undefined' ? [] : '" + name + "',\n"
	}
	res, err := answer(t, files{"api/main.js": code + "[]) }"}.fs())
	if err != nil {
		t.Fatal(err)
	}
	var there []string
	if err := json.Unmarshal(res.Response.Body, &there); err != nil || len(there) > 0 {
		t.Errorf("%s is there; take it off the list", res.Response.Body)
	}
	if !slices.Contains(runtime.MissingGlobals(), "fetch") {
		t.Error("fetch is not on the list")
	}
}
