package harnesstest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"sync"
	"testing/fstest"
	"time"
)

// requestFlows are what takes more than a list of requests: connections and forms,
// visitors at the same time, and answers that the next request depends on.
func requestFlows() []Check {
	apps, people := Need[Deployer](), Need[SignsIn]()
	return []Check{
		{Name: "http/keep-alive", Parallel: true, Run: checkKeepAlive},
		{Name: "http/pipeline", Parallel: true, Run: checkPipeline},
		{Name: "signin/flow", Parallel: true, Needs: []Capability{apps, people}, Run: checkSignInFlow},
		{Name: "data/at-once", Parallel: true, Needs: []Capability{apps}, Run: checkAtOnce},
		{Name: "data/upload", Parallel: true, Needs: []Capability{apps}, Run: checkUpload},
		{Name: "manage/replace", Parallel: true, Needs: []Capability{apps}, Run: checkReplace},
		{Name: "manage/remove", Parallel: true, Needs: []Capability{apps}, Run: checkRemove},
		{Name: "manage/log", Parallel: true, Needs: []Capability{apps, Need[Keyer]()}, Run: checkLog},
	}
}

// request is GET / of the target's own host, as bytes.
func (p *Probe) request(more string) string {
	return "GET / HTTP/1.1\r\nHost: " + hostOf(p.Target.Base()) + "\r\n" + more + "\r\n"
}

// checkKeepAlive sends one request after the other on a connection.
func checkKeepAlive(p *Probe) {
	p.onConnection(func(send func(string) error, read func() (*http.Response, error)) error {
		for n := range 3 {
			if err := send(p.request("")); err != nil {
				return err
			}
			res, err := read()
			if err != nil {
				return fmt.Errorf("request %d of a connection has no answer: %w", n+1, err)
			}
			if res.Close {
				return fmt.Errorf("the connection is closed after request %d, and nobody asked for it", n+1)
			}
		}
		return nil
	})
}

// checkPipeline sends three requests before it reads an answer. They come in order.
func checkPipeline(p *Probe) {
	p.onConnection(func(send func(string) error, read func() (*http.Response, error)) error {
		if err := send(p.request("") + p.request("") + p.request("Connection: close\r\n")); err != nil {
			return err
		}
		for n := range 3 {
			res, err := read()
			if err != nil {
				return fmt.Errorf("request %d of 3 that were sent at once has no answer: %w", n+1, err)
			}
			if last := n == 2; res.Close != last {
				return fmt.Errorf("request %d of 3: the answer says that the connection closes: %v, and only the last asked for it", n+1, res.Close)
			}
		}
		return nil
	})
}

// onConnection opens a connection for a conversation, whose error is what is wrong.
func (p *Probe) onConnection(talk func(send func(string) error, read func() (*http.Response, error)) error) {
	p.Helper()
	conn, err := p.Target.Dial(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(p.patience())); err != nil {
		p.Fatal(err)
	}
	in := bufio.NewReader(conn)
	err = talk(func(text string) error {
		_, err := io.WriteString(conn, text)
		return err
	}, func() (*http.Response, error) {
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		_, err = io.Copy(io.Discard, res.Body)
		return res, err
	})
	if err != nil {
		p.Error(err)
	}
}

// member is an app that tells visitors who they are, and has a page for members.
var member = fstest.MapFS{
	"index.html":       {Data: []byte("<!doctype html><title>home</title>")},
	"private/plan.txt": {Data: []byte("for members")},
	"api/main.js":      {Data: []byte(`({user: fazt.auth.getUser()})`)},
}

