package harnesstest

import (
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/harnesstest/cases"
)

// caseChecks are the checks of the tables of package cases whose names begin with that of
// a suite.
func caseChecks(suite string) (checks []Check) {
	names, err := fs.Glob(cases.Files(), suite+"-*.txt")
	if err != nil {
		panic(err) // the pattern is ours
	}
	for _, name := range names {
		table, err := cases.Load(cases.Files(), name)
		if err != nil {
			panic(err) // a test reads them all
		}
		for _, c := range table.Checks {
			checks = append(checks, Check{
				Name: c.Name, Needs: caseNeeds(table, c), Parallel: true,
				Run: func(p *Probe) { (&caseRun{Probe: p, table: table}).run(c) },
			})
		}
	}
	return checks
}

// caseNeeds is what a target must be able to do for a check: what it says, and what its
// requests show.
func caseNeeds(table *cases.Table, c cases.Check) (needs []Capability) {
	all := []Capability{Need[Deployer](), Need[SignsIn](), Need[Keyer](), Need[Sibling]()}
	has := func(name string) bool {
		if slices.Contains(c.Needs, name) {
			return true
		}
		switch name {
		case "Deployer":
			return len(appsOf(table, c)) > 0
		case "Sibling":
			return table.Domain != "" || table.Home != ""
		case "SignsIn":
			return slices.ContainsFunc(c.Cases, func(c cases.Case) bool { return c.As != "" })
		}
		return slices.ContainsFunc(c.Cases, func(c cases.Case) bool { return c.Key != nil })
	}
	for _, n := range all {
		if has(n.name) {
			needs = append(needs, n)
		}
	}
	return needs
}

// appsOf are the versions of apps that a check's requests name, in the order in which
// they are deployed. With a domain it is all of them, since hosts stand as they are.
func appsOf(table *cases.Table, c cases.Check) (apps []cases.App) {
	for _, a := range table.Apps {
		if table.Domain != "" || table.Home != "" || slices.ContainsFunc(c.Cases, func(c cases.Case) bool { return c.Names(a.Name) }) {
			apps = append(apps, a)
		}
	}
	return apps
}

// caseRun is a check of a table at work.
type caseRun struct {
	*Probe
	table   *cases.Table
	target  Target
	names   map[string]string // of apps, by those that the table has
	hosts   map[string]string // where they answer
	cookies map[string]string // by host and role
	tokens  map[string]string // by scopes
}

func (r *caseRun) run(c cases.Check) {
	r.Helper()
	r.target = r.Target
	r.names, r.hosts = map[string]string{}, map[string]string{}
	r.cookies, r.tokens = map[string]string{}, map[string]string{}
	if r.table.Domain != "" || r.table.Home != "" {
		r.target = r.Target.(Sibling).Sibling(r, func(o *fazt.Options) { o.Domain, o.Home = r.table.Domain, r.table.Home })
	}
	r.deploy(appsOf(r.table, c))
	dial := r.target.Dial
	if r.target == r.Target {
		dial = newStranger(r.Probe).dial
	}
	ask := cases.Sender{Dial: dial, Host: r.host, App: func(name string) string { return r.names[name] }, Cookie: r.cookie, Token: r.token}
	for _, c := range c.Cases {
		wrong, err := ask.Send(r.Context(), &c)
		if err != nil {
			wrong = append(wrong, err.Error())
		}
		for _, w := range wrong {
			r.Errorf("%s: %s %s %.100q: %s", c.At, c.Method, c.Host, ask.Target(&c), w)
		}
	}
}

// deploy deploys apps under names of the check's own, so that checks may run side by side
// on a server that has other apps. Where the table names hosts, it is on a server of the
// check's own.
func (r *caseRun) deploy(apps []cases.App) {
	r.Helper()
	for _, a := range apps {
		d := r.target.(Deployer)
		name, again := r.names[a.Name]
		switch {
		case again:
		case r.target != r.Target:
			name = a.Name
		default:
			name = "t-" + strings.ToLower(rand.Text()[:12])
		}
		if err := d.DeployApp(r.Context(), name, a.Files); err != nil {
			r.Fatalf("deploy %s: %v", a.Name, err)
		}
		if again {
			continue
		}
		r.names[a.Name] = name
		if name != a.Name {
			r.hosts[a.Name] = hostOf(d.AppURL(name))
		}
		r.Cleanup(func() {
			if err := d.RemoveApp(context.WithoutCancel(r.Context()), name); err != nil {
				r.Error(err)
			}
		})
	}
}

// host implements [cases.Sender.Host].
func (r *caseRun) host(name string) string {
	if name == "@" {
		return hostOf(r.target.Base())
	}
	if host, ok := r.hosts[name]; ok {
		return host
	}
	return name
}

// cookie implements [cases.Sender.Cookie].
func (r *caseRun) cookie(ctx context.Context, host, role string) (string, error) {
	key := host + " " + role
	if cookie, ok := r.cookies[key]; ok {
		return cookie, nil
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return "", err
	}
	scheme, _, _ := strings.Cut(r.target.Base(), "://")
	client := newClient(r, r.target)
	client.Jar = jar
	user := User{Email: strings.ToLower(rand.Text()[:12]) + "@example.com", Name: "Ada", Role: role}
	if err := r.target.(SignsIn).SignIn(ctx, client, scheme+"://"+host, user); err != nil {
		return "", fmt.Errorf("sign in as %s: %w", role, err)
	}
	var values []string
	for _, c := range jar.Cookies(&url.URL{Scheme: scheme, Host: host, Path: "/"}) {
		values = append(values, (&http.Cookie{Name: c.Name, Value: c.Value}).String())
	}
	r.cookies[key] = strings.Join(values, "; ")
	return r.cookies[key], nil
}

// token implements [cases.Sender.Token].
func (r *caseRun) token(_ context.Context, scopes []string) (string, error) {
	key := strings.Join(scopes, " ")
	if r.tokens[key] == "" {
		r.tokens[key] = r.target.(Keyer).Key(r, scopes...)
	}
	return r.tokens[key], nil
}
