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
		{`{"a":`, "line 1, column 6: it ends too early; a closing brace, bracket or quote is missing"},
		{``, "line 1, column 1: it ends where a value is still to come"},
		{`{} {}`, "line 1, column 4: there is more behind its end; take it out"},
		{"{\n\"a\": 1,\n}", "line 3, column 1: there is a comma before the closing }; take it out"},
		{`[1, 2,]`, "line 1, column 7: there is a comma before the closing ]; take it out"},
		{`{'a': 1}`, "line 1, column 2: keys and texts stand in double quotes"},
		{`{a: 1}`, "line 1, column 2: keys and texts stand in double quotes; without them there are numbers, true, false and null only"},
		{`{"a" 1}`, `line 1, column 6: '1' can't stand here`},
		{`{"a": 1 "b": 2}`, "line 1, column 9: a comma or a colon is missing before this"},
		{"{} // done", "line 1, column 4: JSON has no comments; take it out"},
		{"[\"a\nb\"]", `line 1, column 4: a line break or another control character stands in a text; write \n`},
		{`[,]`, "line 1, column 2: there is a comma where a key or a value should be"},
		{`[é]`, `line 1, column 2: 'é' can't stand here`},
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

func TestUnmarshalSaysWhatIsWanted(t *testing.T) {
	type point struct {
		X    float64
		Name string
		List []int
	}
	for _, c := range []struct {
		arg  string
		into any
		want string
	}{
		{`{"X": "1"}`, new(point), "argument 1: X must be a number, not string"},
		{`{"Name": 1}`, new(point), "argument 1: Name must be a string, not number"},
		{`{"List": {}}`, new(point), "argument 1: List must be an array, not object"},
		{`[]`, new(point), "argument 1 must be an object, not array"},
		{`1.5`, new(int), "argument 1 must be a whole number that is not too large, not number 1.5"},
		{`"x"`, new(bool), "argument 1 must be a boolean, not string"},
	} {
		err := runtime.Args{runtime.JSON([]byte(c.arg))}.Unmarshal(0, c.into)
		if e, ok := err.(*runtime.HostError); !ok || e.Message != c.want || e.Code != runtime.CodeInvalid {
			t.Errorf("%s: got %v, want %s", c.arg, err, c.want)
		}
	}
}
