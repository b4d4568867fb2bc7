package fazt_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
)

// declared returns the constants or variables of a package whose names begin
// with a prefix, with what they are set to.
func declared(t *testing.T, dir string, kind token.Token, prefix string) map[string]ast.Expr {
	t.Helper()
	found := map[string]ast.Expr{}
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if d, ok := d.(*ast.GenDecl); ok && d.Tok == kind {
				for _, spec := range d.Specs {
					spec := spec.(*ast.ValueSpec)
					for i, name := range spec.Names {
						if strings.HasPrefix(name.Name, prefix) && i < len(spec.Values) {
							found[name.Name] = spec.Values[i]
						}
					}
				}
			}
		}
	}
	if len(found) == 0 {
		t.Fatalf("package %s has no %s...", dir, prefix)
	}
	return found
}

// TestEveryCodeHasAStatus reads the codes from the packages' sources, so that a
// new one without a row fails.
func TestEveryCodeHasAStatus(t *testing.T) {
	for _, pkg := range []string{"auth", "runtime", "storage"} {
		for name, value := range declared(t, pkg, token.CONST, "Code") {
			literal, ok := value.(*ast.BasicLit)
			if !ok {
				t.Errorf("%s.%s is not a literal", pkg, name)
				continue
			}
			code, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			if !fazt.HasStatus(code) {
				t.Errorf("%s.%s (%s) has no row in the table of statuses", pkg, name, code)
			}
		}
	}
}

func TestEveryBudgetReasonHasACode(t *testing.T) {
	reasons := map[string]error{
		"ErrSpent": budget.ErrSpent, "ErrDoomed": budget.ErrDoomed,
		"ErrOperations": budget.ErrOperations, "ErrRead": budget.ErrRead, "ErrWrite": budget.ErrWrite, "ErrOverloaded": budget.ErrOverloaded,
	}
	names := slices.Sorted(maps.Keys(declared(t, "budget", token.VAR, "Err")))
	if d := cmp.Diff(names, slices.Sorted(maps.Keys(reasons))); d != "" {
		t.Errorf("budget's reasons and those of this test: -want +got\n%s", d)
	}
	for name, reason := range reasons {
		if _, code, _, _ := fazt.Classify(&budget.Error{Reason: reason}); !fazt.HasStatus(code) {
			t.Errorf("%s has the code %q, which has no row in the table of statuses", name, code)
		}
	}
}

func TestStatus(t *testing.T) {
	a := func(code auth.Code) error { return &auth.Error{Code: code, Op: "test", Err: errors.New("why")} }
	s := func(code storage.Code) error { return &storage.Error{Code: code} }
	r := func(code string) error { return &runtime.Error{Code: code} }
	b := func(reason error) error { return &budget.Error{Reason: reason} }
	for _, test := range []struct {
		err  error
		want string // status, code, and whether it is retryable
	}{
		{a(auth.CodeInvalid), "400 INVALID false"},
		{a(auth.CodeNotFound), "404 NOT_FOUND false"},
		{a(auth.CodeConflict), "409 CONFLICT false"},
		{a(auth.CodeUnauthorized), "401 UNAUTHORIZED false"},
		{a(auth.CodeForbidden), "403 FORBIDDEN false"},
		{a(auth.CodeRateLimited), "429 RATE_LIMITED true"},
		{a(auth.CodeOverloaded), "503 OVERLOADED true"},
		{a(auth.CodeUnavailable), "503 UNAVAILABLE true"},
		{&auth.Error{Code: auth.CodeUnavailable, Err: s(storage.CodeOverloaded)}, "503 OVERLOADED true"},
		{&auth.Error{Code: auth.CodeUnavailable, Err: s(storage.CodeUncertain)}, "500 UNCERTAIN false"},
		{&auth.Error{Code: auth.CodeUnavailable, Err: s(storage.CodeInvalid)}, "503 UNAVAILABLE true"},
		{&auth.Error{Code: auth.CodeUnavailable, Err: context.DeadlineExceeded}, "504 BUDGET_WALL false"},
		{s(storage.CodeInvalid), "400 INVALID false"},
		{s(storage.CodeNotFound), "404 NOT_FOUND false"},
		{s(storage.CodeConflict), "409 CONFLICT false"},
		{s(storage.CodeQuotaExceeded), "413 QUOTA_EXCEEDED false"},
		{s(storage.CodeResultTooLarge), "400 RESULT_TOO_LARGE false"},
		{s(storage.CodeOverloaded), "503 OVERLOADED true"},
		{s(storage.CodeUncertain), "500 UNCERTAIN false"},
		{s(storage.CodeReadOnly), "403 READ_ONLY false"},
		{s(storage.CodeUnavailable), "503 UNAVAILABLE true"},
		{s(storage.CodeClosed), "503 CLOSED true"},
		{s(storage.CodeFormat), "500 FORMAT false"},
		{r(runtime.CodeHandler), "500 HANDLER_ERROR false"},
		{r(runtime.CodeInternal), "500 ENGINE_ERROR false"},
		{r(runtime.CodeLoad), "500 LOAD_ERROR false"},
		{r(runtime.CodeSyntax), "500 SYNTAX_ERROR false"},
		{r(runtime.CodeUnsupported), "500 UNSUPPORTED false"},
		{r(runtime.CodeCPU), "503 BUDGET_CPU false"},
		{r(runtime.CodeWall), "504 BUDGET_WALL false"},
		{r(runtime.CodeMemory), "503 BUDGET_MEMORY true"},
		{r(runtime.CodeResponse), "500 BUDGET_RESPONSE false"},
		{r(runtime.CodeCanceled), "500 CANCELED false"},
		{r(runtime.CodeInvalid), "400 INVALID false"},
		{b(budget.ErrOperations), "500 BUDGET_OPS false"},
		{b(budget.ErrRead), "500 BUDGET_READ false"},
		{b(budget.ErrWrite), "500 BUDGET_WRITE false"},
		{b(budget.ErrSpent), "504 BUDGET_WALL false"},
		{b(budget.ErrDoomed), "504 BUDGET_WALL true"},
		{b(budget.ErrOverloaded), "503 OVERLOADED true"},
		{fmt.Errorf("deploy: %w", fazt.ErrInvalidApp), "422 INVALID_APP false"},
		{errors.New("a secret"), "500 INTERNAL false"},
	} {
		status, code, retryable, _ := fazt.Classify(test.err)
		if got := fmt.Sprint(status, " ", code, " ", retryable); got != test.want {
			t.Errorf("%v: %s, want %s", test.err, got, test.want)
		}
	}
}
