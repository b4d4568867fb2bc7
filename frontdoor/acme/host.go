package acme

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"time"

	"github.com/caddyserver/certmagic"
)

const (
	// askTimeout is how long the authority may take for one certificate.
	askTimeout = 90 * time.Second
	// maxWait is how long a handshake waits for its host's first certificate. The
	// authority mostly takes some seconds, and browsers wait for about as long.
	maxWait = 30 * time.Second
	// maxWaiting is how many handshakes wait for one host.
	maxWaiting = 64
	// storeRetry is how long a host without a certificate is not looked up again.
	storeRetry = 30 * time.Second
)

// host is a known one that a client has named.
type host struct {
	loaded  bool          // its certificate is in the cache
	running chan struct{} // closed when what is under way has ended; nil: nothing is
	waiting int

	err   error     // of the last try
	retry time.Time // not before
}

// getCertificate is the server's [tls.Config.GetCertificate]. No certificate and no
// error is the alert unrecognized_name.
func (c *Certificates) getCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := strings.TrimSuffix(strings.ToLower(hello.ServerName), ".")
	if name == "" {
		return nil, nil
	}
	if c.isLoaded(name) && !isChallenge(hello) {
		if cert, err := c.magic.GetCertificate(hello); err == nil {
			return cert, nil
		}
		c.forget(name) // it went out of the cache
	}
	if isChallenge(hello) {
		if !c.mayBeAsked(hello.Context(), name) {
			return nil, nil
		}
		return c.magic.GetCertificate(hello)
	}
	known, err := c.opt.Known(hello.Context(), name)
	switch {
	case err != nil:
		return nil, fmt.Errorf("acme: %s: %w", name, err)
	case !known:
		return nil, nil
	}
	if err := c.await(hello, name); err != nil {
		return nil, fmt.Errorf("acme: there is no certificate for %s: %w", name, err)
	}
	return c.magic.GetCertificate(hello)
}

// isChallenge reports whether the authority asks (RFC 8737, section 3).
func isChallenge(hello *tls.ClientHelloInfo) bool {
	return len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == "acme-tls/1"
}

// maxStrange is how many challenges a second are looked up, each in the store, of
// hosts that the server does not know.
const maxStrange = 20

// window counts what comes within a second.
type window struct {
	began time.Time
	count int
}

// mayBeAsked reports whether a challenge may be one of the authority's. When another
// server on the data has asked for a certificate, this one may hear of the host from
// the authority first.
func (c *Certificates) mayBeAsked(ctx context.Context, name string) bool {
	if known, err := c.opt.Known(ctx, name); err != nil || known {
		return err == nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.strange.began) > time.Second {
		c.strange = window{began: now}
	}
	c.strange.count++
	return c.strange.count <= maxStrange
}

func (c *Certificates) isLoaded(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.hosts[name]
	return h != nil && h.loaded
}

func (c *Certificates) forget(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h := c.hosts[name]; h != nil && h.running == nil {
		delete(c.hosts, name)
	}
}

// errBusy is what those get that find too many waiting.
var errBusy = errors.New("it is being asked for, and too many wait for it")

// await returns when the certificate of a known host is in the cache. The work does
// not end with the handshake that began it.
func (c *Certificates) await(hello *tls.ClientHelloInfo, name string) error {
	c.mu.Lock()
	h := c.hosts[name]
	switch {
	case c.closed:
		c.mu.Unlock()
		return net.ErrClosed
	case h == nil:
		h = &host{}
		c.hosts[name] = h
	case h.loaded:
		c.mu.Unlock()
		return nil
	case h.running == nil && time.Now().Before(h.retry):
		defer c.mu.Unlock()
		return h.err
	case h.waiting >= maxWaiting:
		c.mu.Unlock()
		return errBusy
	}
	if h.running == nil {
		h.running = make(chan struct{})
		c.work.Go(func() { c.fetch(name, h) })
	}
	running := h.running
	h.waiting++
	c.mu.Unlock()

	// The server's deadline for handshakes is for clients that say nothing.
	if hello.Conn != nil {
		_ = hello.Conn.SetDeadline(time.Now().Add(maxWait + time.Second)) // without it, the handshake fails sooner
	}
	timeout := time.NewTimer(maxWait)
	defer timeout.Stop()
	var err error
	select {
	case <-running:
	case <-hello.Context().Done():
		err = hello.Context().Err()
	case <-timeout.C:
		err = fmt.Errorf("it was not issued within %v, and is still being asked for", maxWait)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	h.waiting--
	if err == nil && !h.loaded {
		err = h.err
	}
	return err
}

// fetch gets a certificate into the cache, from the store or else from the authority.
func (c *Certificates) fetch(name string, h *host) {
	ctx, cancel := context.WithTimeout(c.open, askTimeout+leaseTime)
	defer cancel()
	err := c.load(ctx, name)
	c.mu.Lock()
	defer c.mu.Unlock()
	h.loaded, h.err, h.retry = err == nil, err, time.Time{}
	if err != nil {
		h.retry = time.Now().Add(storeRetry)
		if refused, ok := errors.AsType[*refusedError](err); ok {
			h.err, h.retry = refused, refused.until
		}
		if c.open.Err() == nil {
			c.opt.Logger.Warn("no certificate; the host can't be reached", "host", name, "error", h.err)
		}
	}
	close(h.running)
	h.running = nil
}

func (c *Certificates) load(ctx context.Context, name string) error {
	cert, err := c.magic.CacheManagedCertificate(ctx, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := c.magic.ObtainCertSync(ctx, name); err != nil {
			return err
		}
		_, err = c.magic.CacheManagedCertificate(ctx, name)
		return err
	case err != nil:
		return err
	case cert.Expired():
		// The server was off for long. If the authority can't be had, an expired
		// certificate is still more than none, and what renews tries again.
		if err := c.magic.RenewCertSync(ctx, name, false); err != nil {
			c.opt.Logger.Warn("the certificate has expired and could not be renewed", "host", name, "error", err)
			return nil
		}
		c.cache.RemoveManaged([]certmagic.SubjectIssuer{{Subject: name}})
		_, err = c.magic.CacheManagedCertificate(ctx, name)
		return err
	}
	return nil
}

// onEvent is certmagic's: an error keeps it from what it was about to do.
func (c *Certificates) onEvent(ctx context.Context, event string, data map[string]any) error {
	name, _ := data["identifier"].(string)
	renewal, _ := data["renewal"].(bool)
	switch {
	case event == "cert_obtaining" && renewal:
		return c.mayRenew(ctx, name)
	case event == "cert_obtaining":
		return c.mayAsk(ctx, name)
	case event == "cert_obtained":
		c.opt.Logger.Info("certificate obtained", "host", name, "renewal", renewal)
		if !renewal {
			return c.keepOrder(ctx, name, order{})
		}
	}
	return nil
}

// mayRenew lets go of the certificate of a host that the server no longer knows.
func (c *Certificates) mayRenew(ctx context.Context, name string) error {
	known, err := c.opt.Known(ctx, name)
	if err != nil || known {
		return err
	}
	c.cache.RemoveManaged([]certmagic.SubjectIssuer{{Subject: name}})
	c.forget(name)
	return errors.New("the server no longer has this host")
}