// checkSignInFlow signs in as a person does: from the app to the sign-in page, through its
// form, and back. Nobody else is signed in by it.
func checkSignInFlow(p *Probe) {
	app := p.Deploy(member)
	if !app.Another().OffersDev() {
		p.doesNotApply("the server does not offer the dev provider, whose form the check fills in")
	}
	const stranger = `{"user":null}`
	if res := app.Get("/api"); res.Body != stranger {
		p.Errorf("a stranger is %v", res)
	}
	email := strings.ToLower(rand.Text()[:12]) + "@example.com"
	app.SignIn(email, "Ada", "user")
	var me struct {
		User struct{ Email, Name, Role string }
	}
	app.Get("/api").Expect(http.StatusOK).JSON(&me)
	if u := me.User; u.Email != email || u.Name != "Ada" || u.Role != "user" {
		p.Errorf("fazt.auth.getUser() is %+v, and %s signed in", u, email)
	}
	if res := app.Get("/private/plan.txt"); res.Status != http.StatusOK || res.Body != "for members" {
		p.Errorf("a private file for a member: %v", res)
	}
	if res := app.Another().Get("/api"); res.Body != stranger {
		p.Errorf("another visitor is %v", res)
	}
	// An app learns of its own visitors only.
	other := p.Deploy(member)
	other.Visitor.client = app.Visitor.client
	if res := other.Get("/api"); res.Body != stranger {
		p.Errorf("another app sees %v", res)
	}
}

// checkAtOnce has many visitors count: no step is lost, and none is counted twice.
func checkAtOnce(p *Probe) {
	app := p.Deploy(fstest.MapFS{"api/main.js": {Data: []byte(`({n: fazt.storage.kv.incr('n')})`)}})
	const visitors, hits = 8, 25
	var all sync.WaitGroup
	for range visitors {
		visitor := app.Another()
		all.Go(func() {
			for range hits {
				if res, err := send(visitor.client, visitor.Request(http.MethodPost, "/api", nil)); err != nil {
					p.Error(err)
				} else if res.Status != http.StatusOK {
					p.Errorf("a hit: %v", res)
				}
			}
		})
	}
	all.Wait()
	if res := app.Get("/api"); res.Body != fmt.Sprintf(`{"n":%d}`, visitors*hits+1) {
		p.Errorf("after %d hits: %v", visitors*hits, res)
	}
}

