package harnesstest

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fazt-sh/fazt"
)

// patience is how long a target gets to answer the first question. It is long: what
// it tells from the others is a target that never answers.
const patience = 15 * time.Second

// Attach returns the server that is already running at FAZT_TARGET, such as
// "http://localhost:8080" or "https://admin.example.com": its bare host, or where its
// management API is. FAZT_TOKEN is an API key with the scopes deploy and read, with
// which [Server.Deploy] puts the test's own apps there; with the scope admin it makes
// keys as well. Without a key, visitors of the bare host and of the apps that are there
// work, and the checks that need no app; sign-in does where the server offers the dev
// provider.
//
// A target that can't be tested ends the test, with what is wrong in one line: nothing
// listens there, it does not answer, is not HTTP, not fazt, a fazt of another version
// than this package (by its major and minor number), or it refuses the key.
func Attach(tb testing.TB) *Server {
	tb.Helper()
	if os.Getenv("FAZT_TARGET") == "" {
		tb.Fatalf("harnesstest: FAZT_TARGET is not set; set it to a running fazt, such as http://localhost:8080, or use StartOrAttach")
	}
	s, err := attach(tb, os.Getenv("FAZT_TARGET"), os.Getenv("FAZT_TOKEN"), patience)
	if err != nil {
		tb.Fatalf("harnesstest: FAZT_TARGET %v", err)
	}
	return s
}

func attach(tb testing.TB, target, token string, patience time.Duration) (*Server, error) {
	tb.Helper()
	site, err := parseSite(target)
	if err != nil {
		return nil, fmt.Errorf("%q %w", target, err)
	}
	// Hosts below localhost are apps, or admin of a domain there.
	if host := site.base.Hostname(); strings.HasSuffix(host, ".localhost") && !strings.HasPrefix(host, "admin.") {
		bare := *site.base
		bare.Host = "localhost" + strings.TrimPrefix(bare.Host, host)
		return nil, fmt.Errorf("%s is the host of an app; give the bare host, where the management API is: %s", site.Base(), bare.String())
	}
	s := &Server{URL: site.Base(), site: site, tb: tb, token: token}
	s.manager = newClient(tb, s)
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	if err := s.meet(ctx); err != nil {
		return nil, fmt.Errorf("%s %w", s.URL, unreached(err))
	}
	return s, nil
}

// meet finds out whether the server can be tested, and what it lacks.
func (s *Server) meet(ctx context.Context) error {
	if err := s.checkVersion(ctx); err != nil {
		return err
	}
	s.lacks = map[string]string{
		"Sibling": "an attached server has the options that it was started with",
		"Spawner": "an attached server is not the test's to kill, nor is its disk to fill",
	}
	if s.token == "" {
		s.lacks["Deployer"] = "FAZT_TOKEN is not set; make a key with: fazt auth key create test --scopes deploy,read"
		s.lacks["Keyer"] = s.lacks["Deployer"]
	} else if err := s.checkToken(ctx); err != nil {
		return err
	}
	offers, err := offersDev(ctx, newClient(s.tb, s), s.URL)
	if err != nil {
		return fmt.Errorf("has no sign-in page: %w", err)
	}
	if !offers {
		s.lacks["SignsIn"] = "the server does not offer the dev provider; run it with: fazt serve --dev"
	}
	return nil
}

// checkVersion asks whether it is a fazt of this package's major and minor version:
// the suites know what such a one must answer.
func (s *Server) checkVersion(ctx context.Context) error {
	res, err := reach(ctx, s, "/api/health")
	if err != nil {
		return err
	}
	var health struct {
		Data struct{ Status, Version string }
	}
	switch err := json.Unmarshal([]byte(res.Body), &health); {
	case res.Status >= http.StatusInternalServerError:
		return fmt.Errorf("answers %d to GET /api/health; look at its log", res.Status)
	case res.Status != http.StatusOK || err != nil || health.Data.Status == "" || health.Data.Version == "":
		return fmt.Errorf("is not fazt, or not where its management API is: GET /api/health answers %d %.60q", res.Status, res.Body)
	case minor(health.Data.Version) != minor(fazt.Version):
		return fmt.Errorf("is fazt %s, and this package tests %s; take the harnesstest of that version",
			health.Data.Version, minor(fazt.Version)+".x")
	}
	return nil
}

// minor is "1.2" of "1.2.3-rc1".
func minor(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// checkToken asks for things that can't be had, with requests that change nothing: a
// key with the scope learns that they are incomplete.
func (s *Server) checkToken(ctx context.Context) error {
	ask := func(method, path string) (status int, err error) {
		res, err := s.manage(ctx, method, path, "application/json", strings.NewReader("{}"))
		if err != nil {
			return 0, err
		}
		if res.Status >= http.StatusInternalServerError {
			return 0, fmt.Errorf("answers %d to %s %s; look at its log", res.Status, method, path)
		}
		return res.Status, nil
	}
	for _, scope := range []struct{ name, method, path string }{
		{"read", http.MethodGet, "/api/apps"},
		{"deploy", http.MethodPost, "/api/deploy"},
	} {
		switch status, err := ask(scope.method, scope.path); {
		case err != nil:
			return err
		case status == http.StatusUnauthorized:
			return errors.New("does not know the key in FAZT_TOKEN; make one there with: fazt auth key create test --scopes deploy,read")
		case status == http.StatusForbidden:
			return fmt.Errorf("refuses the key in FAZT_TOKEN, which has not the scope %s; make one with: fazt auth key create test --scopes deploy,read", scope.name)
		}
	}
	status, err := ask(http.MethodPost, "/api/keys")
	if err == nil && status == http.StatusForbidden {
		s.lacks["Keyer"] = "the key in FAZT_TOKEN has not the scope admin, so it can't make others"
	}
	return err
}

// reach asks for a path on a connection of its own. Its error says in one line why
// there is no answer, beginning with a verb.
func reach(ctx context.Context, target Target, path string) (*Response, error) {
	base, err := url.Parse(target.Base())
	if err != nil {
		return nil, err
	}
	conn, err := target.Dial(ctx)
	if notTLS := (tls.RecordHeaderError{}); errors.As(err, &notTLS) && string(notTLS.RecordHeader[:]) == "HTTP/" {
		return nil, fmt.Errorf("speaks HTTP, and not HTTPS; write http://%s", base.Host)
	}
	if err != nil {
		return nil, unreached(err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Now()) })
	defer stop()
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, base.Host)
	answer := bufio.NewReader(conn) // which says as well whether what is sent arrives
	switch first, err := answer.Peek(len("HTTP/")); {
	case len(first) == 0 && !errors.Is(err, os.ErrDeadlineExceeded):
		return nil, errors.New("closes the connection without an answer")
	case err != nil:
		return nil, unreached(err)
	case string(first) != "HTTP/":
		more, _ := answer.Peek(answer.Buffered())
		return nil, fmt.Errorf("does not speak HTTP: it answers %.40q", more)
	}
	res, err := http.ReadResponse(answer, nil)
	if err != nil {
		return nil, fmt.Errorf("does not speak HTTP as it should: %w", unreached(err))
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("breaks off its answer to GET %s: %w", path, unreached(err))
	}
	return &Response{Status: res.StatusCode, Header: res.Header, Body: string(body)}, nil
}

func unreached(err error) error {
	var name *net.DNSError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return errors.New("is too slow: it has not answered in time")
	case errors.As(err, &name):
		return fmt.Errorf("is not there: its name is not known: %w", err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("is not there: nothing listens at its port")
	}
	return err
}
