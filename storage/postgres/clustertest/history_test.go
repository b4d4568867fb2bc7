package clustertest_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/fazt-sh/fazt/storage/postgres/pgtest"
)

// keysApp answers what is asked of one key. A swap is done if the key's version is still
// the one at which it was read: so what it says that it found was there at that moment. A
// key that was absent may have been set and deleted again meanwhile, which no version tells.
const keysApp = `function handler(request) {
	var kv = fazt.storage.kv, q = request.query, value = Number(q.value), found;
	switch (q.op) {
	case 'get':
		found = kv.get(q.key);
		return {value: found === undefined ? 0 : found};
	case 'set':
		kv.set(q.key, value);
		return {value: value};
	case 'incr':
		return {value: kv.incr(q.key, 1)};
	case 'delete':
		kv.delete(q.key);
		return {value: 0};
	case 'swap':
		var version = kv.getVersion(q.key);
		if (version) { found = kv.get(q.key); }
		try {
			kv.setIf(q.key, value, version);
		} catch (e) {
			if (e.code !== 'CONFLICT') { throw e; }
			return {conflict: true};
		}
		return {value: value, found: found === undefined ? 0 : found};
	}
	return respond(400);
}`

type call struct {
	op, key string
	value   int
}

type result struct {
	Value, Found int
	Conflict     bool
	unknown      bool // whether it was made
}

// keys is what a key is to everybody if each call happens at one moment between its
// beginning and its end, on whichever server: a number, 0 where there is none.
var keys = porcupine.NondeterministicModel{
	Init: func() []any { return []any{0} },
	Step: func(state, input, output any) []any {
		before, c, r := state.(int), input.(call), output.(result)
		after := before
		switch c.op {
		case "set", "swap":
			after = c.value
		case "incr":
			after = before + 1
		case "delete":
			after = 0
		}
		switch {
		case r.unknown:
			return []any{before, after}
		case r.Conflict: // with whichever version it has met
			return []any{before}
		case c.op == "swap" && r.Found != before, r.Value != after:
			return nil
		}
		return []any{after}
	},
	Equal: func(a, b any) bool { return a == b },
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byKey := map[string][]porcupine.Operation{}
		for _, op := range history {
			key := op.Input.(call).key
			byKey[key] = append(byKey[key], op)
		}
		var parts [][]porcupine.Operation
		for _, part := range byKey {
			parts = append(parts, part)
		}
		return parts
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v -> %+v", in, out) },
}

// TestLinearizable checks a history of callers whose every request goes to another
// server: each sees what the others were told is done.
func TestLinearizable(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	b := &balancer{servers: startServers(t, url, 3)}
	if _, err := manager(b.client(t), newKey(t, url)).Deploy(t.Context(), "notes", files("api/main.js", keysApp)); err != nil {
		t.Fatal(err)
	}
	const callers, calls = 9, 100
	var mu sync.Mutex
	var history []porcupine.Operation
	start := time.Now()
	var wg sync.WaitGroup
	for id := range callers {
		wg.Go(func() {
			c := b.client(t)
			for n := range calls {
				in := call{op: []string{"get", "get", "set", "incr", "swap", "swap", "delete"}[rand.IntN(7)],
					key: string(rune('a' + rand.IntN(3))), value: 1000 * (id*calls + n + 1)}
				op := porcupine.Operation{ClientId: id, Input: in, Call: time.Since(start).Nanoseconds()}
				out, made := ask(t, c, in)
				op.Output, op.Return = out, time.Since(start).Nanoseconds()
				if out.unknown {
					op.Return = 1 << 62 // it may have its effect at any later time
				}
				if made {
					mu.Lock()
					history = append(history, op)
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d operations in %v", len(history), time.Since(start).Round(time.Millisecond))
	if len(history) < callers*calls/2 {
		t.Errorf("of %d calls %d were made", callers*calls, len(history))
	}
	model := keys.ToModel()
	if outcome := porcupine.CheckOperationsTimeout(model, history, time.Minute); outcome != porcupine.Ok {
		t.Errorf("a history of %d operations: %s", len(history), outcome)
	}
	for i, op := range history { // a read that saw something else must not pass
		if r := op.Output.(result); op.Input.(call).op == "get" && r.Value > 0 {
			r.Value += 1_000_000
			history[i].Output = r
			if outcome := porcupine.CheckOperationsTimeout(model, history, time.Minute); outcome != porcupine.Illegal {
				t.Errorf("a wrong read: %s", outcome)
			}
			return
		}
	}
	t.Error("no read found anything")
}

// ask makes a call. made is false if it certainly changed nothing and told nothing.
func ask(t *testing.T, c *http.Client, in call) (out result, made bool) {
	a, err := get(c, fmt.Sprintf("%s/api?op=%s&key=%s&value=%d", appURL, in.op, in.key, in.value))
	switch {
	case err != nil, strings.Contains(a.body, `"UNCERTAIN"`):
		return result{unknown: true}, in.op != "get"
	case a.status == http.StatusServiceUnavailable:
		return result{}, false
	case a.status != http.StatusOK:
		t.Errorf("%+v: %v", in, a)
		return result{unknown: true}, in.op != "get"
	}
	if out, err = decode[result](a); err != nil {
		t.Errorf("%+v: %v: %v", in, a, err)
	}
	return out, true
}
