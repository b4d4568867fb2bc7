package frontdoor_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/fazt-sh/fazt/frontdoor"
)

// secured is a Door that serves TLS on loopback, by one protocol.
type secured struct {
	t      *testing.T
	door   *frontdoor.Door
	stop   context.CancelFunc // begins the end
	addr   string
	config *tls.Config // of clients
}

// eachProtocol runs a test by HTTP/1.1 and by HTTP/2, at the same time as others:
// they wait for deadlines.
func eachProtocol(t *testing.T, test func(t *testing.T, proto string)) {
	t.Parallel()
	for _, proto := range []string{"http/1.1", "h2"} {
		t.Run(proto, func(t *testing.T) {
			t.Parallel()
			test(t, proto)
		})
	}
}

func serveTLS(t *testing.T, proto string, opt frontdoor.Options, h http.Handler) *secured {
	t.Helper()
	server, client := certified(t)
	server.NextProtos, client.NextProtos = []string{"h2", "http/1.1"}, []string{proto}
	l := listen(t)
	door, stop := serve(t, opt, tls.NewListener(l, server), h)
	return &secured{t: t, door: door, stop: stop, addr: l.Addr().String(), config: client}
}

// certified are the configurations of a server and of a client that trusts it.
func certified(t *testing.T) (server, client *tls.Config) {
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	defer s.Close()
	return &tls.Config{Certificates: s.TLS.Certificates},
		&tls.Config{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "127.0.0.1"}
}

// client makes requests by the protocol, on connections of its own.
func (s *secured) client() *http.Client {
	transport := &http.Transport{TLSClientConfig: s.config.Clone(), ForceAttemptHTTP2: s.config.NextProtos[0] == "h2"}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// dial is a connection after its handshake.
func (s *secured) dial() (*tls.Conn, error) {
	c, err := tls.Dial("tcp", s.addr, s.config)
	if err == nil {
		s.t.Cleanup(func() { c.Close() })
	}
	return c, err
}

func (s *secured) mustDial() *tls.Conn {
	s.t.Helper()
	c, err := s.dial()
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s *secured) wantConns(n int) { s.t.Helper(); wantConns(s.t, s.door, n) }

// wantConns waits until a door counts n connections.
func wantConns(t *testing.T, door *frontdoor.Door, n int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); door.Stats().Conns != n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d connections count, want %d", door.Stats().Conns, n)
		}
	}
}

// wantClosed waits until the server closes a connection.
func (s *secured) wantClosed(c net.Conn) {
	s.t.Helper()
	c.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
		s.t.Error("the connection was not closed")
	}
}

func TestTLS(t *testing.T) {
	eachProtocol(t, func(t *testing.T, proto string) {
		s := serveTLS(t, proto, frontdoor.Options{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, r.TLS != nil && r.TLS.HandshakeComplete, " ", frontdoor.IsSecure(r), " ", r.ProtoMajor)
		}))
		client := s.client()
		for range 2 {
			res, err := client.Get("https://" + s.addr)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			res.Body.Close()
			if want := map[string]string{"http/1.1": "true true 1", "h2": "true true 2"}[proto]; err != nil || string(body) != want {
				t.Errorf("%s, %v; want %s", body, err, want)
			}
		}
		s.wantConns(1)
		client.CloseIdleConnections()
		s.wantConns(0)
	})
}

// TestTLSAbove a ConnLimiter, as it is used without a Door.
func TestTLSAbove(t *testing.T) {
	limiter := newConnLimiter(t, frontdoor.ConnLimits{PerAddress: 1})
	config, client := certified(t)
	l := listen(t)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.TLS != nil) })}
	served := make(chan error, 1)
	go func() { served <- server.Serve(tls.NewListener(limiter.Wrap(l), config)) }()
	defer func() {
		server.Close()
		<-served
	}()
	c, err := tls.Dial("tcp", l.Addr().String(), client)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if status, body := readAnswer(t, c); status != http.StatusOK || body != "true" {
		t.Errorf("%d %s", status, body)
	}
	if second, err := tls.Dial("tcp", l.Addr().String(), client); err == nil {
		second.Close()
		t.Error("a second connection was kept")
	}
}

