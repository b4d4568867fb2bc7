package harnesstest

import (
	"net/url"
	"strings"
)

// rawGet is a GET of a path as it is written.
func (v *stranger) rawGet(host, path string, header ...string) (*Response, error) {
	return v.raw("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n" + strings.Join(header, "\r\n") + "\r\n\r\n")
}

// outside are ways to write a path out of what is served.
var outside = []string{
	"/../../../../../../../../etc/passwd", "/..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
	"/..%252f..%252f..%252fetc%252fpasswd", "/....//....//....//etc/passwd", "//etc/passwd", "/%2fetc/passwd", "///etc/passwd",
	"/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd", `/..\..\..\..\etc\passwd`, "/..%5c..%5c..%5cetc%5cpasswd", "/.%00./.%00./etc/passwd",
	"/assets/../../../../../../etc/passwd", "/assets/%2e%2e%2f%2e%2e%2f%2e%2e%2fetc/passwd", "/static/..;/..;/etc/passwd", "/etc/passwd%00.html",
	"file:///etc/passwd", "/proc/self/environ", "/..%2f..%2f..%2f..%2f..%2f..%2fproc%2fself%2fenviron",
}

// pathsOutside: no path leads to the files of the machine.
func pathsOutside(p *Probe) {
	v := newStranger(p)
	host := hostOf(p.Target.Base())
	for _, path := range outside {
		res, err := v.rawGet(host, path)
		switch {
		case err != nil:
			p.Errorf("%s: %v", path, err)
		case res != nil && (strings.Contains(res.Body, "root:") || strings.Contains(res.Body, "PATH=")):
			p.Errorf("%s is answered with a file of the machine: %s", path, clip(res.Body))
		}
	}
}

// injections are values that end a header where they are written into one as they are.
var injections = []string{
	"x\r\nX-Injected: yes", "x\nX-Injected: yes", "x\rX-Injected: yes", "x\r\n\r\nX-Injected: yes",
	"x\u010d\u010aX-Injected: yes", // whose low bytes are CR and LF
	"x\r\n X-Injected: yes", "\r\nX-Injected: yes",
}

// injected reports an answer with a header that a visitor has written.
func injected(p *Probe, what string, res *Response) {
	p.Helper()
	if res == nil {
		return
	}
	if _, ok := res.Header["X-Injected"]; ok {
		p.Errorf("%s adds a header to the answer: %v", what, res.Header)
	}
	for name, values := range res.Header {
		if strings.ContainsAny(name+strings.Join(values, ""), "\r\n\x00") {
			p.Errorf("%s puts a line end into the header %q: %q", what, name, values)
		}
	}
}

// injectionByPath: what a visitor writes into a path or a query ends no header, of a
// redirect in particular.
func injectionByPath(p *Probe) {
	v := newStranger(p)
	hosts := []string{hostOf(p.Target.Base())}
	paths := []string{"/%s", "/?next=%s", "/index.html?%s", "/x/../%s", "//%s"}
	if reason := Need[Deployer]().lacks(p.Target); reason == "" {
		hosts = append(hosts, hostOf(p.Deploy(guarded).URL))
		paths = append(paths, "/docs?%s", "/docs/%s", "/auth/login?back=%s", "/auth/login?redirect=/%s", "/auth/logout?back=%s")
	}
	for _, host := range hosts {
		for _, pattern := range paths {
			for _, value := range injections {
				path := strings.Replace(pattern, "%s", url.PathEscape(value), 1)
				res, err := v.rawGet(host, path)
				if err != nil {
					p.Errorf("%s%s: %v", host, path, err)
					continue
				}
				injected(p, path, res)
			}
		}
	}
}

