package ottojs_test

import (
	"testing"

	"github.com/fazt-sh/fazt/runtime/ottojs"
)

// TestSlim: the functions of the library have no caller, and a prototype only where
// something is in it. It fails, too, where otto's objects are no longer those that slim
// knows.
func TestSlim(t *testing.T) {
	vm, _, err := ottojs.Interpreter()
	if err != nil {
		t.Fatal(err)
	}
	for src, want := range map[string]string{
		"[].map":                        "length,name",
		"''.padStart":                   "length,name",
		"Object.entries":                "length,name",
		"console.log":                   "length,name",
		"TextDecoder":                   "length,name,prototype",
		"function mine() {}":            "caller,length,name,prototype",
		"new TextDecoder().decode":      "length,name",
		"TextDecoder.prototype.valueOf": "length,name",
	} {
		got, err := vm.Run("Object.getOwnPropertyNames(" + src + ").sort().join(',')")
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != want {
			t.Errorf("%s has the properties %s, want %s", src, got, want)
		}
	}
}
