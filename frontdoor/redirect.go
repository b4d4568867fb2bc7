package frontdoor

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// RedirectTLS is the handler of a listener without TLS beside one with it, on port:
// it sends clients to the same address there (308, so that they ask the same way). A
// host that has does not know is answered 404, since a browser could say no more of it
// than that the connection is not safe. An error of has is one that may pass, and is
// answered 503.
func RedirectTLS(port int, has func(ctx context.Context, host string) (bool, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		known, err := has(r.Context(), host)
		switch {
		case err != nil:
			w.Header().Set("Retry-After", "1")
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		case !known || strings.Contains(host, ":"):
			http.Error(w, "there is nothing at this address", http.StatusNotFound)
			return
		}
		target := r.URL.RequestURI()
		if !strings.HasPrefix(target, "/") { // "GET http:.elsewhere.test" would go on with the host's name
			http.Error(w, "ask for a path", http.StatusBadRequest)
			return
		}
		if port != 443 {
			host = net.JoinHostPort(host, strconv.Itoa(port))
		}
		w.Header().Set("Location", "https://"+host+target)
		w.WriteHeader(http.StatusPermanentRedirect)
	})
}