// injectionByApp: an app that passes on what a visitor sends writes no header of the
// visitor's making.
func injectionByApp(p *Probe) {
	v := newStranger(p)
	app := p.Deploy(guarded)
	host := hostOf(app.URL)
	for _, name := range []string{"X-Value", "Location", "Content-Type", "Set-Cookie", "Link", "ETag"} {
		for _, value := range injections {
			query := url.Values{"name": {name}, "value": {value}}
			if name == "Location" {
				query.Set("status", "302")
			}
			what := "a " + name + " of " + clip(value)
			res, err := v.rawGet(host, "/api/header?"+query.Encode())
			if err != nil {
				p.Errorf("%s: %v", what, err)
				continue
			}
			injected(p, what, res)
		}
	}
	// The name of a header is a way in, too.
	for _, name := range []string{"X-A: b\r\nX-Injected", "X-Injected: yes\r\nX-A", "\r\nX-Injected"} {
		res, err := v.rawGet(host, "/api/header?"+url.Values{"name": {name}, "value": {"yes"}}.Encode())
		if err != nil {
			p.Errorf("a header's name %s: %v", clip(name), err)
			continue
		}
		injected(p, "a header's name "+clip(name), res)
	}
	if res := v.get(app.URL + "/api/header?name=X-Value&value=plain"); res.Header.Get("X-Value") != "plain" {
		p.Errorf("a header without a fault is not sent: %v", res)
	}
}

// injectionByRequestID: a stranger's request id is in no answer in a form that could break
// a log, a page or a header.
func injectionByRequestID(p *Probe) {
	v := newStranger(p)
	for _, id := range []string{`a" level=ERROR msg="forged`, "a b", "a\tb", "<script>alert(1)</script>", "../../etc/passwd", strings.Repeat("x", 4096), "\xff\xfe", "%0d%0aX-Injected: yes", "{{7*7}}", "$(id)"} {
		for _, header := range []string{"X-Request-ID", "X-Correlation-ID", "Request-Id"} {
			res, err := v.rawGet(hostOf(p.Target.Base()), "/", header+": "+id)
			if err != nil {
				p.Errorf("%s: %s: %v", header, clip(id), err)
				continue
			}
			if res == nil {
				continue
			}
			injected(p, header+": "+clip(id), res)
			if got := res.Header.Get(header); got == id || len(got) > 256 || strings.ContainsAny(got, "\"<> \t{}$") {
				p.Errorf("a stranger's %s comes back as %s", header, clip(got))
			}
		}
	}
}

// elsewhere reports an answer that sends a browser to the host of somebody else.
func elsewhere(p *Probe, what, base string, res *Response) {
	p.Helper()
	if res == nil {
		return
	}
	location := res.Header.Get("Location")
	if location == "" {
		return
	}
	from, err := url.Parse(base)
	if err != nil {
		p.Fatal(err)
	}
	// A browser reads \ as / and drops tabs and line ends.
	to, err := from.Parse(strings.NewReplacer(`\`, "/", "\t", "", "\r", "", "\n", "").Replace(strings.TrimSpace(location)))
	if err != nil || strings.Contains(to.Hostname(), "evil.example") || to.Scheme != "http" && to.Scheme != "https" {
		p.Errorf("%s leads to %s", what, clip(location))
	}
}

// redirectByPath: no path of a server sends a browser to another one.
func redirectByPath(p *Probe) {
	v := newStranger(p)
	bases := []string{p.Target.Base()}
	if reason := Need[Deployer]().lacks(p.Target); reason == "" {
		bases = append(bases, p.Deploy(guarded).URL)
	}
	for _, base := range bases {
		for _, path := range []string{
			"//evil.example", "//evil.example/", "//evil.example/..", "//evil.example/%2e%2e", "///evil.example", `/\evil.example`, `/\/evil.example/`, "/%5cevil.example",
			"/%2f%2fevil.example", "/%2fevil.example/..", "//evil.example/docs", "//evil.example/../docs", "/docs/..//evil.example", "/.//evil.example", "/%09/evil.example",
			"//evil.example/index.html", "/index.html/..//evil.example", "/docs//evil.example/..", "http://evil.example/docs", "//evil.example%2f..", "//docs", "//evil.example@x/..",
		} {
			res, err := v.rawGet(hostOf(base), path)
			if err != nil {
				p.Errorf("%s: %v", path, err)
				continue
			}
			elsewhere(p, path, base, res)
		}
	}
}
