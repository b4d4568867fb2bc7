package runtime_test

import (
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/runtime"
)

func TestCheckJSON(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, c := range []struct{ text, want string }{
		{`{"a":[1,"]}\"[",{}]}`, ""},
		{`"` + strings.Repeat("[", 1000) + `"`, ""},
		{`"\\` + strings.Repeat("[", 1000) + `"`, ""},
		{"[" + strings.Repeat("[],", 1000) + "1]", ""},
		{nested(runtime.MaxJSONDepth), ""},
		{nested(runtime.MaxJSONDepth + 1), "nested more than 512 deep"},
		{strings.Repeat("[", 1e6), "nested more than 512 deep"},
		{`{"a":`, "unexpected end of JSON input"},
		{``, "unexpected end of JSON input"},
		{`{} {}`, "invalid character '{' after top-level value"},
	} {
		got := ""
		if err := runtime.CheckJSON([]byte(c.text)); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%.40s: got %q, want %q", c.text, got, c.want)
		}
	}
}
