package frontdoor

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/fazt-sh/fazt/api"
)

// TrustProxies is middleware for a server behind proxies. For a request whose
// peer is in trusted it takes the client's address from X-Forwarded-For, the
// rightmost one that is not itself trusted, and puts it into RemoteAddr; whether
// the client came over TLS from X-Forwarded-Proto; and the request's id from
// X-Request-ID; see [IsSecure] and [RequestID]. From anybody else these headers
// mean nothing, since anybody can send them. What stands further left in
// X-Forwarded-For is the client's own claim.
func TrustProxies(trusted ...netip.Prefix) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if addr := clientAddr(r); contains(trusted, addr) {
				r = forwardedRequest(r, addr, trusted)
			}
			next.ServeHTTP(w, r)
		})
	}
}

// forwarded is what a trusted proxy said about a request.
type forwarded struct {
	secure    bool
	requestID string
}

type forwardedKey struct{}

// forwardedRequest returns r as its client sent it to the proxy.
func forwardedRequest(r *http.Request, peer netip.Addr, trusted []netip.Prefix) *http.Request {
	said := forwarded{secure: strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")}
	if id := r.Header.Get(api.RequestIDHeader); isRequestID(id) {
		said.requestID = id
	}
	client := forwardedFor(r.Header.Values("X-Forwarded-For"), peer, trusted)
	r = r.WithContext(context.WithValue(r.Context(), forwardedKey{}, said))
	if client != peer {
		r.RemoteAddr = net.JoinHostPort(client.String(), "0") // the port is the proxy's secret
	}
	return r
}

// forwardedFor follows the chain of proxies back from the peer, as far as each
// hop is trusted. An entry that is not an address ends it at the hop before.
func forwardedFor(lines []string, peer netip.Addr, trusted []netip.Prefix) netip.Addr {
	chain := strings.Split(strings.Join(lines, ","), ",")
	client := peer
	for i := len(chain) - 1; i >= 0 && contains(trusted, client); i-- {
		addr, ok := parseForwarded(strings.TrimSpace(chain[i]))
		if !ok {
			break
		}
		client = addr
	}
	return client
}

// parseForwarded reads an address, with a port or without: some proxies add it.
func parseForwarded(text string) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return addr.Unmap().WithZone(""), err == nil
}

// isRequestID reports whether a proxy's request id can be passed on to logs and
// headers as it is.
func isRequestID(id string) bool {
	if id == "" || len(id) > 128 {
		return false
	}
	return strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:=+/") == ""
}

// IsSecure reports whether the client reached the server over TLS, or the trusted
// proxy before it; see [TrustProxies].
func IsSecure(r *http.Request) bool { return r.TLS != nil || forwardedOf(r).secure }

// RequestID is the id that a trusted proxy gave a request; "" without one. It has
// at most 128 characters, all of them harmless in a header and in a log.
func RequestID(r *http.Request) string { return forwardedOf(r).requestID }

func forwardedOf(r *http.Request) forwarded {
	said, _ := r.Context().Value(forwardedKey{}).(forwarded)
	return said
}
