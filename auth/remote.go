package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"
)

const (
	// maxRemote bounds an answer of a provider, in bytes. The largest known, the key
	// sets of Microsoft, have 20 KB.
	maxRemote = 1 << 20
	// maxRemoteRedirects is how many redirects of a provider's documents are
	// followed.
	maxRemoteRedirects = 3
	// maxRemoteConns bounds the connections to one host of a provider.
	maxRemoteConns = 64
)

// remote is a provider as this server reaches it: whatever it answers is bounded,
// and each way to fail has its code.
type remote struct {
	name   string
	client *http.Client
}

// newRemote keeps no connection open: sign-ins are rare, and a provider that is
// replaced leaves nothing behind.
func newRemote(name string) *remote {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, MaxConnsPerHost: maxRemoteConns,
		MaxResponseHeaderBytes: 64 << 10,
	}
	r := &remote{name: name}
	r.client = &http.Client{Transport: readWhole{r, transport}, CheckRedirect: r.checkRedirect}
	return r
}

func (r *remote) fail(code Code, format string, args ...any) error {
	return &Error{Code: code, Op: r.name, Err: fmt.Errorf(format, args...)}
}

// checkRedirect follows a few redirects of what is read, none of what is sent (the
// code and the secret are not for others), and none away from TLS.
func (r *remote) checkRedirect(to *http.Request, via []*http.Request) error {
	switch {
	case via[0].Method != http.MethodGet:
		return r.fail(FailProviderRedirect, "a request with secrets was redirected")
	case len(via) > maxRemoteRedirects:
		return r.fail(FailProviderRedirect, "there were more than %d redirects", maxRemoteRedirects)
	case to.URL.Scheme != via[0].URL.Scheme:
		return r.fail(FailProviderRedirect, "a redirect leads from %s to %s", via[0].URL.Scheme, to.URL.Scheme)
	}
	return nil
}

// readWhole reads each answer before anybody decodes it, so that one of any size
// takes no more than [maxRemote], and that all libraries fail alike.
type readWhole struct {
	remote *remote
	next   http.RoundTripper
}

func (t readWhole) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxRemote+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxRemote {
		return nil, t.remote.fail(FailProviderSize, "%s answers more than %d bytes", req.URL.Path, maxRemote)
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// unreached is the error of a request that got no answer.
func (r *remote) unreached(err error) error {
	var timeout net.Error
	switch {
	case CodeOf(err) != "":
		return err
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return r.fail(FailProviderTimeout, "%w", err)
	}
	return r.fail(FailProviderUnavailable, "%w", err)
}

// getJSON reads a document into v. One that is none is an error with code malformed.
func (r *remote) getJSON(ctx context.Context, address, token string, v any, malformed Code) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return r.fail(malformed, "%w", err)
	}
	req.Header.Set("Accept", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := r.client.Do(req)
	if err != nil {
		return r.unreached(err)
	}
	defer res.Body.Close()
	if err := r.checkStatus(res.StatusCode, malformed, req.URL); err != nil {
		return err
	}
	if kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); !isJSON(kind) {
		return r.fail(malformed, "%s answers %.40q, and not JSON", req.URL.Path, kind)
	}
	if err := json.NewDecoder(res.Body).Decode(v); err != nil {
		return r.fail(malformed, "%s: %w", req.URL.Path, err)
	}
	return nil
}

func (r *remote) checkStatus(status int, otherwise Code, u *url.URL) error {
	switch {
	case status == http.StatusOK:
		return nil
	case status >= 500, status == http.StatusTooManyRequests:
		otherwise = FailProviderUnavailable
	}
	return r.fail(otherwise, "%s answers %d", u.Path, status)
}

// isJSON takes every type of JSON, and the one that a key set has (RFC 7517, 8.5.2).
func isJSON(kind string) bool { return kind == "application/json" || strings.HasSuffix(kind, "+json") }

// redeem turns a code into the tokens that it stands for.
func (r *remote) redeem(ctx context.Context, c *oauth2.Config, x Exchange, code string) (*oauth2.Token, error) {
	ctx = context.WithValue(ctx, oauth2.HTTPClient, r.client)
	token, err := c.Exchange(ctx, code, oauth2.VerifierOption(x.Verifier))
	if err == nil {
		return token, nil
	}
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return nil, r.refused(refused)
	}
	if _, ok := errors.AsType[*url.Error](err); ok {
		return nil, r.unreached(err)
	}
	return nil, r.fail(FailProviderAnswer, "%w", err)
}

// refused is the error of a token endpoint that gives none. What else its answer has
// may be a secret, and is left out.
func (r *remote) refused(e *oauth2.RetrieveError) error {
	status, code := e.Response.StatusCode, e.ErrorCode
	known := FailProviderAnswer
	switch {
	case status >= 500, status == http.StatusTooManyRequests:
		known = FailProviderUnavailable
	case slices.Contains([]string{"invalid_grant", "bad_verification_code"}, code):
		known = FailCode
	case slices.Contains([]string{"invalid_client", "unauthorized_client", "incorrect_client_credentials", "redirect_uri_mismatch"}, code):
		known = FailProviderClient
	case slices.Contains([]string{"invalid_request", "unsupported_grant_type", "invalid_scope"}, code):
		known = FailProviderRefused
	case status == http.StatusUnauthorized:
		known = FailProviderClient
	}
	return r.fail(known, "the token endpoint answers %d %.40q", status, code)
}

// checkAddress returns what is wrong with an address of a provider, or nil. Without
// TLS it is this machine's own, for tests and for a program beside this one.
func checkAddress(what, address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || !isText(address, 1, maxIdentity):
		return fmt.Errorf("the %s %.60q is not an absolute URL; give one such as https://accounts.example.com", what, address)
	case u.Scheme == "https", u.Scheme == "http" && isThisMachine(u.Hostname()):
		return nil
	}
	return fmt.Errorf("the %s %.60q is not an https URL", what, address)
}

func isThisMachine(name string) bool {
	addr, err := netip.ParseAddr(name)
	return name == "localhost" || err == nil && addr.IsLoopback()
}
