package harnesstest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// stranger is a client that a check sends requests by. Each has cookies of its own and,
// where the target is on this machine, an address of its own: what a server limits by
// address then is not used up by other checks.
type stranger struct {
	probe  *Probe
	from   netip.Addr
	client *http.Client // follows no redirect
}

var strangers atomic.Uint32

// newStranger comes from an address of 127.64.0.0/10 that no other has.
func newStranger(p *Probe) *stranger {
	n := strangers.Add(1)
	return strangerFrom(p, netip.AddrFrom4([4]byte{127, byte(64 + n>>16&63), byte(n >> 8), byte(n)}))
}

func strangerFrom(p *Probe, from netip.Addr) *stranger {
	p.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.Fatal(err)
	}
	v := &stranger{probe: p, from: from}
	transport := &http.Transport{
		DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return v.dial(ctx) },
		DialTLSContext:      func(ctx context.Context, _, _ string) (net.Conn, error) { return v.dial(ctx) },
		MaxIdleConnsPerHost: 256,
		IdleConnTimeout:     30 * time.Second,
		DisableCompression:  true,
	}
	p.Cleanup(transport.CloseIdleConnections)
	v.client = &http.Client{
		Transport: transport, Jar: jar, Timeout: p.patience(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return v
}

func (v *stranger) dial(ctx context.Context) (net.Conn, error) {
	return dialFrom(ctx, v.probe.Target, v.from)
}

// connect is dial for connections that must be taken.
func (v *stranger) connect() net.Conn {
	v.probe.Helper()
	conn, err := v.dial(v.probe.Context())
	if err != nil {
		v.probe.Fatalf("no connection: %v", err)
	}
	return conn
}

// dialFrom connects to a target from an address of this machine's, if the target is on
// it and the machine has the address; otherwise from any.
func dialFrom(ctx context.Context, t Target, from netip.Addr) (net.Conn, error) {
	if addr, ok := loopbackAddr(t); ok {
		dialer := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))}
		if conn, err := dialer.DialContext(ctx, "tcp4", addr); err == nil {
			return conn, nil
		}
	}
	return t.Dial(ctx)
}

// loopbackAddr is the host:port of a target that answers plain HTTP on this machine.
func loopbackAddr(t Target) (addr string, ok bool) {
	u, err := url.Parse(t.Base())
	if err != nil || u.Scheme != "http" || u.Port() == "" {
		return "", false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	switch {
	case u.Hostname() == "localhost", err == nil && ip == netip.AddrFrom4([4]byte{127, 0, 0, 1}):
		return net.JoinHostPort("127.0.0.1", u.Port()), true
	}
	return "", false
}

// request makes a request; what it can't be made of is a mistake of the check.
func (v *stranger) request(method, url string, body string, header ...string) *http.Request {
	v.probe.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(v.probe.Context()), method, url, strings.NewReader(body))
	if err != nil {
		v.probe.Fatal(err)
	}
	if body == "" {
		req.Body, req.GetBody, req.ContentLength = http.NoBody, nil, 0
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	return req
}

// try sends a request and reads the answer.
func (v *stranger) try(req *http.Request) (*Response, error) {
	res, err := v.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return readResponse(res)
}

// send is try for requests that are answered, whatever by. As any client should, it comes
// again where the server has no room just then: other checks take what they can get.
func (v *stranger) send(method, url, body string, header ...string) *Response {
	v.probe.Helper()
	pause := time.NewTicker(100 * time.Millisecond)
	defer pause.Stop()
	for end := time.Now().Add(v.probe.patience()); ; <-pause.C {
		res, err := v.try(v.request(method, url, body, header...))
		if err != nil {
			v.probe.Fatalf("%s %s has no answer: %v", method, url, err)
		}
		if res.Status != http.StatusServiceUnavailable || time.Now().After(end) {
			res.tb = v.probe
			return res
		}
	}
}

// sendJSON sends a value as JSON.
func (v *stranger) sendJSON(method, url string, body any, header ...string) *Response {
	v.probe.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		v.probe.Fatal(err)
	}
	return v.send(method, url, string(text), append(header, "Content-Type", "application/json")...)
}

func (v *stranger) get(url string) *Response {
	v.probe.Helper()
	return v.send(http.MethodGet, url, "")
}

// raw sends bytes as they are, on a connection of their own, and reads one answer.
// The server may also close the connection: the answer is nil then.
func (v *stranger) raw(text string) (*Response, error) {
	conn, err := v.dial(v.probe.Context())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(v.probe.patience())); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(conn, text); err != nil && !isClosed(err) {
		return nil, err
	}
	return readRaw(conn)
}

// readRaw reads one answer from a connection; it is nil where the server has closed
// that instead.
func readRaw(conn net.Conn) (*Response, error) {
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	switch {
	case isClosed(err):
		return nil, nil
	case err != nil:
		return nil, err
	}
	defer res.Body.Close()
	answer, err := readResponse(res)
	if isClosed(err) { // in the middle
		err = nil
	}
	return answer, err
}

func readResponse(res *http.Response) (*Response, error) {
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	return &Response{Status: res.StatusCode, Header: res.Header, Body: string(body), asked: res.Request}, err
}

// isClosed reports whether an error is that the other side has closed the connection.
func isClosed(err error) bool {
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	_, isNet := errors.AsType[*net.OpError](err)
	return isNet
}

// hostOf is the host and port of a URL.
func hostOf(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	host, _, _ := strings.Cut(rest, "/")
	return host
}

// unmarshal reads an answer that must be JSON.
func unmarshal(p *Probe, res *Response, v any) {
	p.Helper()
	if err := json.Unmarshal([]byte(res.Body), v); err != nil {
		p.Fatalf("%v in %v", err, res)
	}
}

// clip is a text for a message.
func clip(s string) string {
	if len(s) > 300 {
		return fmt.Sprintf("%.300q... (%d bytes)", s, len(s))
	}
	return fmt.Sprintf("%q", s)
}
