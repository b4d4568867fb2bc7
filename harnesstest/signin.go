package harnesstest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// SignIn signs this visitor in through the pages of the dev provider, by the
// links and forms that a person would use. role is "owner", "admin" or "user".
// The server must offer the provider, and the test's machine must be its own. See
// [Server.As] for visitors of any server.
func (v *Visitor) SignIn(email, name, role string) {
	v.tb.Helper()
	if err := signInByPages(v.tb.Context(), v.client, v.URL, User{email, name, role}); err != nil {
		v.tb.Fatalf("harnesstest: sign in at %s: %v", v.URL, err)
	}
}

// OffersDev reports whether the sign-in page has the dev provider's form, or a
// button that leads to it where there are other ways to sign in.
func (v *Visitor) OffersDev() bool {
	v.tb.Helper()
	offers, err := offersDev(v.tb.Context(), v.client, v.URL)
	if err != nil {
		v.tb.Fatalf("harnesstest: sign-in page: %v", err)
	}
	return offers
}

// as signs this visitor in by what the target has for it.
func (v *Visitor) as(user User) *Visitor {
	v.tb.Helper()
	s, ok := v.Target.(SignsIn)
	if !ok {
		v.tb.Fatalf("harnesstest: nobody can be signed in at %s", v.URL)
	}
	if user.Email == "" {
		v.tb.Fatalf("harnesstest: the User has no Email, which is who somebody is; write User{Email: \"ada@example.com\"}")
	}
	if err := s.SignIn(v.tb.Context(), v.client, v.URL, user); err != nil {
		v.tb.Fatalf("harnesstest: sign in at %s: %v", v.URL, err)
	}
	return v
}

// The dev provider's page, and what its form is sent to.
const (
	devPage = "/auth/dev/login"
	devForm = "/auth/dev/callback"
)

func offersDev(ctx context.Context, client *http.Client, origin string) (bool, error) {
	page, err := open(ctx, client, origin+"/auth/login")
	if err != nil {
		return false, err
	}
	return page.form(devForm) != nil || page.link(devPage) != nil, nil
}

func signInByPages(ctx context.Context, client *http.Client, origin string, user User) error {
	page, err := open(ctx, client, origin+"/auth/login?back=%2F")
	if err != nil {
		return err
	}
	if page.form(devForm) == nil {
		link := page.link(devPage)
		if link == nil {
			return fmt.Errorf("%s has no form of the dev provider; start the server with Dev on", page.url)
		}
		if page, err = open(ctx, client, link.String()); err != nil {
			return err
		}
	}
	req, err := page.fill(ctx, devForm, url.Values{"email": {user.Email}, "name": {user.name()}, "role": {user.role()}})
	if err != nil {
		return err
	}
	if page, err = read(client, req); err != nil {
		return err
	}
	if at := page.url.Scheme + "://" + page.url.Host; at != origin {
		return fmt.Errorf("ended at %s, and not at %s", page.url, origin)
	}
	return nil
}

func (u User) name() string {
	if u.Name != "" {
		return u.Name
	}
	name, _, _ := strings.Cut(u.Email, "@")
	return name
}

func (u User) role() string { return cmp.Or(u.Role, "user") }

// page is a page as a person would see it: where it is, and what can be pressed.
type page struct {
	url  *url.URL
	root *html.Node
}

func open(ctx context.Context, client *http.Client, address string) (*page, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	return read(client, req)
}

func read(client *http.Client, req *http.Request) (*page, error) {
	res, err := client.Do(req)
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
func (p *page) fill(ctx context.Context, path string, fields url.Values) (*http.Request, error) {
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
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), strings.NewReader(fields.Encode()))
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
