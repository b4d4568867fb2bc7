package fazt_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt"
)

// TestServeTLS: a listener of package tls makes the server's answers those of a
// secure site, by either protocol.
func TestServeTLS(t *testing.T) {
	for _, proto := range []string{"http/1.1", "h2"} {
		t.Run(proto, func(t *testing.T) {
			srv := open(t, func(o *fazt.Options) { o.Dev = true })
			deploy(t, srv, "app", files("index.html", "page", "api/main.js", `respond(request.method + ' ' + request.text)`))
			client, base := serveTLS(t, srv, proto)

			res, body := send(t, client, http.MethodGet, base+"/", nil)
			if res.ProtoMajor == 2 != (proto == "h2") || res.TLS == nil || body == "" {
				t.Errorf("%s: %d %s", res.Proto, res.StatusCode, body)
			}
			if got := res.Header.Get("Strict-Transport-Security"); !strings.HasPrefix(got, "max-age=") {
				t.Errorf("HSTS is %q", got)
			}

			form := url.Values{"email": {"ada@example.com"}, "name": {"Ada"}, "role": {"user"}}
			res, body = send(t, client, http.MethodPost, base+"/auth/dev/callback", form)
			if res.StatusCode != http.StatusSeeOther && res.StatusCode != http.StatusFound {
				t.Fatalf("signing in: %d %s", res.StatusCode, body)
			}
			cookies := res.Cookies()
			if len(cookies) == 0 {
				t.Error("signing in set no cookie")
			}
			for _, c := range cookies {
				if !c.Secure || !strings.HasPrefix(c.Name, "__Host-") || !c.HttpOnly {
					t.Errorf("a cookie over TLS: %v", c)
				}
			}
			if _, body = send(t, client, http.MethodGet, base+"/auth/session", nil); !strings.Contains(body, `"authenticated":true`) {
				t.Errorf("the session: %s", body)
			}
		})
	}
}

// serveTLS serves srv on loopback until the test ends. The client doesn't follow
// redirects.
func serveTLS(t *testing.T, srv *fazt.Server, proto string) (client *http.Client, base string) {
	t.Helper()
	certified := httptest.NewUnstartedServer(nil)
	certified.StartTLS()
	certified.Close()
	l := listen(t)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() {
		served <- srv.Serve(ctx, tls.NewListener(l, &tls.Config{Certificates: certified.TLS.Certificates, NextProtos: []string{"h2", "http/1.1"}}))
	}()
	config := certified.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	config.NextProtos, config.ServerName = []string{proto}, "127.0.0.1"
	transport := &http.Transport{
		TLSClientConfig: config, ForceAttemptHTTP2: proto == "h2",
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
		},
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{
		Transport: transport, Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, "https://" + l.Addr().String()
}

func send(t *testing.T, client *http.Client, method, to string, form url.Values) (res *http.Response, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, to, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err = client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}
