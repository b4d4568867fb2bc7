package fazt_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/auth"
)

// What the hostile app's page tries. Each function returns what it has learned, or
// "nothing".
const hostileJS = `
function read(url, opt) {
	return fetch(url, Object.assign({credentials: 'include'}, opt)).then(function (res) {
		return res.text().then(function (text) { return text === '' ? 'nothing' : text });
	}, function () { return 'nothing' });
}
function form(url, fields, type) {
	return new Promise(function (done) {
		var frame = document.createElement('iframe');
		frame.name = 'f' + Math.random();
		document.body.appendChild(frame);
		var f = document.createElement('form');
		f.method = 'POST'; f.action = url; f.target = frame.name; f.enctype = type || 'application/x-www-form-urlencoded';
		Object.keys(fields).forEach(function (name) {
			var i = document.createElement('input');
			i.name = name; i.value = fields[name];
			f.appendChild(i);
		});
		document.body.appendChild(f);
		frame.onload = function () { done('nothing') };
		f.submit();
	});
}
function framed(url) {
	return new Promise(function (done) {
		var frame = document.createElement('iframe');
		frame.onload = function () { done(frame.contentWindow.length ? 'framed' : 'nothing') }; // the bank has a frame
		frame.src = url;
		document.body.appendChild(frame);
	});
}
function opened(url) {
	return new Promise(function (done) {
		var w = window.open(url);
		if (!w) return done('no window');
		var timer = setInterval(function () {
			var got;
			try { got = w.location.href !== 'about:blank' && w.document.documentElement.outerHTML } catch (e) { got = 'nothing' }
			if (got) { clearInterval(timer); w.close(); done(got) }
		}, 20);
	});
}
document.cookie = 'theme=dark';
`

