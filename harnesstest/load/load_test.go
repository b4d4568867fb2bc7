package load_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/harnesstest/load"
)

// server answers on connections in memory, whose deadlines keep a bubble's time.
type server struct {
	conns atomic.Int64
	// answer is what request n of the server gets, in raw HTTP. An empty one closes the
	// connection.
	answer func(n int) string
	n      atomic.Int64
}

func (s *server) dial(context.Context) (net.Conn, error) {
	client, conn := net.Pipe()
	s.conns.Add(1)
	go func() {
		defer conn.Close()
		requests := bufio.NewReader(conn)
		for {
			req, err := http.ReadRequest(requests)
			if err != nil {
				return
			}
			io.Copy(io.Discard, req.Body)
			answer := s.answer(int(s.n.Add(1) - 1))
			if _, err := io.WriteString(conn, answer); err != nil || answer == "" {
				return
			}
		}
	}()
	return client, nil
}

func answer(status int, header, body string) string {
	return fmt.Sprintf("HTTP/1.1 %d %s\r\n%sContent-Length: %d\r\n\r\n%s", status, http.StatusText(status), header, len(body), body)
}

// taking answers after d.
func taking(d time.Duration) func(int) string {
	return func(int) string {
		time.Sleep(d)
		return answer(200, "", "ok")
	}
}

var get = load.Same(load.Get("h", "/"))

func run(t *testing.T, l load.Load) *load.Result {
	t.Helper()
	result, err := load.FakeClock(l).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// near holds a time against what two significant figures leave of it.
func near(got, want time.Duration) bool { return got >= want*98/100 && got <= want*102/100 }

func TestClosedLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: taking(10 * time.Millisecond)}
		r := run(t, load.Load{Dial: s.dial, Connections: 4, Duration: time.Second, Request: get})
		if r.OK.Count() != 400 || r.Rate() != 400 || s.conns.Load() != 4 {
			t.Errorf("%d answers on %d connections, %v/s, want 400 on 4", r.OK.Count(), s.conns.Load(), r.Rate())
		}
		if !near(r.OK.At(50), 10*time.Millisecond) || !near(r.OK.Max(), 10*time.Millisecond) || !near(r.OK.Mean(), 10*time.Millisecond) {
			t.Errorf("p50 %v, max %v, mean %v, want 10ms", r.OK.At(50), r.OK.Max(), r.OK.Mean())
		}
		if err := r.Err(); err != nil {
			t.Error(err)
		}
	})
}

// Each number is used once, so that a mixture by it is exact.
func TestRequestsAreNumbered(t *testing.T) {
	for name, arrivals := range map[string]load.Arrivals{"closed": nil, "constant": load.Constant(400)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{answer: taking(10 * time.Millisecond)}
				var seen [400]atomic.Int64
				r := run(t, load.Load{Dial: s.dial, Connections: 4, Duration: time.Second, Arrivals: arrivals, Request: func(n int) []byte {
					seen[n].Add(1)
					return load.Post("h", "/", "{}")
				}})
				for n := range seen {
					if got := seen[n].Load(); got != 1 {
						t.Fatalf("request %d was made %d times, of %d", n, got, r.Requests())
					}
				}
			})
		})
	}
}

// A server that stalls for a second delays all who would have come in that second.
// In a loop that waits for each answer, one request would have seen it.
func TestNoCoordinatedOmission(t *testing.T) {
	for name, connections := range map[string]int{"one connection": 1, "as many as are needed": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				s := &server{answer: func(int) string {
					since := time.Since(begin)
					if since >= time.Second && since < 2*time.Second {
						time.Sleep(2*time.Second - since)
					}
					return answer(200, "", "ok")
				}}
				r := run(t, load.Load{Dial: s.dial, Connections: connections, Duration: 4 * time.Second, Arrivals: load.Constant(100), Request: get})
				if r.OK.Count() != 400 || r.Invalid != "" {
					t.Fatalf("%d answers, invalid: %q", r.OK.Count(), r.Invalid)
				}
				// A quarter came during the stall and waited between 0 and 1 s.
				if got := r.OK.At(87.5); !near(got, 500*time.Millisecond) {
					t.Errorf("the 87.5th percentile is %v, want 500ms", got)
				}
				if got := r.OK.Max(); !near(got, time.Second) {
					t.Errorf("the longest is %v, want 1s", got)
				}
			})
		})
	}
}

