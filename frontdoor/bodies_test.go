package frontdoor_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/frontdoor"
)

// TestBodyMemory takes what there is, and gives it back.
func TestBodyMemory(t *testing.T) {
	const kib = 1 << 10
	m, err := frontdoor.NewBodyMemory(frontdoor.BodyLimits{Largest: 300 * kib, Total: 400 * kib})
	if err != nil {
		t.Fatal(err)
	}
	request := func(size int, announced int64) (r *http.Request, release func()) {
		r = httptest.NewRequest(http.MethodPost, "/", io.NopCloser(strings.NewReader(strings.Repeat("x", size))))
		r.ContentLength = announced
		return r, m.Hold(r)
	}
	first, release := request(250*kib, -1)
	if n, err := io.Copy(io.Discard, first.Body); err != nil || n != 250*kib || m.Held() != n {
		t.Fatalf("the first body: %d bytes, %v, %d held", n, err, m.Held())
	}
	for _, test := range []struct {
		name      string
		size      int
		announced int64
		read      int64 // -1: refused
	}{
		{"a large one, announced", 100 * kib, 100 * kib, -1},
		{"a large one, not announced", 100 * kib, -1, -1},
		{"a small one", 60 * kib, 60 * kib, 60 * kib},
		{"one that announces more than any may have", 10, 1 << 40, -1},
		{"none", 0, 0, 0},
	} {
		r, release := request(test.size, test.announced)
		n, err := io.Copy(io.Discard, r.Body)
		refusal, refused := errors.AsType[*api.Error](err)
		switch {
		case refused != (test.read < 0), err != nil && !refused, !refused && n != test.read:
			t.Errorf("%s: %d bytes, %v", test.name, n, err)
		case refused && (refusal.Status != http.StatusServiceUnavailable || refusal.Code != "OVERLOADED" || !refusal.Retryable || refusal.RetryAfter <= 0):
			t.Errorf("%s: %+v", test.name, refusal)
		}
		release()
		release() // does no harm
		if m.Held() != 250*kib {
			t.Errorf("%s: %d bytes held after it", test.name, m.Held())
		}
	}
	release()
	if m.Held() != 0 || m.Refused() != 3 {
		t.Errorf("%d bytes held at the end, %d refused; want 0 and 3", m.Held(), m.Refused())
	}
	// Alone, one that announces too much is its handler's to refuse.
	r, release := request(10, 1<<40)
	defer release()
	if n, err := io.Copy(io.Discard, r.Body); err != nil || n != 10 {
		t.Errorf("alone: %d bytes, %v", n, err)
	}
}

func TestBodyLimits(t *testing.T) {
	_, err := frontdoor.NewBodyMemory(frontdoor.BodyLimits{Largest: -1, Total: -1})
	for _, want := range []string{"Largest", "Total"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not named in: %v", want, err)
		}
	}
}

// BenchmarkBody reads a small body, counted and not.
func BenchmarkBody(b *testing.B) {
	m, err := frontdoor.NewBodyMemory(frontdoor.BodyLimits{})
	if err != nil {
		b.Fatal(err)
	}
	text := strings.Repeat("x", 1000)
	read := func(b *testing.B, hold func(*http.Request) func()) {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		b.ReportAllocs()
		for b.Loop() {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
			release := hold(r)
			if _, err := io.ReadAll(r.Body); err != nil {
				b.Fatal(err)
			}
			release()
		}
	}
	b.Run("counted", func(b *testing.B) { read(b, m.Hold) })
	b.Run("not", func(b *testing.B) {
		read(b, func(*http.Request) func() { return func() {} })
	})
}
