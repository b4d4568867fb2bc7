package harnesstest

import (
	"testing"
	"testing/fstest"
)

// Security runs the suite of what a stranger may try: too much and too slow, malformed
// and made up, in another's name. Checks without needs ask of any server what RFC 9110
// and 9112 say, and that no client keeps others out; the others are about fazt. It needs
// some hundred file descriptors, and up to 20 s, since it waits for deadlines.
func Security(t *testing.T, target Target, opts ...Option) {
	t.Helper()
	SecuritySuite().Run(t, target, opts...)
}

// SecuritySuite is the table of [Security].
func SecuritySuite() Suite {
	deploys, people, keys := Need[Deployer](), Need[SignsIn](), Need[Keyer]()
	listener := []Capability{ownListener}
	return Suite{Name: "Security", Checks: append(caseChecks("security"), []Check{
		{Name: "headers/size", Needs: listener, Parallel: true, Run: headerSize},
		{Name: "connections/slow", Parallel: true, Run: slowConnections},
		{Name: "connections/address", Needs: listener, Parallel: true, Run: connectionsOfAnAddress},
		{Name: "rate/limit", Needs: []Capability{Need[Sibling]()}, Parallel: true, Run: rateLimit},
		{Name: "rate/recovery", Needs: []Capability{Need[Sibling]()}, Parallel: true, Run: rateRecovery},

		{Name: "body/size", Needs: []Capability{deploys}, Parallel: true, Run: bodySize},
		{Name: "body/nesting", Needs: []Capability{deploys}, Parallel: true, Run: nestedJSON},
		{Name: "body/gzip", Needs: []Capability{deploys}, Parallel: true, Run: gzipBomb},
		{Name: "body/parts", Needs: []Capability{deploys}, Parallel: true, Run: manyParts},
		{Name: "archive/bomb", Needs: []Capability{deploys, keys}, Parallel: true, Run: archiveBombs},
		{Name: "archive/paths", Needs: []Capability{deploys, keys}, Parallel: true, Run: archivePaths},

		{Name: "paths/outside", Parallel: true, Run: pathsOutside},
		{Name: "injection/path", Parallel: true, Run: injectionByPath},
		{Name: "injection/app", Needs: []Capability{deploys}, Parallel: true, Run: injectionByApp},
		{Name: "injection/request-id", Parallel: true, Run: injectionByRequestID},
		{Name: "redirect/path", Parallel: true, Run: redirectByPath},
		{Name: "redirect/sign-in", Needs: []Capability{deploys, people}, Parallel: true, Run: redirectAfterSignIn},

		{Name: "cookies/flags", Needs: []Capability{deploys, people}, Parallel: true, Run: cookieFlags},
		{Name: "cookies/planted", Needs: []Capability{deploys}, Parallel: true, Run: plantedCookies},
		{Name: "cookies/hidden", Needs: []Capability{deploys, people}, Parallel: true, Run: hiddenCookies},
		{Name: "csrf/app", Needs: []Capability{deploys, people}, Parallel: true, Run: forgeryOfApp},
		{Name: "csrf/management", Needs: []Capability{deploys, people}, Parallel: true, Run: forgeryOfManagement},
		{Name: "authorisation/routes", Needs: []Capability{deploys, people, keys}, Parallel: true, Run: authorisation},
		{Name: "authorisation/keys", Needs: []Capability{keys}, Parallel: true, Run: madeUpKeys},
		{Name: "dev/exposure", Needs: []Capability{deploys, people}, Parallel: true, Run: devExposure},

		// Last what waits for a deadline: package testing begins parallel tests from the end.
		{Name: "headers/slow", Needs: listener, Parallel: true, Run: slowHeaders},
		{Name: "body/slow", Needs: listener, Parallel: true, Run: slowBody},
		{Name: "answers/slow", Needs: []Capability{deploys}, Parallel: true, Run: slowReader},
	}...)}
}

// guarded is an app whose handler does and shows what the checks ask for.
var guarded = fstest.MapFS{
	"index.html":      {Data: []byte("<!doctype html><title>home</title>")},
	"docs/index.html": {Data: []byte("<!doctype html><title>docs</title>")},
	"api/main.js": {Data: []byte(`
function handler(request) {
	var q = request.query;
	switch (request.path) {
	case '/api/seen': return {headers: request.headers, cookies: request.cookies};
	case '/api/length': return {ran: true, length: request.bytes ? request.bytes.length : 0};
	case '/api/count':
		if (request.method !== 'GET' && request.method !== 'HEAD') fazt.storage.kv.incr('changes');
		return {changes: fazt.storage.kv.get('changes') || 0};
	case '/api/header':
		var headers = {};
		headers[q.name] = q.value;
		return respond(Number(q.status) || 200, 'x', headers);
	case '/api/cookies': return respond(200, 'x', {'Set-Cookie': request.body.lines});
	case '/api/large': // 16 MiB
		var half = '0123456789abcdef';
		while (half.length < 8388608) half += half;
		return [half, half];
	case '/api/me': return {user: fazt.auth.getUser()};
	}
	return respond(404, {error: 'no such route'});
}`)},
}

// sample is every n-th of what a check tries in a short run, and all of it else.
func sample[T any](p *Probe, all []T, n int) []T {
	if !p.brief {
		return all
	}
	var some []T
	for i := 0; i < len(all); i += n {
		some = append(some, all[i])
	}
	return some
}