// A crowd opens as many connections as it needs, and uses them again.
func TestOpenLoopOpensConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: taking(95 * time.Millisecond)}
		r := run(t, load.Load{Dial: s.dial, Duration: time.Second, Arrivals: load.Constant(100), Request: get})
		if r.OK.Count() != 100 || !near(r.OK.Max(), 95*time.Millisecond) {
			t.Errorf("%d answers, the longest %v", r.OK.Count(), r.OK.Max())
		}
		if n := s.conns.Load(); n < 10 || n > 12 {
			t.Errorf("%d connections for ten requests at once", n)
		}
	})
}

func TestInvalid(t *testing.T) {
	slowly := func(every int, d time.Duration) func(int) []byte {
		return func(n int) []byte {
			if n%every == 0 {
				time.Sleep(d)
			}
			return get(n)
		}
	}
	for _, test := range []struct {
		name    string
		load    load.Load
		answers time.Duration
		want    string
	}{
		{name: "closed", load: load.Load{Request: slowly(1, 20*time.Millisecond), Connections: 1}, want: "20.1ms"},
		{name: "open", load: load.Load{Request: slowly(1, 20*time.Millisecond), Arrivals: load.Constant(10)}, want: "20.1ms"},
		{name: "open with a limit", load: load.Load{Request: slowly(1, 20*time.Millisecond), Arrivals: load.Constant(10), Connections: 5}, want: "20.1ms"},
		{name: "two in a hundred", load: load.Load{Request: slowly(50, 20*time.Millisecond), Arrivals: load.Constant(200)}, want: "20.1ms"},
		{name: "one in a hundred", load: load.Load{Request: slowly(100, 20*time.Millisecond), Arrivals: load.Constant(200)}},
		{name: "within a given bound", load: load.Load{Request: slowly(1, 20*time.Millisecond), Arrivals: load.Constant(10), MaxLag: 30 * time.Millisecond}},
		{name: "late by the limit alone", load: load.Load{Request: get, Arrivals: load.Constant(100), Connections: 1}, answers: 20 * time.Millisecond},
		{name: "late by the limit, and by its own doing", load: load.Load{Request: slowly(1, 20*time.Millisecond), Arrivals: load.Constant(100), Connections: 1},
			answers: 20 * time.Millisecond, want: "20.1ms"},
		{name: "a slow server", load: load.Load{Request: get, Connections: 2}, answers: 300 * time.Millisecond},
		{name: "a slow check", load: load.Load{Request: get, Connections: 1, Check: func(int, load.Answer) error { time.Sleep(20 * time.Millisecond); return nil }}, want: "20.1ms"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{answer: taking(test.answers)}
				test.load.Dial = func(ctx context.Context) (net.Conn, error) {
					time.Sleep(50 * time.Millisecond) // which is the server's time
					return s.dial(ctx)
				}
				r := run(t, test.load)
				if (r.Invalid != "") != (test.want != "") || !strings.Contains(r.Invalid, test.want) {
					t.Errorf("invalid: %q, lag p99 %v, want %q", r.Invalid, r.Lag.At(99), test.want)
				}
				if err := r.Err(); (err != nil) != (test.want != "") {
					t.Errorf("the error is %v", err)
				}
			})
		})
	}
}

