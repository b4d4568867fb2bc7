package frontdoor_test

import (
	"context"
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

// servedPipe is a tickedPipe with the context that ends with its client.
func servedPipe(t *testing.T) (ctx context.Context, server, client net.Conn) {
	server, client = tickedPipe(t)
	return frontdoor.ConnContext(t.Context(), server), server, client
}

func TestBackgroundRead(t *testing.T) {
	one := make([]byte, 1)
	postponed := func(t *testing.T, c net.Conn) {
		t.Helper()
		if n, err := c.Read(one); n != 0 || err != nil {
			t.Fatalf("a read that is postponed: %d, %v; want 0, nil", n, err)
		}
	}
	reads := func(t *testing.T, c net.Conn, p []byte, want string) {
		t.Helper()
		if n, err := c.Read(p); err != nil || string(p[:n]) != want {
			t.Fatalf("read %q, %v; want %q", p[:n], err, want)
		}
	}
	for name, test := range map[string]func(*testing.T, context.Context, net.Conn, net.Conn){
		"only once": func(t *testing.T, _ context.Context, server, client net.Conn) {
			for range 2 {
				postponed(t, server)
				go client.Write([]byte("x"))
				reads(t, server, one, "x")
			}
		},
		"read ahead": func(t *testing.T, ctx context.Context, server, client net.Conn) {
			postponed(t, server)
			time.Sleep(time.Second)
			go client.Write([]byte("abc"))
			synctest.Wait()
			reads(t, server, make([]byte, 9), "a")
			reads(t, server, make([]byte, 9), "bc")
			if ctx.Err() != nil {
				t.Error("the client has not gone")
			}
		},
		"overtaken": func(t *testing.T, _ context.Context, server, client net.Conn) {
			postponed(t, server)
			time.Sleep(time.Second)
			time.AfterFunc(time.Second, func() { client.Write([]byte("abc")) })
			reads(t, server, make([]byte, 9), "a")
			reads(t, server, make([]byte, 9), "bc")
		},
		"gone": func(t *testing.T, ctx context.Context, server, client net.Conn) {
			postponed(t, server)
			start := time.Now()
			client.Close()
			<-ctx.Done()
			if d := time.Since(start); d > 100*time.Millisecond {
				t.Errorf("noticed after %v", d)
			}
			if _, err := server.Read(one); err != io.EOF {
				t.Errorf("read: %v, want EOF", err)
			}
		},
		"after its end": func(t *testing.T, ctx context.Context, server, client net.Conn) {
			postponed(t, server)
			time.Sleep(time.Second)
			server.SetReadDeadline(time.Unix(1, 0)) // as net/http ends a background read
			synctest.Wait()
			server.SetReadDeadline(time.Time{})
			go client.Write([]byte("abc"))
			reads(t, server, make([]byte, 9), "abc")
			if ctx.Err() != nil {
				t.Error("the client has not gone")
			}
		},
		"deadline": func(t *testing.T, ctx context.Context, server, client net.Conn) {
			postponed(t, server)
			server.SetReadDeadline(time.Now().Add(time.Second))
			time.Sleep(2 * time.Second)
			if ctx.Err() != nil {
				t.Error("a deadline has passed, and the client counts as gone")
			}
			if _, err := server.Read(make([]byte, 9)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("read: %v, want that the deadline has passed", err)
			}
			server.SetReadDeadline(time.Time{})
			go client.Write([]byte("abc"))
			reads(t, server, make([]byte, 9), "abc")
		},
		"closed": func(t *testing.T, ctx context.Context, server, _ net.Conn) {
			postponed(t, server)
			server.Close() // before anything is read ahead, whose failure would end it too
			if ctx.Err() == nil {
				t.Error("the context outlives the connection")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, server, client := servedPipe(t)
				test(t, ctx, server, client)
			})
		})
	}
}

// Whichever way a background read, the end of a read and the bytes of the client fall, no
// byte is lost, doubled or out of order.
func TestBackgroundReadRace(t *testing.T) {
	_, server, client := servedPipe(t)
	const rounds = 2000
	go func() {
		for i := range rounds {
			client.Write([]byte{byte(i)})
		}
		client.Close()
	}()
	var stop sync.WaitGroup
	over := make(chan struct{})
	stop.Go(func() {
		for {
			select {
			case <-over:
				return
			default:
				frontdoor.Tick(server)
			}
		}
	})
	defer stop.Wait()
	defer close(over)
	got := 0
	for {
		p := make([]byte, 1)
		read := func() error {
			n, err := server.Read(p)
			if n == 1 {
				if p[0] != byte(got) {
					t.Errorf("byte %d is %d", got, p[0])
				}
				got++
			}
			return err
		}
		ended := make(chan error)
		go func() { ended <- read() }()
		server.SetReadDeadline(time.Unix(1, 0))
		err := <-ended
		server.SetReadDeadline(time.Time{})
		if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			err = read() // which has no deadline
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if got != rounds {
		t.Errorf("%d bytes arrived, want %d", got, rounds)
	}
}
