package cases

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sendTimeout ends a request that a server never answers.
const sendTimeout = 30 * time.Second

// Sender asks a server.
type Sender struct {
	// Dial connects to it.
	Dial func(ctx context.Context) (net.Conn, error)
	// Host is the host, with its port, of an app of the table, or of the server itself
	// for "@". Default: what a case has, as it is.
	Host func(name string) string
	// App is the name under which an app of the table was deployed. Default: its own.
	App func(name string) string
	// Cookie is the Cookie header of somebody with a role who has signed in at a host.
	// Without it a case with such a line is an error.
	Cookie func(ctx context.Context, host, role string) (string, error)
	// Token is an API key with scopes. Without it a case with such a line is an error.
	Token func(ctx context.Context, scopes []string) (string, error)
}

// Send sends a case on a connection of its own: what a client library would mend on the
// way comes as it is in the table. It returns what is not as it must be, a line each; an
// error is that there is no answer, or no request.
func (s Sender) Send(ctx context.Context, c *Case) (wrong []string, err error) {
	text, err := s.request(ctx, c)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	conn, err := s.Dial(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Now()) })
	defer stop()
	// A server may answer before it has read all, and close.
	_, failed := io.WriteString(conn, text)
	in := bufio.NewReader(conn)
	if first, err := in.Peek(1); len(first) == 0 && ctx.Err() == nil {
		if c.Want.Closed {
			return nil, nil
		}
		return nil, fmt.Errorf("the connection closes without an answer: %w", errors.Join(failed, err))
	}
	res, err := http.ReadResponse(in, &http.Request{Method: c.Method})
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	wrong = s.compare(c, res, string(body))
	if hasNoBody(c, res) {
		if more, _ := in.Peek(1); len(more) > 0 {
			wrong = append(wrong, "there are bytes after an answer that has no body")
		}
	}
	return wrong, nil
}

// hasNoBody reports whether HTTP forbids the answer a body. An interim answer is followed
// by others.
func hasNoBody(c *Case, res *http.Response) bool {
	return c.Method == http.MethodHead || res.StatusCode == http.StatusNoContent || res.StatusCode == http.StatusNotModified
}

// Target is the case's path, or what follows RAW, as it is sent.
func (s Sender) Target(c *Case) string { return s.fill(c.Target) }

// request is what is sent.
func (s Sender) request(ctx context.Context, c *Case) (string, error) {
	if c.Method == "RAW" {
		return s.fill(c.Target), nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", c.Method, s.fill(c.Target))
	host := s.host(c.Host)
	if c.Host != "-" {
		fmt.Fprintf(&b, "Host: %s\r\n", host)
	}
	for _, f := range c.Header {
		fmt.Fprintf(&b, "%s: %s\r\n", f.Name, s.fill(f.Value))
	}
	if c.As != "" {
		if s.Cookie == nil {
			return "", errors.New("the case asks as somebody, and the Sender has no Cookie")
		}
		cookie, err := s.Cookie(ctx, host, c.As)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "Cookie: %s\r\n", cookie)
	}
	if c.Key != nil {
		if s.Token == nil {
			return "", errors.New("the case has a key, and the Sender has no Token")
		}
		token, err := s.Token(ctx, c.Key)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "Authorization: Bearer %s\r\n", token)
	}
	body := s.fill(c.Body)
	if body != "" && !c.has("Content-Length") && !c.has("Transfer-Encoding") {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	b.WriteString("Connection: close\r\n\r\n")
	b.WriteString(body)
	return b.String(), nil
}

// has reports whether the request says a header itself.
func (c *Case) has(name string) bool {
	return slices.ContainsFunc(c.Header, func(f Field) bool { return strings.EqualFold(f.Name, name) })
}

func (s Sender) host(name string) string {
	if s.Host == nil {
		return name
	}
	return s.Host(name)
}

var placeholder = regexp.MustCompile(`\{(host|app|times ([0-9]{1,7})) ([^}]+)\}`)

// fill puts what they stand for in the place of {host app}, {app app} and {times N text}.
func (s Sender) fill(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		m := placeholder.FindStringSubmatch(found)
		switch {
		case m[1] == "host":
			return s.host(m[3])
		case m[1] == "app" && s.App == nil:
			return m[3]
		case m[1] == "app":
			return s.App(m[3])
		}
		n, _ := strconv.Atoi(m[2]) // which are digits
		return strings.Repeat(m[3], n)
	})
}

func (s Sender) compare(c *Case, res *http.Response, body string) []string {
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if !slices.Contains(c.Want.Status, res.StatusCode) && !slices.Contains(c.Want.Status, res.StatusCode/100) {
		say("status %d, want %s", res.StatusCode, c.Want.statuses())
	}
	for _, p := range c.Want.Header {
		p.Text = s.fill(p.Text)
		values := res.Header.Values(p.Name)
		if strings.EqualFold(p.Name, "Transfer-Encoding") { // which net/http takes out
			values = res.TransferEncoding
		}
		if got := strings.Join(values, ", "); !p.fits(got) {
			say("%s: %q, want %s%q", p.Name, got, p.How.words(), p.Text)
		}
	}
	for _, p := range c.Want.Body {
		p.Text = s.fill(p.Text)
		if c.Method != http.MethodHead && !p.fits(body) {
			say("body %.200q, want %s%.200q", body, p.How.words(), p.Text)
		}
	}
	return wrong
}

func (p Part) fits(got string) bool {
	switch p.How {
	case Contains:
		return strings.Contains(got, p.Text)
	case LacksIt:
		if p.Text == "" {
			return got != ""
		}
		return !strings.Contains(got, p.Text)
	}
	return got == p.Text
}

func (h How) words() string {
	return map[How]string{Contains: "in it ", LacksIt: "not in it "}[h]
}

func (a Answer) statuses() string {
	var all []string
	for _, s := range a.Status {
		if s < 10 {
			all = append(all, fmt.Sprintf("%dxx", s))
			continue
		}
		all = append(all, fmt.Sprint(s))
	}
	if a.Closed {
		all = append(all, "a closed connection")
	}
	return strings.Join(all, " or ")
}

// Names reports whether the case asks an app of that name, or speaks of its host.
func (c *Case) Names(app string) bool {
	if c.Host == app {
		return true
	}
	texts := []string{c.Target, c.Body}
	for _, f := range c.Header {
		texts = append(texts, f.Value)
	}
	return slices.ContainsFunc(texts, func(t string) bool {
		return strings.Contains(t, "{host "+app+"}") || strings.Contains(t, "{app "+app+"}")
	})
}
