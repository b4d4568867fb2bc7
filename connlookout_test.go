package fazt_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/harnesstest"
)

// A client that goes away ends what is done for it.
func TestClientGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t)
		started := make(chan struct{})
		var cause error
		if err := srv.Bind("test.wait", func(ctx context.Context) {
			close(started)
			<-ctx.Done()
			cause = context.Cause(ctx)
		}); err != nil {
			t.Fatal(err)
		}
		deploy(t, srv, "app", files("api/main.js", `test.wait()`))
		c := servePipes(t, srv).dial(string(harnesstest.Get("app.localhost", "/api")))
		<-started
		c.Close()
		time.Sleep(time.Second) // also for the runtime's watcher, which outlives the run
		synctest.Wait()
		if cause != context.Canceled {
			t.Errorf("the context ended with %v, want that it was canceled", cause)
		}
	})
}

// watchedPipe is a limitedPipe whose context ends with its client.
func watchedPipe(t *testing.T) (ctx context.Context, server, client net.Conn) {
	server, client = limitedPipe(t)
	return fazt.ClientContext(t.Context(), server), server, client
}

func TestConnLookout(t *testing.T) {
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
				ctx, server, client := watchedPipe(t)
				test(t, ctx, server, client)
			})
		})
	}
}

// Whichever way a look, the end of a read and the bytes of the client fall, no
// byte is lost, doubled or out of order.
func TestConnLookoutRace(t *testing.T) {
	_, server, client := watchedPipe(t)
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
				fazt.Tick(server)
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

// Requests that a client sends in one go are answered one after the other,
// whichever of them take their time, and the connection can be used again.
func TestPipelinedRequests(t *testing.T) {
	for _, paths := range [][]string{
		{"/api/1", "/api/2", "/api/3"}, {"/api/1", "/"}, {"/", "/api/1"}, {"/api/1", "/", "/api/2", "/", "/"},
	} {
		synctest.Test(t, func(t *testing.T) {
			srv := open(t)
			if err := srv.Bind("test.pause", func() { time.Sleep(time.Second) }); err != nil {
				t.Fatal(err)
			}
			deploy(t, srv, "app", files("index.html", "/", "api/main.js", `test.pause(); respond(request.path)`))
			c := servePipes(t, srv).dial("")
			r := bufio.NewReader(c)
			for range 3 {
				var all []byte
				for _, path := range paths {
					all = append(all, harnesstest.Get("app.localhost", path)...)
				}
				if _, err := c.Write(all); err != nil {
					t.Fatal(err)
				}
				for _, want := range paths {
					res, err := http.ReadResponse(r, nil)
					if err != nil {
						t.Fatal(err)
					}
					body, err := io.ReadAll(res.Body)
					if err != nil || string(body) != want {
						t.Errorf("%v: %s, %v; want %s", paths, body, err, want)
					}
				}
			}
			time.Sleep(time.Second) // the runtime's watcher outlives the last run
		})
	}
}
