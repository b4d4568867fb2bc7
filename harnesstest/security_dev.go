package harnesstest

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// forwardingHeaders are what proxies add to a request: with one of them it does not come
// from a person at this machine.
var forwardingHeaders = []string{
	"X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https", "X-Forwarded-Host: example.com", "X-Forwarded-Port: 443", "X-Forwarded-Server: proxy", "X-Forwarded-By: proxy",
	"x-forwarded-for: 127.0.0.1", "X_Forwarded_For: 203.0.113.9", "Forwarded: for=203.0.113.9", "Via: 1.1 proxy", "X-Real-IP: 203.0.113.9", "X-Client-IP: 203.0.113.9",
	"X-Cluster-Client-IP: 203.0.113.9", "True-Client-IP: 203.0.113.9", "CF-Connecting-IP: 203.0.113.9", "CF-Ray: 1", "Fastly-Client-IP: 203.0.113.9", "Fly-Client-IP: 203.0.113.9",
	"X-Original-Host: example.com", "X-Original-URL: /", "X-Envoy-External-Address: 203.0.113.9", "X-Amzn-Trace-Id: 1", "X-Azure-ClientIP: 203.0.113.9", "CDN-Loop: x",
	"Tailscale-User-Login: eve@example.com",
}

// foreignHosts are names by which a machine's loopback address can be reached by pages of
// somebody else, or that only look like the machine's own.
var foreignHosts = []string{
	"evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "127.0.0.1.evil.example", "10.0.0.1", "192.168.1.1", "127.0.0.2", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]",
	"2130706433", "0x7f000001", "127.1", "localhost.localdomain", "mymachine", "admin.example.com", "localhostx", "xlocalhost", "a.b.localhost", "[fe80::1]", "[::1%25lo]",
}

// devExposure: the dev provider, by which anybody is whom they say, is there for a person
// at the machine alone: not through a proxy, and not under a name that a page of somebody
// else could have lead here.
func devExposure(p *Probe) {
	base, err := url.Parse(p.Target.Base())
	if err != nil {
		p.Fatal(err)
	}
	v := newStranger(p)
	if offers, err := offersDev(p.Context(), v.client, p.Target.Base()); err != nil {
		p.Fatal(err)
	} else if !offers {
		p.doesNotApply("the server does not offer the dev provider, so that it can't be exposed; start it with Dev on")
	}
	own := base.Host
	for _, header := range forwardingHeaders {
		noDev(p, v, own, "HTTP/1.1", header)
	}
	for _, host := range foreignHosts {
		noDev(p, v, host, "HTTP/1.1", "")
		noDev(p, v, host+":"+base.Port(), "HTTP/1.1", "")
	}
	noDev(p, v, own, "HTTP/1.0", "Connection: close") // as some proxies speak to what is behind them
	noDev(p, v, "localhost:"+base.Port(), "HTTP/1.1", "X-Forwarded-For:")
}

// noDev reports whether the dev provider is there for a request of that kind.
func noDev(p *Probe, v *stranger, host, version, header string) {
	p.Helper()
	if header != "" {
		header += "\r\n"
	}
	form := url.Values{"email": {"eve@evil.example"}, "name": {"Eve"}, "role": {"owner"}}.Encode()
	for _, ask := range []struct{ what, text string }{
		{"its page", "GET /auth/dev/login " + version + "\r\nHost: " + host + "\r\n" + header + "\r\n"},
		{"its form", "POST /auth/dev/callback " + version + "\r\nHost: " + host + "\r\n" + header +
			"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: " + strconv.Itoa(len(form)) + "\r\n\r\n" + form},
		{"the sign-in page", "GET /auth/login " + version + "\r\nHost: " + host + "\r\n" + header + "\r\n"},
	} {
		res, err := v.raw(ask.text)
		switch {
		case err != nil:
			p.Errorf("%s at %s with %q: %v", ask.what, host, header, err)
		case res == nil: // closed
		case ask.what != "the sign-in page" && res.Status != http.StatusNotFound && res.Status != http.StatusBadRequest:
			p.Errorf("%s of the dev provider at %s (%s) with %q is answered %v, want 404", ask.what, host, version, header, res)
		case len(res.Header.Values("Set-Cookie")) > 0 && strings.Contains(strings.Join(res.Header.Values("Set-Cookie"), ""), "session"):
			p.Errorf("%s at %s with %q gives a session: %v", ask.what, host, header, res)
		case strings.Contains(res.Body, devForm) || strings.Contains(res.Body, devPage):
			p.Errorf("%s at %s (%s) with %q offers the dev provider", ask.what, host, version, header)
		}
	}
}
