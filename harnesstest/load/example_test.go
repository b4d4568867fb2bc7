package load_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/fazt-sh/fazt/harnesstest/load"
)

func ExampleLoad() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }))
	defer srv.Close()
	result, err := load.Load{
		Dial:     load.TCP(srv.Listener.Addr().String()),
		Arrivals: load.Constant(500),
		Duration: 100 * time.Millisecond,
		Request:  load.Same(load.Get("example.com", "/")),
		Check: func(n int, a load.Answer) error {
			if string(a.Body) != "hello" {
				return fmt.Errorf("request %d is answered %s", n, a.Body)
			}
			return nil
		},
	}.Run(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.OK.Count(), "good answers,", result.Wrong.Count(), "wrong; p99 was measured:", result.OK.At(99) > 0)
	// Output: 50 good answers, 0 wrong; p99 was measured: true
}
