package auth

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	devProvider  = "dev"
	devLoginPath = "/auth/dev/login"
)

// forwarding are the headers by which proxies, tunnels and CDNs say that they
// passed a request on, beside all that begin with X-Forwarded-.
var forwarding = map[string]bool{
	"Forwarded": true, "Via": true, "X-Forwarded": true, "X-Real-Ip": true,
	"X-Client-Ip": true, "X-Cluster-Client-Ip": true, "X-Original-Host": true, "X-Original-Forwarded-For": true,
	"X-Envoy-External-Address": true, "X-Envoy-Original-Path": true, "X-Appengine-User-Ip": true,
	"X-Azure-Clientip": true, "X-Azure-Socketip": true, "X-Amzn-Trace-Id": true, "X-Amz-Cf-Id": true,
	"Client-Ip": true, "True-Client-Ip": true, "Cf-Connecting-Ip": true, "Cf-Connecting-Ipv6": true, "Cf-Ray": true,
	"Fastly-Client-Ip": true, "Fly-Client-Ip": true, "Fly-Forwarded-Port": true, "Tailscale-User-Login": true,
	"Cdn-Loop": true, "X-Original-Url": true, "X-Proxyuser-Ip": true, "X-Real-Port": true, "X-Varnish": true,
}

func isForwarding(header string) bool {
	header = http.CanonicalHeaderKey(strings.ReplaceAll(header, "_", "-"))
	return forwarding[header] || strings.HasPrefix(header, "X-Forwarded-")
}

// IsDeveloper reports whether r comes from this machine to a server in development, so
// that the dev provider exists for it: with [Options].Dev alone, over a connection of
// loopback addresses, to a name at localhost, and through no proxy.
func (a *Auth) IsDeveloper(r *http.Request) bool { return a.devAllowed(r) }

// devAllowed reports whether the dev provider exists for r: both ends of the
// connection are on this machine, and so is the name that the browser asked
// for, since a page of any site can have its own name resolve to loopback.
func (a *Auth) devAllowed(r *http.Request) bool {
	// Browsers speak HTTP/1.1; some proxies speak 1.0 to what is behind them, and
	// then add no header that tells.
	if !a.dev || !r.ProtoAtLeast(1, 1) {
		return false
	}
	if a.SiteOf(r).parent != "localhost" {
		return false
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok || !isLoopbackAddr(local.String()) || !isLoopbackAddr(r.RemoteAddr) {
		return false
	}
	for name := range r.Header {
		if isForwarding(name) {
			return false
		}
	}
	return true
}

func isLoopbackAddr(addr string) bool {
	ap, err := netip.ParseAddrPort(addr)
	return err == nil && ap.Addr().Unmap().IsLoopback()
}

// devForm is what the dev provider asks for, as it was typed.
type devForm struct {
	Email, Name, Role string
	Problem           string // what to mend; "" on the first showing
}

// firstDevForm is how the form is shown at first.
var firstDevForm = devForm{Email: "dev@example.com", Name: "Dev", Role: string(RoleUser)}

// identity checks the form. The problem is for the person who filled it in.
func (f devForm) identity() (id Identity, problem string) {
	email, ok := cleanEmail(f.Email)
	if !ok {
		return Identity{}, "That is not an e-mail address. Try one such as dev@example.com."
	}
	name := strings.TrimSpace(f.Name)
	if name == "" {
		name = localPart(email)
	}
	if !isText(name, 1, 100) {
		return Identity{}, "The name is too long. Use 100 characters or fewer."
	}
	if !Role(f.Role).Valid() {
		return Identity{}, "Choose a role from the list."
	}
	return Identity{Issuer: devProvider, Subject: email, Email: email, Name: name, Role: Role(f.Role)}, ""
}

// cleanEmail is an e-mail address as it is kept, if it is one.
func cleanEmail(typed string) (email string, ok bool) {
	email = lowerAddress(strings.TrimSpace(typed))
	return email, isAddress(email)
}

// lowerAddress is an e-mail address as it is compared: its ASCII letters are lower
// case. Of other letters some have an ASCII one as lower case (U+0130 has i), and would
// make one person's address of another's.
func lowerAddress(s string) string {
	return strings.Map(func(c rune) rune {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		return c
	}, s)
}

// localPart is what stands before the @ of an address: a name for whoever gave
// none.
func localPart(email string) string {
	return email[:strings.LastIndexByte(email, '@')]
}

// isText reports whether s is printable text of least to most characters.
func isText(s string, least, most int) bool {
	n := utf8.RuneCountInString(s)
	return utf8.ValidString(s) && least <= n && n <= most && !strings.ContainsFunc(s, unicode.IsControl)
}

func (a *Auth) devLogin(w http.ResponseWriter, r *http.Request) {
	if a.SiteOf(r).Kind == SiteApp {
		a.toOwnHost(w, r, "/auth/login")
		return
	}
	f, err := a.flow(r, r.URL.Query())
	if err != nil {
		a.badRequest(w, r, err)
		return
	}
	a.showDevForm(w, r, http.StatusOK, f, firstDevForm)
}

func (a *Auth) devCallback(w http.ResponseWriter, r *http.Request) {
	f, err := a.flow(r, r.PostForm)
	if err != nil {
		a.badRequest(w, r, err)
		return
	}
	form := devForm{Email: r.PostForm.Get("email"), Name: r.PostForm.Get("name"), Role: r.PostForm.Get("role")}
	id, problem := form.identity()
	if problem != "" {
		form.Problem = problem
		a.showDevForm(w, r, http.StatusUnprocessableEntity, f, form)
		return
	}
	s, err := a.signIn(w, r, credentials{provider: devProvider, identity: id, invite: f.invite})
	if errors.Is(err, errInvite) {
		a.noSuchCode(w, r)
		return
	}
	if err != nil {
		a.unavailable(w, r, err)
		return
	}
	a.finish(w, r, f, s)
}
