package frontdoor_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"

	"github.com/fazt-sh/fazt/frontdoor"
)

// A whole service: limits, deadlines and a drained end in two lines.
func Example() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		defer stop() // ends Serve; a program uses signal.NotifyContext
		res, err := http.Get("http://" + listener.Addr().String())
		if err != nil {
			log.Print(err)
			return
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		fmt.Println(res.StatusCode, string(body), err)
	}()

	door, err := frontdoor.New(frontdoor.Options{})
	if err != nil {
		log.Fatal(err)
	}
	err = door.Serve(ctx, listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello")
	}))
	fmt.Println(err)
	// Output:
	// 200 hello <nil>
	// <nil>
}

// One part alone, around any handler.
func ExampleRateLimiter() {
	limiter, err := frontdoor.NewRateLimiter(frontdoor.RateLimit{
		PerSecond: 50,
		Reserve: func(r *http.Request) frontdoor.Reserve {
			if r.URL.Path == "/health" {
				return frontdoor.HealthReserve
			}
			return frontdoor.NoReserve
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("/", limiter.Wrap(http.NotFoundHandler()))
}
