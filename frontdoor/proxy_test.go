package frontdoor_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/frontdoor"
)

var proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}

// throughProxy returns the RemoteAddr that is left of a request.
func throughProxy(peer string, header http.Header) (remote string) {
	h := frontdoor.TrustProxies(proxies...)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { remote = r.RemoteAddr }))
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr, r.Header = peer, header
	h.ServeHTTP(httptest.NewRecorder(), r)
	return remote
}

func TestTrustProxies(t *testing.T) {
	for _, test := range []struct{ name, peer, lines, want string }{
		{"a stranger's claim", "192.0.2.1:5", "198.51.100.1", "192.0.2.1:5"},
		{"one proxy", "10.0.0.1:5", "198.51.100.1", "198.51.100.1:0"},
		{"the client's own claim is further left", "10.0.0.1:5", "1.2.3.4, 198.51.100.1", "198.51.100.1:0"},
		{"two proxies", "10.0.0.1:5", "1.2.3.4, 198.51.100.1, 10.9.9.9", "198.51.100.1:0"},
		{"two header lines", "10.0.0.1:5", "198.51.100.1|10.9.9.9", "198.51.100.1:0"},
		{"only proxies", "10.0.0.1:5", "10.1.1.1", "10.1.1.1:0"},
		{"no header", "10.0.0.1:5", "", "10.0.0.1:5"},
		{"rubbish", "10.0.0.1:5", "198.51.100.1, unknown", "10.0.0.1:5"},
		{"rubbish before a proxy", "10.0.0.1:5", "x, 10.2.2.2", "10.2.2.2:0"},
		{"with a port", "10.0.0.1:5", "198.51.100.1:443", "198.51.100.1:0"},
		{"IPv6", "[fd00::1]:5", "2001:db8::1", "[2001:db8::1]:0"},
		{"IPv6 with a port", "[fd00::1]:5", "[2001:db8::1]:443", "[2001:db8::1]:0"},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:5", "::ffff:198.51.100.1", "198.51.100.1:0"},
		{"no address at all", "@", "198.51.100.1", "@"},
	} {
		h := http.Header{}
		if test.lines != "" {
			h["X-Forwarded-For"] = strings.Split(test.lines, "|")
		}
		if got := throughProxy(test.peer, h); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// FuzzForwardedFor: whatever a client sends, a stranger's address stays, and
// what comes through a proxy is an address.
func FuzzForwardedFor(f *testing.F) {
	for _, seed := range []string{"", "198.51.100.1", "1.2.3.4, 10.0.0.2", "[::1]:80", "unknown, ,,", "fe80::1%eth0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		h := http.Header{"X-Forwarded-For": {line}}
		if got := throughProxy("192.0.2.1:5", h); got != "192.0.2.1:5" {
			t.Errorf("a stranger became %s", got)
		}
		if _, err := netip.ParseAddrPort(throughProxy("10.0.0.1:5", h)); err != nil {
			t.Error(err)
		}
	})
}