// TestHostileApp has somebody signed in to an app and to the management, in a real
// browser, visit another app of the same server and domain that turns hostile.
func TestHostileApp(t *testing.T) {
	ctx := browser(t)
	srv := open(t, func(o *fazt.Options) { o.Domain = "fazt.localhost" })
	deploy(t, srv, "bank", files(
		"index.html", `<!doctype html><body>bank<iframe id="frame" srcdoc="x"></iframe>`,
		"api/main.js", `
			var user = fazt.auth.getUser();
			if (request.method !== 'GET' && user) fazt.storage.kv.incr('moved');
			respond({user: user && user.email, moved: fazt.storage.kv.get('moved') || 0})`))
	deploy(t, srv, "evil", files("index.html", "<!doctype html><body>evil<script src=evil.js></script>", "evil.js", hostileJS,
		"api/main.js", `
			var who = fazt.auth.getUser() ? 'somebody' : 'nobody';
			respond(200, JSON.stringify(request.headers.cookie || '') + who, {'Set-Cookie': [
				'fazt_session;=x; Domain=fazt.localhost', '=fazt_session=x; Domain=fazt.localhost',
				'fazt_session=x; Domain=fazt.localhost', 'toss=1; Domain=fazt.localhost']})`))

	// The service signs its visitor in by itself, and notes what reaches it.
	var mu sync.Mutex
	forged := map[string]bool{} // requests that a sibling's page sent with the visitor's session
	mux := http.NewServeMux()
	mux.HandleFunc("/sign-in-for-test", func(w http.ResponseWriter, r *http.Request) {
		id := auth.Identity{Issuer: "https://people.example", Subject: "ada", Email: "ada@example.com", EmailVerified: true, Role: auth.RoleOwner}
		if _, err := srv.Auth().SignIn(w, r, id); err != nil {
			t.Error(err)
		}
		fmt.Fprint(w, "<!doctype html><body id=in>in")
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Sec-Fetch-Site") == "same-site" && strings.Contains(r.Header.Get("Cookie"), "fazt_session=") {
			mu.Lock()
			name, _, _ := strings.Cut(r.Host, ".")
			forged[r.Method+" "+name+r.URL.Path] = true
			mu.Unlock()
		}
		srv.ServeHTTP(w, r)
	})
	service := httptest.NewServer(mux)
	defer service.Close()
	port := service.URL[strings.LastIndexByte(service.URL, ':'):]
	bank, evil, own := "http://bank.fazt.localhost"+port, "http://evil.fazt.localhost"+port, "http://admin.fazt.localhost"+port

	var state string
	bankState := func() string {
		t.Helper()
		if err := chromedp.Do(ctx, chromedp.Navigate(bank+"/api"), into(&state, chromedp.Text(chromedp.CSS("body")))); err != nil {
			t.Fatal(err)
		}
		return state
	}
	err := chromedp.Do(ctx,
		chromedp.Navigate(own+"/sign-in-for-test"),
		chromedp.WaitVisible(chromedp.CSS(`#in`)),
		chromedp.Navigate(bank+"/auth/login?back=/"),
		chromedp.Click(chromedp.CSS(`form[action="/auth/continue"] button`)),
		chromedp.WaitReady(chromedp.CSS(`#frame`)),
	)
	if err != nil {
		t.Fatal(err)
	}
	const untouched = `{"user":"ada@example.com","moved":0}`
	if got := bankState(); got != untouched {
		t.Fatalf("before the attack: %s", got)
	}

	var framed string // by itself the bank may be: so the script below would tell
	err = chromedp.Do(ctx,
		chromedp.Navigate(bank+"/"),
		into(&framed, chromedp.Evaluate[string](hostileJS+"framed('"+bank+"/')", asPerson)),
	)
	if err != nil || framed != "framed" {
		t.Fatalf("the bank in the bank's frame: %q, %v", framed, err)
	}

	if err := chromedp.Do(ctx, chromedp.Navigate(evil+"/")); err != nil {
		t.Fatal(err)
	}
	const post, noCORS = `{method: 'POST', body: 'x'}`, `{method: 'POST', body: 'x', mode: 'no-cors'}`
	attacks := []struct{ name, js string }{
		{"read the app's data", `read('BANK/api')`},
		{"read it without CORS", `read('BANK/api', {mode: 'no-cors'})`},
		{"read who is signed in", `read('BANK/auth/session')`},
		{"read the management", `read('OWN/api/sessions')`},
		{"read the management without CORS", `read('OWN/api/apps', {mode: 'no-cors'})`},
		{"read the sessions page", `read('OWN/auth/sessions')`},
		{"write", `read('BANK/api', ` + post + `)`},
		{"write without CORS", `read('BANK/api', ` + noCORS + `)`},
		{"write with a header", `read('BANK/api', {method: 'PUT', headers: {'X-A': '1'}})`},
		{"write by a form", `form('BANK/api', {a: 'b'})`},
		{"write by a form as text", `form('BANK/api', {'{"a":"': '"}'}, 'text/plain')`},
		{"write by an upload", `form('BANK/api', {a: 'b'}, 'multipart/form-data')`},
		{"log out", `form('BANK/auth/logout', {})`},
		{"log out of all", `form('OWN/auth/logout', {})`},
		{"end all sessions", `form('OWN/auth/sessions/end', {session: 'others'})`},
		{"go on to itself", `form('OWN/auth/continue', {app: 'EVIL', challenge: Array(65).join('0')})`},
		{"deploy", `form('OWN/api/deploy', {site_name: 'bank'}, 'multipart/form-data')`},
		{"remove an app", `read('OWN/api/apps/bank', {method: 'DELETE'})`},
		{"remove an app by a form", `form('OWN/api/apps/bank', {_method: 'DELETE'})`},
		{"frame the app", `framed('BANK/')`},
		{"read a window", `opened('BANK/')`},
		{"read a window of the management", `opened('OWN/api/sessions')`},
		{"read its own cookies", `Promise.resolve(document.cookie.indexOf('fazt') < 0 ? 'nothing' : document.cookie)`},
		{"be sent cookies", `read('/api').then(function (t) { return t.indexOf('fazt') < 0 && t.indexOf('nobody') > 0 ? 'nothing' : t })`},
		{"plant cookies", `(document.cookie = 'fazt_session; domain=fazt.localhost; path=/',
			document.cookie = 'fazt_session=x; domain=fazt.localhost; path=/',
			document.cookie = '=fazt_session=y; domain=fazt.localhost; path=/', Promise.resolve('nothing'))`},
	}
	names := strings.NewReplacer("BANK", bank, "OWN", own, "EVIL", strings.TrimPrefix(evil, "http://"))
	for _, a := range attacks {
		var got string
		if err := chromedp.Do(ctx, into(&got, chromedp.Evaluate[string](names.Replace(a.js), asPerson))); err != nil {
			t.Fatalf("%s: %v", a.name, err)
		}
		if got != "nothing" {
			t.Errorf("%s: %s", a.name, got)
		}
	}
	// It is the server that has refused: the browser sent what it was told to, with
	// the visitor's session.
	mu.Lock()
	sent := map[string]bool{}
	for _, request := range []string{
		"POST bank/api", "POST bank/auth/logout", "POST admin/auth/logout", "POST admin/auth/sessions/end", "POST admin/auth/continue",
		"POST admin/api/deploy", "GET bank/api", "GET admin/api/sessions",
	} {
		sent[request] = forged[request]
	}
	mu.Unlock()
	for request, was := range sent {
		if !was {
			t.Errorf("%s did not reach the server, so its refusal proves nothing", request)
		}
	}
	if d := cmp.Diff(untouched, bankState()); d != "" {
		t.Errorf("after the attack: %s", d)
	}
	var management string
	err = chromedp.Do(ctx, chromedp.Navigate(own+"/api/apps"), into(&management, chromedp.Text(chromedp.CSS("body"))))
	if err != nil || !strings.Contains(management, `"bank"`) || !strings.Contains(management, `"evil"`) {
		t.Errorf("after the attack the management says %q, %v", management, err)
	}
	if users := sessionHosts(t, srv); !cmp.Equal(users, []string{"admin.fazt.localhost", "bank.fazt.localhost"}) {
		t.Errorf("after the attack there are sessions on %q", users)
	}
}

// asPerson makes a script's windows those of somebody who has clicked, and waits for
// its promise.
func asPerson(p *runtime.EvaluateParams) {
	yes := true
	p.AwaitPromise, p.UserGesture = &yes, &yes
}

// sessionHosts are the hosts on which somebody is signed in, sorted.
func sessionHosts(t *testing.T, srv *fazt.Server) []string {
	t.Helper()
	list, err := srv.Sessions(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	var hosts []string
	for _, s := range list {
		hosts = append(hosts, s.Host)
	}
	slices.Sort(hosts)
	return hosts
}
