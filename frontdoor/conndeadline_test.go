package frontdoor_test

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fazt-sh/fazt/frontdoor"
)

// pipeListener accepts one end of each pipe that is sent to it.
type pipeListener chan net.Conn

func (l pipeListener) Accept() (net.Conn, error) {
	c, ok := <-l
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (l pipeListener) Close() error   { return nil }
func (l pipeListener) Addr() net.Addr { return &net.UnixAddr{} }

// tickedPipe returns a connection as a server gets it, and its client's end.
func tickedPipe(t *testing.T) (server, client net.Conn) {
	t.Helper()
	l := make(pipeListener, 1)
	below, client := net.Pipe()
	l <- below
	server, err := frontdoor.AcceptTicked(l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Close()
		client.Close()
	})
	return server, client
}

func TestConnDeadline(t *testing.T) {
	read := func(c net.Conn) error {
		_, err := c.Read(make([]byte, 1))
		return err
	}
	write := func(c net.Conn) error {
		_, err := c.Write([]byte("x"))
		return err
	}
	for _, side := range []struct {
		name string
		use  func(net.Conn) error
		set  func(net.Conn, time.Time) error
		help func(net.Conn) error // of the client, so that use succeeds
	}{
		{"read", read, net.Conn.SetReadDeadline, write},
		{"write", write, net.Conn.SetWriteDeadline, read},
		{"both", read, net.Conn.SetDeadline, write},
	} {
		t.Run(side.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, client := tickedPipe(t)
				set := func(at time.Time) {
					t.Helper()
					if err := side.set(server, at); err != nil {
						t.Fatal(err)
					}
				}
				works := func(when string) {
					t.Helper()
					go side.help(client)
					if err := side.use(server); err != nil {
						t.Fatalf("%s: %v", when, err)
					}
				}
				ends := func(when string) time.Duration {
					t.Helper()
					start := time.Now()
					if err := side.use(server); !errors.Is(err, os.ErrDeadlineExceeded) {
						t.Fatalf("%s: %v; want that the deadline has passed", when, err)
					}
					return time.Since(start)
				}
				works("without a deadline")
				set(time.Now().Add(5 * time.Second))
				works("before its deadline")
				if took := ends("until its deadline"); took < 5*time.Second || took > 6*time.Second {
					t.Errorf("ended after %v, want 5 to 6 s", took)
				}
				if took := ends("after its deadline"); took != 0 {
					t.Errorf("what began after its deadline took %v", took)
				}
				set(time.Now().Add(time.Minute))
				works("with a new deadline")
				set(time.Unix(1, 0))
				if took := ends("long after its deadline"); took != 0 {
					t.Errorf("a deadline that is over took %v", took)
				}
				set(time.Time{})
				works("without a deadline again")

				set(time.Now().Add(5 * time.Second))
				go func() {
					time.Sleep(3 * time.Second)
					set(time.Now().Add(5 * time.Second))
				}()
				if took := ends("until a deadline that moved"); took < 8*time.Second || took > 9*time.Second {
					t.Errorf("ended after %v, want 8 to 9 s", took)
				}
			})
		})
	}
}

// What net/http does around every request that takes a while.
func TestConnDeadlineEndsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := tickedPipe(t)
		for range 3 {
			ended := make(chan error)
			go func() {
				_, err := server.Read(make([]byte, 1))
				ended <- err
			}()
			synctest.Wait() // the read is under way
			start := time.Now()
			server.SetReadDeadline(time.Unix(1, 0))
			if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != 0 {
				t.Fatalf("%v after %v; want that the deadline has passed, at once", err, time.Since(start))
			}
			server.SetReadDeadline(time.Time{})
		}
		go client.Write([]byte("x"))
		if _, err := server.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	})
}

// A read either brings its byte or ends when it is told to, whichever way the
// two fall, and none is stuck.
func TestConnDeadlineRace(t *testing.T) {
	server, client := tickedPipe(t)
	const rounds = 2000
	go func() {
		for range rounds {
			client.Write([]byte("x"))
		}
		client.Close()
	}()
	got := 0
	for {
		var n int
		var err error
		var wg sync.WaitGroup
		wg.Go(func() { n, err = server.Read(make([]byte, 1)) })
		server.SetReadDeadline(time.Unix(1, 0))
		wg.Wait()
		server.SetReadDeadline(time.Time{})
		got += n
		if err == io.EOF {
			break
		}
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		if n, err := server.Read(make([]byte, 1)); err == nil {
			got += n
		} else if err == io.EOF {
			break
		} else {
			t.Fatal("after the deadline was taken back: ", err)
		}
	}
	if got != rounds {
		t.Errorf("%d bytes arrived, want %d", got, rounds)
	}
}
