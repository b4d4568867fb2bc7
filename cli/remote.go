package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

// remote is a peer as a command sees it.
type remote struct {
	*api.Client
	peer storage.Peer
}

// newClient is a client of a peer with connections of its own.
func newClient(c *cli.Context, p storage.Peer) *api.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = (&net.Dialer{Timeout: connectTime}).DialContext
	transport.TLSHandshakeTimeout = connectTime
	if u, err := url.Parse(p.URL); err != nil || u.Scheme != "https" {
		transport.Proxy = nil // it would read the key
	}
	client := &api.Client{URL: p.URL, Token: p.Token, HTTP: &http.Client{Transport: transport}}
	if c.Bool("verbose") {
		client.HTTP.Transport = &traced{transport, c.App.ErrWriter}
	}
	return client
}

// traced notes each request.
type traced struct {
	http.RoundTripper
	out io.Writer
}

// RoundTrip follows [http.RoundTripper].
func (t *traced) RoundTrip(r *http.Request) (*http.Response, error) {
	began := time.Now()
	res, err := t.RoundTripper.RoundTrip(r)
	answer := "no answer"
	if err == nil {
		answer = res.Status
	}
	note(t.out, "%s %s: %s, %v", r.Method, r.URL, answer, time.Since(began).Round(time.Millisecond))
	return res, err
}

// CloseIdleConnections is for [http.Client.CloseIdleConnections].
func (t *traced) CloseIdleConnections() {
	if idle, ok := t.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		idle.CloseIdleConnections()
	}
}

// onPeer lends do a peer.
func onPeer(c *cli.Context, p storage.Peer, do func(api.Service) error) error {
	if err := checkPeerURL(p.URL); err != nil {
		return err
	}
	r := &remote{newClient(c, p), p}
	defer r.HTTP.CloseIdleConnections()
	err := do(r)
	if e, ok := errors.AsType[*api.Error](err); ok && (e.Code == api.CodeNoRoute || e.Code == api.CodeNoMethod) {
		health, _ := r.Health(c.Context)
		return explainPeer(c.Context, p, health, err)
	}
	return explainPeer(c.Context, p, nil, err)
}

// explainPeer says in one line what is wrong with a peer, and what to do. It leaves
// alone what a peer has said of what it was asked for, and what is no answer's fault.
// health is what it said of itself, if it did.
func explainPeer(ctx context.Context, p storage.Peer, health *api.Health, err error) error {
	say := func(format string, args ...any) error {
		return fmt.Errorf("@%s: %w", p.Name, fmt.Errorf(format, args...))
	}
	if e, ok := errors.AsType[*api.AnswerError](err); ok {
		switch {
		case e.Location != "":
			return say("%s redirects to %s, which is not followed; if that is right: fazt peer add %s --replace --url with its address", p.URL, e.Location, p.Name)
		case e.Status >= 500:
			return say("%s answered %d, as a proxy before a server that is down does; see whether fazt serve runs there", p.URL, e.Status)
		}
		return say("%s answered %d, and not as fazt's management does; is it at https://admin.<domain>?", p.URL, e.Status)
	}
	if e, ok := errors.AsType[*api.Error](err); ok {
		switch {
		case e.Status == http.StatusUnauthorized:
			return say("the server does not take the API key; make one there with: fazt auth key create laptop --scopes admin, and then: fazt peer add %s --replace --url %s", p.Name, p.URL)
		case (e.Code == api.CodeNoRoute || e.Code == api.CodeNoMethod) && health != nil:
			return say("it runs fazt %s, and cannot do this for fazt %s; update the older one", health.Version, fazt.Version)
		}
		return err
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		if ctx.Err() != nil {
			return say("%w before there was an answer; what was asked for may have been done", ctx.Err())
		}
		return say("%s", transportFault(p.URL, failed))
	}
	return err
}

// transportFault says why there was no answer from a URL.
func transportFault(at string, err *url.Error) string {
	_, record := errors.AsType[tls.RecordHeaderError](err)
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, host := errors.AsType[x509.HostnameError](err)
	_, lookup := errors.AsType[*net.DNSError](err)
	switch {
	case isInvalid && invalid.Reason == x509.Expired:
		return "the certificate of " + at + " has expired, or this machine's clock is wrong"
	case unknown:
		return "nobody whom this machine trusts vouches for the certificate of " + at + "; check the address, or name an authority of your own in SSL_CERT_FILE"
	case host || isInvalid:
		return "the certificate of " + at + " is not for it; check the address"
	case record, strings.Contains(err.Err.Error(), "server gave HTTP response to HTTPS client"):
		return at + " does not speak TLS; check the address and the port"
	case lookup:
		return "the name in " + at + " leads nowhere; check the address, and this machine's network"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens at " + at + "; see whether fazt serve runs there"
	case err.Timeout() || errors.Is(err, context.DeadlineExceeded):
		return at + " does not answer in time; check the address, and whether the server is up"
	}
	return cmp.Or(err.Err, error(err)).Error() + "; check the address " + at + ", and whether the server is up"
}
