package auth_test

import (
	"net/http"
	"testing"

	"github.com/fazt-sh/fazt/auth"
	"github.com/google/go-cmp/cmp"
)

func TestPublicHeader(t *testing.T) {
	tests := []struct {
		name     string
		in, want http.Header
	}{
		{"nothing of ours", http.Header{"Accept": {"*/*"}}, http.Header{"Accept": {"*/*"}}},
		{"somebody else's", http.Header{"Authorization": {"Basic YTpi"}, "Cookie": {"a=1; b=2"}},
			http.Header{"Authorization": {"Basic YTpi"}, "Cookie": {"a=1; b=2"}}},
		{"key", http.Header{"Authorization": {"Bearer fzt_a_b"}, "X": {"1"}}, http.Header{"X": {"1"}}},
		{"bare key", http.Header{"Authorization": {"fzt_a_b"}}, http.Header{}},
		{"second line", http.Header{"Authorization": {"Basic x", "bearer  fzt_a_b"}}, http.Header{}},
		{"session", http.Header{"Cookie": {"fazt_session=x"}}, http.Header{}},
		{"session among others", http.Header{"Cookie": {"a=1; __Host-fazt_session=x;b=2", "fazt_handover=x", "c"}}, http.Header{"Cookie": {"a=1; b=2", "c"}}},
		{"oddly written", http.Header{"Cookie": {"fazt_session =x;  fazt_session"}}, http.Header{}},
	}
	for _, tt := range tests {
		before := tt.in.Clone()
		if d := cmp.Diff(tt.want, auth.PublicHeader(tt.in)); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
		if d := cmp.Diff(before, tt.in); d != "" {
			t.Errorf("%s: the request's own header changed: %s", tt.name, d)
		}
	}
}

func TestPublicCookies(t *testing.T) {
	lines := []string{
		"own=1; Path=/", "fazt_session=x", " fazt_session =x", "__Host-fazt_session=x", "fazt_handover=x; Path=/",
		"=fazt_session=x", "", "fazt_sessions=2",
	}
	if d := cmp.Diff([]string{"own=1; Path=/", "fazt_sessions=2"}, auth.PublicCookies(lines)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff("fazt_session=x", lines[1]); d != "" {
		t.Errorf("the lines were changed: %s", d)
	}
}

func TestBearerToken(t *testing.T) {
	for header, want := range map[string]string{
		"":                "",
		"Bearer":          "",
		"Bearer fzt_a_b":  "fzt_a_b",
		"bearer  fzt_a_b": "fzt_a_b",
		"BEARER x":        "x",
		"Basic fzt_a_b":   "",
		"fzt_a_b":         "",
	} {
		if got := auth.BearerToken(http.Header{"Authorization": {header}}); got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
	}
}
