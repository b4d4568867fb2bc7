package runtime_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/runtime"
)

func TestExcerpt(t *testing.T) {
	long := strings.Repeat("a", 100)
	for _, test := range []struct {
		line, column int
		source, want string
	}{
		{3, 8, "return foo.bar", "3 | return foo.bar\n  |        ^"},
		{12, 1, "x", "12 | x\n   | ^"},
		{1, 3, "\t\tx", "1 | \t\tx\n  | \t\t^"},
		{1, 8, "'äö' + x", "1 | 'äö' + x\n  |      ^"}, // columns are bytes
		{1, 2, "x", "1 | x\n  |  ^"},                   // right behind it
		{1, 101, long + "b", "1 | " + long[:50] + "b\n  | " + strings.Repeat(" ", 50) + "^"},
		{1, 1, long, "1 | " + long[:80] + "\n  | ^"},
		{1, 500, "cut", "1 | cut"}, // no caret is better than a wrong one
		{1, 0, "x", "1 | x\n  | ^"},
		{0, 1, "x", ""},
		{1, 1, "", ""},
	} {
		e := runtime.Error{Line: test.line, Column: test.column, SourceLine: test.source}
		if diff := cmp.Diff(test.want, e.Excerpt()); diff != "" {
			t.Errorf("%d:%d %q (-want +got):\n%s", test.line, test.column, test.source, diff)
		}
	}
}
