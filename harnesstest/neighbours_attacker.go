package harnesstest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/fazt-sh/fazt/harnesstest/load"
)

// attacker sends requests that nobody measures.
type attacker struct {
	host  string     // its app's
	from  netip.Addr // address of its own, where the target sees that
	token string     // an API key that may deploy, or ""

	dial  func(ctx context.Context) (net.Conn, error)
	begun chan struct{} // has room for one: that it has connected

	mu       sync.Mutex
	statuses map[int]int // how often it was answered by each
}

// connect dials, and notes that the attack has begun.
func (a *attacker) connect(ctx context.Context) (net.Conn, error) {
	conn, err := a.dial(ctx)
	if err == nil {
		select {
		case a.begun <- struct{}{}:
		default:
		}
	}
	return conn, err
}

func (a *attacker) answered(status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.statuses == nil {
		a.statuses = make(map[int]int)
	}
	a.statuses[status]++
}

// pointless is how the attacker is answered if that is never more than a word, which any
// server would stand: a path, a key or a handler that is not right is a mistake of the
// attack.
func (a *attacker) pointless(throws bool) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	for status := range a.statuses {
		switch status {
		case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed:
		case http.StatusInternalServerError:
			if throws {
				return ""
			}
		default:
			return ""
		}
	}
	if len(a.statuses) == 0 {
		return "" // as those are whose handlers take long
	}
	return fmt.Sprint(a.statuses)
}

// flood sends the requests that make makes over some connections, one after
// another on each, and opens another when one is closed.
func (a *attacker) flood(ctx context.Context, connections int, request func(n int) []byte) {
	var loops sync.WaitGroup
	for range connections {
		loops.Go(func() {
			for n := 0; ctx.Err() == nil; {
				a.converse(ctx, &n, request)
			}
		})
	}
	loops.Wait()
}

// converse is what one connection of a flood carries.
func (a *attacker) converse(ctx context.Context, n *int, request func(n int) []byte) {
	conn, err := a.connect(ctx)
	if err != nil {
		a.rest(ctx, 10*time.Millisecond)
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	answers := bufio.NewReaderSize(conn, 64<<10)
	for ctx.Err() == nil {
		*n++
		if _, err := conn.Write(request(*n)); err != nil {
			return
		}
		res, err := http.ReadResponse(answers, nil)
		if err != nil {
			return
		}
		a.answered(res.StatusCode)
		_, err = io.Copy(io.Discard, res.Body)
		if err != nil || res.Close {
			return
		}
	}
}

func (a *attacker) get(path string) []byte        { return load.Get(a.host, path) }
func (a *attacker) post(path, body string) []byte { return load.Post(a.host, path, body) }

// form is a request with a file of that size.
func (a *attacker) form(size int) []byte {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, _ := form.CreateFormFile("file", "file.bin") // a bytes.Buffer takes every write
	part.Write(make([]byte, size))
	form.Close()
	head := fmt.Sprintf("POST /api HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", a.host, form.FormDataContentType(), body.Len())
	return append([]byte(head), body.Bytes()...)
}

// stall sends something, and then neither sends nor reads anything more. It
// begins anew when it is cut off.
func (a *attacker) stall(ctx context.Context, request []byte) {
	for ctx.Err() == nil {
		conn, err := a.connect(ctx)
		if err != nil {
			a.rest(ctx, 100*time.Millisecond)
			continue
		}
		stop := context.AfterFunc(ctx, func() { conn.Close() })
		if _, err := conn.Write(request); err == nil {
			begin := make([]byte, len("HTTP/1.1 200")) // of an answer, if one begins
			_, err = io.ReadFull(conn, begin)
			if status, e := strconv.Atoi(string(begin[len("HTTP/1.1 "):])); err == nil && e == nil {
				a.answered(status)
			}
			for err == nil && ctx.Err() == nil {
				a.rest(ctx, 100*time.Millisecond)
				_, err = conn.Write(nil)
			}
		}
		stop()
		conn.Close()
		a.rest(ctx, 100*time.Millisecond)
	}
}

// idle asks for a page and keeps the connection.
func (a *attacker) idle(ctx context.Context) {
	conn, err := a.connect(ctx)
	if err != nil {
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := conn.Write(a.get("/")); err == nil {
		io.Copy(io.Discard, conn)
	}
}

func (*attacker) rest(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