func TestTLSConnLimits(t *testing.T) {
	eachProtocol(t, func(t *testing.T, proto string) {
		s := serveTLS(t, proto, frontdoor.Options{ConnsPerAddress: 2}, http.NotFoundHandler())
		first := s.mustDial()
		s.mustDial()
		if _, err := s.dial(); err == nil {
			t.Error("a third connection was kept")
		}
		if got := s.door.Stats(); got.Conns != 2 || got.ConnsRefused != 1 {
			t.Errorf("%+v; want 2 connections and 1 refused", got)
		}
		first.Close()
		s.wantConns(1)
		s.mustDial()
	})
}

// TestTLSHandshakeStalls, from its start or in the middle.
func TestTLSHandshakeStalls(t *testing.T) {
	eachProtocol(t, func(t *testing.T, proto string) {
		s := serveTLS(t, proto, frontdoor.Options{HeaderTimeout: 200 * time.Millisecond, WriteTimeout: time.Hour}, http.NotFoundHandler())
		for _, start := range []string{"", "\x16\x03\x01\x02\x00\x01"} { // of a ClientHello of 512 bytes
			c, err := net.Dial("tcp", s.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			io.WriteString(c, start)
			s.wantClosed(c)
		}
		s.wantConns(0)
	})
}

// TestTLSHeaderStalls, over HTTP/2 as long as a connection may be idle.
func TestTLSHeaderStalls(t *testing.T) {
	eachProtocol(t, func(t *testing.T, proto string) {
		opt := frontdoor.Options{HeaderTimeout: time.Second, WriteTimeout: time.Hour, IdleTimeout: time.Hour}
		if proto == "h2" {
			opt = frontdoor.Options{IdleTimeout: time.Second}
		}
		s := serveTLS(t, proto, opt, http.NotFoundHandler())
		c := s.mustDial()
		if proto == "h2" {
			startHTTP2(t, c, 0)
			io.WriteString(c, "\x00\x00\x10\x01\x05\x00\x00\x00\x01\x82") // of a HEADERS frame of 16 bytes
		} else {
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: ")
		}
		s.wantClosed(c)
		s.wantConns(0)
	})
}

func TestTLSBodyStalls(t *testing.T) {
	eachProtocol(t, func(t *testing.T, proto string) {
		read := make(chan error, 1)
		s := serveTLS(t, proto, frontdoor.Options{Stall: time.Second}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, err := io.Copy(io.Discard, r.Body)
			read <- err
		}))
		body, write := io.Pipe()
		defer write.Close()
		var client sync.WaitGroup
		client.Go(func() {
			res, err := s.client().Post("https://"+s.addr, "", body)
			if err == nil {
				res.Body.Close()
			}
		})
		io.WriteString(write, "slow")
		if err := <-read; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the body: %v; want that its deadline has passed", err)
		}
		write.Close()
		client.Wait()
	})
}

// TestTLSReaderStalls: a client that asks for much and takes nothing, by way of the
// protocol's flow control or, where there is none, of the connection.
func TestTLSReaderStalls(t *testing.T) {
	test := func(t *testing.T, proto string, ask func(s *secured)) {
		written := make(chan error, 1)
		s := serveTLS(t, proto, frontdoor.Options{IdleTimeout: time.Second}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, err := io.Copy(w, io.LimitReader(zeros{}, 1<<30))
			written <- err
		}))
		ask(s)
		if err := <-written; err == nil {
			t.Error("a client that takes nothing was sent 1 GiB")
		}
	}
	eachProtocol(t, func(t *testing.T, proto string) {
		test(t, proto, func(s *secured) {
			res, err := s.client().Get("https://" + s.addr)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { res.Body.Close() })
		})
	})
	t.Run("h2 without flow control", func(t *testing.T) {
		t.Parallel()
		test(t, "h2", func(s *secured) {
			c := s.mustDial()
			request(t, startHTTP2(t, c, 1<<31-1), 1)
			t.Cleanup(func() { s.wantConns(0) })
		})
	})
}

