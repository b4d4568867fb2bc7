package frontdoor_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/frontdoor"
)

func TestRedirectTLS(t *testing.T) {
	has := func(_ context.Context, host string) (bool, error) {
		if host == "broken.test" {
			return false, errors.New("the store is away")
		}
		return strings.EqualFold(host, "example.test") || host == "::1", nil
	}
	type answer struct {
		Status   int
		Location string
	}
	for _, tt := range []struct {
		port   int
		method string
		url    string
		want   answer
	}{
		{443, "GET", "http://example.test/", answer{308, "https://example.test/"}},
		{443, "GET", "http://example.test:8080/a%2Fb?c=d&e", answer{308, "https://example.test/a%2Fb?c=d&e"}},
		{8443, "POST", "http://example.test/form", answer{308, "https://example.test:8443/form"}},
		{443, "GET", "http://example.test//evil.test/", answer{308, "https://example.test//evil.test/"}},
		{443, "GET", "http://elsewhere.test/", answer{404, ""}},
		{443, "GET", "http://[::1]/", answer{404, ""}},
		{443, "GET", "http://broken.test/", answer{503, ""}},
	} {
		w := httptest.NewRecorder()
		frontdoor.RedirectTLS(tt.port, has).ServeHTTP(w, httptest.NewRequest(tt.method, tt.url, http.NoBody))
		if diff := cmp.Diff(tt.want, answer{w.Code, w.Header().Get("Location")}); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", tt.method, tt.url, diff)
		}
		if body := w.Body.String(); strings.Contains(body, "elsewhere") || strings.Contains(body, "store") {
			t.Errorf("%s is answered %q", tt.url, body)
		}
	}
}

// TestRedirectTLSOpaque: what no browser sends leads nowhere else.
func TestRedirectTLSOpaque(t *testing.T) {
	l := listen(t)
	has := func(_ context.Context, host string) (bool, error) { return host == "example.test", nil }
	serve(t, frontdoor.Options{}, l, frontdoor.RedirectTLS(443, has))
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET http:.elsewhere.test HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n")
	answer, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") || strings.Contains(string(answer), "Location") {
		t.Errorf("%v %s", err, answer)
	}
}
