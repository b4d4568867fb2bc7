package frontdoor

import (
	"net"
	"net/http"
	"net/netip"
)

// clientAddr is the address that a request came from; the zero Addr when its
// listener has no addresses.
func clientAddr(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// peerAddr is the same for a connection.
func peerAddr(c net.Conn) netip.Addr {
	if tcp, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// Subscriber is whom the limits of this package count a request for: the IPv4
// address that it came from, or the /64 of an IPv6 one. [TrustProxies] makes that
// the client's. It is the zero Addr when the listener has no addresses.
func Subscriber(r *http.Request) netip.Addr { return subscriber(clientAddr(r)) }

// subscriber is the address that limits count by: an IPv4 address, or the /64 of
// an IPv6 one, since that is the least that one subscriber is given (RFC 6177).
func subscriber(addr netip.Addr) netip.Addr {
	addr = addr.Unmap()
	if addr.Is6() {
		network, _ := addr.WithZone("").Prefix(64) // 64 is a valid length
		return network.Addr()
	}
	return addr
}

// Subscriber is the address that the limits of this package count a request by:
// an IPv4 address, or the /64 of an IPv6 one; "" when its listener has no
// addresses. Behind a proxy it is the client's once [TrustProxies] has seen the
// request.
func Subscriber(r *http.Request) string {
	if addr := clientAddr(r); addr.IsValid() {
		return subscriber(addr).String()
	}
	return ""
}

func contains(prefixes []netip.Prefix, addr netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
