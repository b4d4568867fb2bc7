package routing

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// sendTimeout ends a request that a server never answers.
const sendTimeout = 30 * time.Second

// Send asks the server that listens on addr, on a connection of its own: what a
// client library would mend on the way comes as it is in the table. It returns what is
// not as it must be, a line each.
func (c *Case) Send(addr string) ([]string, error) {
	conn, err := net.DialTimeout("tcp", addr, sendTimeout)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(sendTimeout)); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(conn, c.request()); err != nil {
		return nil, err
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: c.Method})
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	return c.compare(res, string(body)), nil
}

func (c *Case) request() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", c.Method, c.Target)
	if c.Host != "-" {
		fmt.Fprintf(&b, "Host: %s\r\n", c.Host)
	}
	for name, values := range c.Header {
		for _, v := range values {
			fmt.Fprintf(&b, "%s: %s\r\n", name, v)
		}
	}
	b.WriteString("Connection: close\r\n\r\n")
	return b.String()
}

func (c *Case) compare(res *http.Response, body string) []string {
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if res.StatusCode != c.Status {
		say("status %d, want %d", res.StatusCode, c.Status)
	}
	for name, want := range c.WantHeader {
		if got := strings.Join(res.Header.Values(name), ", "); got != want {
			say("%s: %q, want %q", name, got, want)
		}
	}
	slices.Sort(wrong)
	if b := c.Body; b.Given && c.Method != http.MethodHead && (body != b.Text && !b.Contains || b.Contains && !strings.Contains(body, b.Text)) {
		say("body %.200q, want %.200q", body, b.Text)
	}
	return wrong
}