// Requests that find no connection for too long are counted, not forgotten.
func TestUnsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: taking(100 * time.Millisecond)}
		r := run(t, load.Load{Dial: s.dial, Connections: 1, Duration: time.Second, Timeout: 300 * time.Millisecond, Arrivals: load.Constant(100), Request: get})
		if r.Requests() != 100 || r.Errors[load.Unsent] == 0 || r.OK.Count()+r.Errors[load.Unsent] != 100 {
			t.Errorf("of %d requests %d were answered and %d unsent", r.Requests(), r.OK.Count(), r.Errors[load.Unsent])
		}
		if r.Elapsed > 1500*time.Millisecond {
			t.Errorf("it went on for %v", r.Elapsed)
		}
		if r.Invalid != "" {
			t.Error(r.Invalid)
		}
	})
}

func TestKinds(t *testing.T) {
	for _, test := range []struct {
		name, answer string
		kind         load.Kind
	}{
		{"closed", "", load.Closed},
		{"closed within the head", "HTTP/1.1 200 OK\r\nContent-Le", load.Closed},
		{"closed within the body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", load.Closed},
		{"closed within a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", load.Closed},
		{"closed before the last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", load.Closed},
		{"another protocol", "SSH-2.0-OpenSSH_9.9\r\n", load.Malformed},
		{"no status", "HTTP/1.1 abc OK\r\n\r\n", load.Malformed},
		{"a length that is none", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", load.Malformed},
		{"a line without a colon", "HTTP/1.1 200 OK\r\nnothing\r\n\r\n", load.Malformed},
		{"a line without an end", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 20<<10) + "\r\n\r\n", load.Malformed},
		{"a chunk of no length", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", load.Malformed},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dial := func(context.Context) (net.Conn, error) {
					client, conn := net.Pipe()
					go func() {
						defer conn.Close()
						http.ReadRequest(bufio.NewReader(conn))
						io.WriteString(conn, test.answer)
					}()
					return client, nil
				}
				r := run(t, load.Load{Dial: dial, Connections: 1, Duration: 5 * time.Millisecond, Request: get})
				if diff := cmp.Diff(map[load.Kind]int64{test.kind: 1}, r.Errors); diff != "" {
					t.Errorf("errors (-want +got):\n%s%v", diff, r.Examples)
				}
				if err := r.Err(); err == nil || !strings.Contains(err.Error(), "1 "+string(test.kind)) {
					t.Errorf("the error is %v", err)
				}
			})
		})
	}
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: taking(10 * time.Second)}
		r := run(t, load.Load{Dial: s.dial, Connections: 1, Duration: 500 * time.Millisecond, Timeout: time.Second, Request: get})
		if r.Errors[load.Timeout] != 1 || r.Elapsed != time.Second+10*time.Millisecond {
			t.Errorf("%v after %v", r.Errors, r.Elapsed)
		}
		time.Sleep(10 * time.Second) // until the server has noticed
	})
}

// A server that goes away is asked again in a while, and is an error each time.
func TestServerGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: func(int) string { return "" }}
		var dials int
		r := run(t, load.Load{Connections: 1, Duration: 100 * time.Millisecond, Request: get, Dial: func(ctx context.Context) (net.Conn, error) {
			if dials++; dials > 1 {
				return nil, errors.New("gone")
			}
			return s.dial(ctx)
		}})
		if diff := cmp.Diff(map[load.Kind]int64{load.Closed: 1, load.Connect: 9}, r.Errors); diff != "" {
			t.Errorf("errors (-want +got):\n%s", diff)
		}
	})
}

func TestStatuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := []string{
			answer(200, "", "ok"), answer(429, "Retry-After: 1\r\n", ""), answer(503, "", ""), answer(304, "", ""),
			answer(500, "", "no"), answer(200, "Connection: close\r\n", "bye"),
		}
		s := &server{answer: func(n int) string { time.Sleep(time.Millisecond); return answers[n%len(answers)] }}
		r := run(t, load.Load{Dial: s.dial, Connections: 1, Duration: 60 * time.Millisecond, Request: get})
		got := []int64{r.Requests(), r.OK.Count(), r.Refused.Count(), r.NoRetryAfter, r.Wrong.Count(), int64(len(r.Errors)), s.conns.Load()}
		if diff := cmp.Diff([]int64{60, 30, 20, 10, 10, 0, 10}, got); diff != "" {
			t.Errorf("requests, good, refused, of these without Retry-After, wrong, errors, connections (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[int]int64{200: 20, 304: 10, 429: 10, 503: 10, 500: 10}, r.Statuses); diff != "" {
			t.Errorf("statuses (-want +got):\n%s", diff)
		}
		if err := r.Err(); err == nil || err.Error() != "load: of 60 requests 20 refused, 10 with a wrong answer: the server answered 500" {
			t.Errorf("the error is %v", err)
		}
	})
}

// What Check says is right is right, whatever its status, and the reverse.
func TestCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := []string{answer(404, "", "nothing here"), answer(200, "", "something else"), answer(503, "", "")}
		s := &server{answer: func(n int) string { time.Sleep(time.Millisecond); return answers[n] }}
		check := func(n int, a load.Answer) error {
			if a.Status != 404 || string(a.Body) != "nothing here" {
				return fmt.Errorf("request %d: %d %s", n, a.Status, a.Body)
			}
			return nil
		}
		r := run(t, load.Load{Dial: s.dial, Connections: 1, Duration: 3 * time.Millisecond, Request: get, Check: check})
		if r.OK.Count() != 1 || r.Wrong.Count() != 1 || r.Refused.Count() != 1 {
			t.Errorf("%d good, %d wrong, %d refused", r.OK.Count(), r.Wrong.Count(), r.Refused.Count())
		}
		if diff := cmp.Diff("[request 1: 200 something else]", fmt.Sprint(r.Examples)); diff != "" {
			t.Errorf("examples (-want +got):\n%s", diff)
		}
	})
}

// The end of the context ends a load at once, and what was seen until then is there.
func TestContextEnds(t *testing.T) {
	for name, arrivals := range map[string]load.Arrivals{"closed": nil, "constant": load.Constant(10), "seldom": load.Constant(0.1)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				s := &server{answer: func(n int) string {
					if n > 0 {
						time.Sleep(time.Hour)
					}
					return answer(200, "", "ok")
				}}
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				l := load.Load{Dial: s.dial, Connections: 1, Duration: time.Minute, Timeout: 2 * time.Minute, Arrivals: arrivals, Request: get}
				r, err := load.FakeClock(l).Run(ctx)
				if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 5*time.Second {
					t.Fatalf("after %v: %v", time.Since(begin), err)
				}
				if r.OK.Count() != 1 || r.Requests() != 1 || r.Elapsed != 5*time.Second {
					t.Errorf("%d requests, %d answered, in %v", r.Requests(), r.OK.Count(), r.Elapsed)
				}
				time.Sleep(time.Hour) // until the server has noticed
			})
		})
	}
}

func TestCannotBeSent(t *testing.T) {
	s := &server{answer: taking(0)}
	gone := func(context.Context) (net.Conn, error) { return nil, errors.New("connection refused") }
	for _, test := range []struct {
		name string
		load load.Load
		want string
	}{
		{"nothing", load.Load{}, "Dial and Request are not both there"},
		{"no server", load.Load{Dial: gone, Request: get}, "connect: connection refused"},
		{"no server for a crowd", load.Load{Dial: gone, Request: get, Arrivals: load.Constant(1)}, "connect: connection refused"},
		{"no arrivals", load.Load{Dial: s.dial, Request: get, Arrivals: load.Constant(0)}, "give it a positive rate"},
		{"negative", load.Load{Dial: s.dial, Request: get, Duration: -1}, "negative"},
		{"a local address that is none", load.Load{Dial: load.TCP("127.0.0.1:1", "here"), Request: get}, "here"},
	} {
		if _, err := test.load.Run(t.Context()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}
