package auth

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
)

// listeners are the ports by which a server answers at its addresses: IP addresses, and
// names of machines, which have no dot. Such a host may be anybody's, so what it stands
// for is not in it, but in the listener that a request came through. One listener is for
// apps, and one for management, where people sign in. An app gets its session by
// hand-over from the other port of the very host that its visitor has named. The ports
// of a host share their cookies, so the session of management has a name of its own.
type listeners struct {
	mu         sync.Mutex
	apps       []string
	management []string
}

// ListenForApps notes that apps answer at a port. end takes that back.
func (a *Auth) ListenForApps(port string) (end func()) {
	return a.listeners.open(&a.listeners.apps, port)
}

// ListenForManagement notes that people sign in at a port, for the apps at the others.
// end takes that back.
func (a *Auth) ListenForManagement(port string) (end func()) {
	return a.listeners.open(&a.listeners.management, port)
}

func (l *listeners) open(ports *[]string, port string) func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	*ports = append(*ports, port)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if i := slices.Index(*ports, port); i >= 0 {
			*ports = slices.Delete(*ports, i, i+1)
		}
	}
}

// signIn is the port where people sign in, or "" without one.
func (l *listeners) signIn() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.management) == 0 {
		return ""
	}
	return l.management[0]
}

// hasApps reports whether apps answer at a port.
func (l *listeners) hasApps(port string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Contains(l.apps, port)
}

type purposeKey struct{}

// The purposes of a listener, in the context of its requests.
type purpose int

const (
	purposeApps purpose = iota + 1
	purposeManagement
)

// AtApps notes that what is called with the context came through a listener for apps.
func AtApps(ctx context.Context) context.Context {
	return context.WithValue(ctx, purposeKey{}, purposeApps)
}

// AtManagement is AtApps for the listener for management.
func AtManagement(ctx context.Context) context.Context {
	return context.WithValue(ctx, purposeKey{}, purposeManagement)
}

// IsAtManagement reports whether AtManagement has noted so.
func IsAtManagement(ctx context.Context) bool {
	p, _ := ctx.Value(purposeKey{}).(purpose)
	return p == purposeManagement
}

// SiteOf is what the host of a request stands for: what [Auth.Site] says of it, unless
// it is an address, which stands for what the listener is for.
func (a *Auth) SiteOf(r *http.Request) Site {
	s := a.Site(r.Host)
	if s.Kind == SiteManagement || s.Kind == SiteApp {
		return s
	}
	switch p, _ := r.Context().Value(purposeKey{}).(purpose); p {
	case purposeManagement:
		if here, ok := a.address(r.Host); ok {
			here.Kind, here.signIn = SiteManagement, here.at(here.Name)
			return here
		}
		return Site{}
	case purposeApps:
		if here, ok := a.address(r.Host); ok {
			here.Kind = SiteApp
			if port := a.listeners.signIn(); port != "" {
				here.signIn = here.Name + ":" + port
			}
			return here
		}
	}
	return s
}

// IsAddress reports whether host is an IP address or a machine's name, other than
// those of loopback and than the domain.
func (a *Auth) IsAddress(host string) bool {
	_, ok := a.address(host)
	return ok
}

func (a *Auth) address(host string) (s Site, ok bool) {
	s, ok = splitHost(host)
	if !ok || isLoopback(s.Name) || s.Name == a.domain {
		return Site{}, false
	}
	_, err := netip.ParseAddr(strings.Trim(s.Name, "[]"))
	if err != nil && strings.Contains(s.Name, ".") {
		return Site{}, false
	}
	s.address = true
	return s, true
}

// appSite is the site of an app that a visitor at here asks to sign in to. At an
// address it is one of this server's other ports there: any other might be another
// program's.
func (a *Auth) appSite(r *http.Request, here Site, app string) Site {
	if !here.address {
		return a.Site(app)
	}
	s, ok := a.address(app)
	if !ok || s.Name != here.Name || !a.listeners.hasApps(a.portOf(r, s)) {
		return Site{}
	}
	s.Kind, s.signIn = SiteApp, here.signIn
	return s
}

// portOf is a site's port, or the one that r's browser means by none.
func (a *Auth) portOf(r *http.Request, s Site) string {
	switch {
	case s.Port != "":
		return s.Port
	case a.secure(r):
		return "443"
	}
	return "80"
}

// sessionCookie is the name of the cookie of a session on r's host.
func (a *Auth) sessionCookie(r *http.Request) string {
	if IsAtManagement(r.Context()) {
		return managementCookie
	}
	return sessionCookie
}