// TestHTTP2Streams are bounded for each connection.
func TestHTTP2Streams(t *testing.T) {
	t.Parallel()
	finish := make(chan struct{})
	s := serveTLS(t, "h2", frontdoor.Options{Streams: 2}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-finish }))
	defer close(finish)
	framer := startHTTP2(t, s.mustDial(), 0)
	for stream := range uint32(3) {
		request(t, framer, 2*stream+1)
	}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if n, ok := frame.Value(http2.SettingMaxConcurrentStreams); ok && n != 2 {
				t.Errorf("the server announces %d streams", n)
			}
		case *http2.RSTStreamFrame:
			if frame.StreamID != 5 {
				t.Errorf("stream %d was refused, want the third, 5", frame.StreamID)
			}
			return
		}
	}
}

// startHTTP2 begins HTTP/2 on a connection, which may send window bytes beyond the
// protocol's 64 KiB.
func startHTTP2(t *testing.T, c *tls.Conn, window uint32) *http2.Framer {
	t.Helper()
	io.WriteString(c, http2.ClientPreface)
	framer := http2.NewFramer(c, c)
	settings := []http2.Setting{}
	if window > 0 {
		settings = append(settings, http2.Setting{ID: http2.SettingInitialWindowSize, Val: window})
	}
	err := framer.WriteSettings(settings...)
	if window > 0 && err == nil {
		err = framer.WriteWindowUpdate(0, window-1<<16)
	}
	if err != nil {
		t.Fatal(err)
	}
	return framer
}

// request asks for / on a stream.
func request(t *testing.T, framer *http2.Framer, stream uint32) {
	t.Helper()
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range []string{":method GET", ":scheme https", ":authority 127.0.0.1", ":path /"} {
		name, value, _ := strings.Cut(field, " ")
		encoder.WriteField(hpack.HeaderField{Name: name, Value: value}) // a bytes.Buffer takes every write
	}
	if err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true}); err != nil {
		t.Fatal(err)
	}
}

// TestHijacked: a connection that its handler took over counts until that has
// closed it.
func TestHijacked(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprint("TLS ", secure), func(t *testing.T) {
			t.Parallel()
			taken := make(chan net.Conn, 1)
			l, ask := listen(t), net.Dial
			addr := l.Addr().String()
			if secure {
				server, client := certified(t)
				l = tls.NewListener(l, server)
				ask = func(network, addr string) (net.Conn, error) { return tls.Dial(network, addr, client) }
			}
			door, _ := serve(t, frontdoor.Options{ConnsPerAddress: 1}, l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
				}
				taken <- c
			}))
			client, err := ask("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			io.WriteString(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			c := <-taken
			if answered(t, l.Addr()) {
				t.Error("beside the connection that was taken over, another was kept")
			}
			c.Close()
			wantConns(t, door, 0)
		})
	}
}

// TestTLSDrains: a request that runs is answered after the end has begun.
func TestTLSDrains(t *testing.T) {
	eachProtocol(t, func(t *testing.T, proto string) {
		started, finish := make(chan struct{}), make(chan struct{})
		s := serveTLS(t, proto, frontdoor.Options{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(started)
			<-finish
			io.WriteString(w, "late")
		}))
		answer := make(chan string, 1)
		go func() {
			res, err := s.client().Get("https://" + s.addr)
			if err != nil {
				answer <- err.Error()
				return
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			answer <- fmt.Sprint(string(body), " ", err)
		}()
		<-started
		s.stop()
		for { // until nobody listens
			c, err := net.Dial("tcp", s.addr)
			if err != nil {
				break
			}
			c.Close()
		}
		close(finish)
		if got := <-answer; got != "late <nil>" {
			t.Errorf("the request that was running: %s", got)
		}
	})
}