// checkUpload sends a file that is larger than any buffer, and reads it again, also from
// its middle.
func checkUpload(p *Probe) {
	app := p.Deploy(fstest.MapFS{"api/main.js": {Data: []byte(`
function handler(request) {
	if (request.method === 'GET') return fazt.storage.s3.serve('file');
	fazt.storage.s3.put('file', request.files.file.data, request.files.file.type);
	return {size: request.files.file.size};
}`)}})
	data := make([]byte, 3<<20)
	rand.Read(data) // never fails
	var body bytes.Buffer
	form := multipart.NewWriter(&body) // a bytes.Buffer takes every write
	part, _ := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="a.png"`}, "Content-Type": {"image/png"},
	})
	part.Write(data)
	form.Close()
	req := app.Request(http.MethodPost, "/api", &body)
	req.Header.Set("Content-Type", form.FormDataContentType())
	if res := app.Send(req); res.Body != fmt.Sprintf(`{"size":%d}`, len(data)) {
		p.Fatalf("an upload of %d bytes: %v", len(data), res)
	}
	if res := app.Get("/api").Expect(http.StatusOK); res.Body != string(data) || res.Header.Get("Content-Type") != "image/png" {
		p.Errorf("what was uploaded comes back as %d bytes of %s, want %d of image/png", len(res.Body), res.Header.Get("Content-Type"), len(data))
	}
	middle := app.Request(http.MethodGet, "/api", nil)
	middle.Header.Set("Range", "bytes=2000000-2000099")
	if res := app.Send(middle).Expect(http.StatusPartialContent); res.Body != string(data[2000000:2000100]) {
		p.Errorf("100 bytes of the middle come back as %d others", len(res.Body))
	}
}

// checkReplace deploys while visitors ask: each sees the one version or the other whole,
// and never nothing.
func checkReplace(p *Probe) {
	version := func(n int) fstest.MapFS {
		return fstest.MapFS{
			"index.html":  {Data: fmt.Appendf(nil, "page %d", n)},
			"api/main.js": {Data: fmt.Appendf(nil, "'handler %d'", n)},
		}
	}
	app := p.Deploy(version(0))
	d := p.Target.(Deployer)
	ctx, stop := context.WithCancel(p.Context())
	defer stop()
	var all sync.WaitGroup
	for _, path := range []string{"/", "/api"} {
		visitor := app.Another()
		all.Go(func() {
			for last := -1; ctx.Err() == nil; {
				res, err := send(visitor.client, visitor.Request(http.MethodGet, path, nil))
				if err != nil {
					p.Error(err)
					return
				}
				var n int
				if _, err := fmt.Sscanf(res.Body, map[string]string{"/": "page %d", "/api": "handler %d"}[path], &n); err != nil || res.Status != http.StatusOK {
					p.Errorf("%s during a deploy: %v", path, res)
					return
				}
				if n < last {
					p.Errorf("%s: version %d after version %d", path, n, last)
				}
				last = n
			}
		})
	}
	const versions = 8
	for n := range versions {
		if err := d.DeployApp(p.Context(), app.Name, version(n+1)); err != nil {
			p.Error(err)
		}
		if res := app.Get("/"); res.Body != fmt.Sprintf("page %d", n+1) {
			p.Errorf("after deploy %d: %v", n+1, res)
		}
	}
	stop()
	all.Wait()
}

// checkRemove removes an app: nothing of it answers, and the next of its name does not
// have its data.
func checkRemove(p *Probe) {
	counter := fstest.MapFS{"index.html": {Data: []byte("home")}, "api/main.js": {Data: []byte(`({n: fazt.storage.kv.incr('n')})`)}}
	app := p.Deploy(counter)
	d := p.Target.(Deployer)
	for n := range 2 {
		if res := app.Get("/api"); res.Body != fmt.Sprintf(`{"n":%d}`, n+1) {
			p.Errorf("hit %d: %v", n+1, res)
		}
	}
	if err := d.RemoveApp(p.Context(), app.Name); err != nil {
		p.Fatal(err)
	}
	for _, path := range []string{"/", "/api", "/index.html"} {
		if res := app.Get(path); res.Status != http.StatusNotFound {
			p.Errorf("%s of an app that was removed: %v", path, res)
		}
	}
	if err := d.DeployApp(p.Context(), app.Name, counter); err != nil {
		p.Fatal(err)
	}
	if res := app.Get("/api"); res.Body != `{"n":1}` {
		p.Errorf("the next app of the name begins with %v", res)
	}
}

// checkLog reads what a handler has printed. Lines are stored in batches, so it asks until
// they are there.
func checkLog(p *Probe) {
	app := p.Deploy(fstest.MapFS{"api/main.js": {Data: []byte(`console.log('seen %s', request.query.n); console.error({a: 1}); 'ok'`)}})
	app.Get("/api?n=42").Expect(http.StatusOK)
	owner := newStranger(p)
	ask := owner.request(http.MethodGet, p.Target.Base()+"/api/apps/"+app.Name+"/logs", "", "Authorization", "Bearer "+p.Target.(Keyer).Key(p, "read"))
	var text string
	for deadline := time.Now().Add(p.patience()); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		res, err := owner.try(ask)
		if err != nil {
			p.Fatal(err)
		}
		var lines struct {
			Data []struct{ Level, Text string }
		}
		if err := json.Unmarshal([]byte(res.Body), &lines); err != nil || res.Status != http.StatusOK {
			p.Fatalf("the log: %v", res)
		}
		text = fmt.Sprint(lines.Data)
		if strings.Contains(text, "seen 42") && strings.Contains(text, `{"a":1}`) {
			return
		}
	}
	p.Errorf("the handler printed two lines, and its log has %s", text)
}
