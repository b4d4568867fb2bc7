package faults_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/fazt-sh/fazt/harnesstest/faults"
)

// A client that gives up on a server that does not answer any more.
func ExampleProxy() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }))
	defer srv.Close()
	line, err := faults.NewProxy(srv.Listener.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer line.Close()
	client := http.Client{Timeout: time.Minute}
	defer client.CloseIdleConnections()
	ask := func() {
		res, err := client.Get("http://" + line.Addr())
		if err != nil {
			fmt.Println("no answer")
			return
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		fmt.Printf("%s\n", body)
	}
	ask()
	line.Set(faults.Line{Hold: true}) // nothing arrives any more, and nobody is told
	client.Timeout = 50 * time.Millisecond
	ask()
	line.Set(faults.Line{})
	client.Timeout = time.Minute
	ask()
	// Output:
	// hello
	// no answer
	// hello
}
