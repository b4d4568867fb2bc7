package harnesstest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// SignIn signs this visitor in through the pages of the dev provider, by the
// links and forms that a person would use. role is "owner", "admin" or "user".
// The server must offer the provider, and the test's machine must be its own.
func (a *App) SignIn(email, name, role string) {
	a.server.tb.Helper()
	if err := a.signIn(email, name, role); err != nil {
		a.server.tb.Fatalf("harnesstest: sign in to %s: %v", a.Name, err)
	}
}

// OffersDev reports whether the sign-in page has the dev provider's form, or a
// button that leads to it where there are other ways to sign in.
func (a *App) OffersDev() bool {
	a.server.tb.Helper()
	page, err := a.open(a.Request(http.MethodGet, "/auth/login", nil))
	if err != nil {
		a.server.tb.Fatalf("harnesstest: sign-in page: %v", err)
	}
	return page.form(devForm) != nil || page.link(devPage) != nil
}

// The dev provider's page, and what its form is sent to.
const (
	devPage = "/auth/dev/login"
	devForm = "/auth/dev/callback"
)

func (a *App) signIn(email, name, role string) error {
	page, err := a.open(a.Request(http.MethodGet, "/auth/login?back=%2F", nil))
	if err != nil {
		return err
	}
	if page.form(devForm) == nil {
		link := page.link(devPage)
		if link == nil {
			return fmt.Errorf("%s has no form of the dev provider; start the server with Dev on", page.url)
		}
		if page, err = a.open(&http.Request{Method: http.MethodGet, URL: link, Header: http.Header{}}); err != nil {
			return err
		}
	}
	req, err := page.fill(devForm, url.Values{"email": {email}, "name": {name}, "role": {role}})
	if err != nil {
		return err
	}
	if page, err = a.open(req); err != nil {
		return err
	}
	if host := strings.TrimPrefix(a.URL, "http://"); page.url.Host != host {
		return fmt.Errorf("ended at %s, and not at the app", page.url)
	}
	return nil
}

// page is a page as a person would see it: where it is, and what can be pressed.
type page struct {
	url  *url.URL
	root *html.Node
}

func (a *App) open(req *http.Request) (*page, error) {
	res, err := a.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	root, err := html.Parse(res.Body)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return nil, err
	}
	if res.StatusCode >= 400 && res.Request.URL.Path != "/" {
		return nil, fmt.Errorf("%s %s: %s", res.Request.Method, res.Request.URL, res.Status)
	}
	return &page{res.Request.URL, root}, nil
}

// link returns where the first link to a path leads, or nil.
func (p *page) link(path string) *url.URL {
	for n := range p.root.Descendants() {
		if n.Data != "a" {
			continue
		}
		if target, err := p.url.Parse(attr(n, "href")); err == nil && target.Path == path {
			return target
		}
	}
	return nil
}

// form returns the page's form that is sent to a path, or nil.
func (p *page) form(path string) *html.Node {
	for n := range p.root.Descendants() {
		if n.Data != "form" {
			continue
		}
		if target, err := p.url.Parse(attr(n, "action")); err == nil && target.Path == path {
			return n
		}
	}
	return nil
}

// fill makes the request that sends the page's form to a path, hidden fields
// included.
func (p *page) fill(path string, fields url.Values) (*http.Request, error) {
	form := p.form(path)
	if form == nil {
		return nil, fmt.Errorf("%s has no form that is sent to %s", p.url, path)
	}
	for n := range form.Descendants() {
		if n.Data == "input" && attr(n, "type") == "hidden" {
			fields.Set(attr(n, "name"), attr(n, "value"))
		}
	}
	target, err := p.url.Parse(attr(form, "action"))
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest(http.MethodPost, target.String(), strings.NewReader(fields.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", p.url.Scheme+"://"+p.url.Host)
	return req, nil
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
