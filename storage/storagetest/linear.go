package storagetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/fazt-sh/fazt/storage"
)

// call is one operation on one key, and result what came of it.
type call struct {
	op, key string
	value   int
	version int64 // of setIf
}

type result struct {
	value   int
	version int64 // after the operation; 0: absent
	done    bool  // of delete and setIf
	unknown bool  // whether it was made is not known
}

// register is the state of a key. Its version is unknown (-1) after a write
// whose outcome was. That no version occurs twice is looked at beside the model: they
// need not rise, and servers may give them out in any order.
type register struct {
	value   int
	version int64
}

// registers is what a key-value store is to concurrent callers if each
// operation happens at one moment between its call and its return.
var registers = porcupine.NondeterministicModel{
	Init: func() []any { return []any{register{}} },
	Step: func(state, input, output any) []any {
		before, c, r := state.(register), input.(call), output.(result)
		after, ok := before.apply(c, r)
		switch {
		case r.unknown:
			made := before
			switch c.op {
			case "set":
				made.value, made.version = c.value, -1
			case "delete":
				made.value, made.version = 0, 0
			case "incr":
				made.value, made.version = before.value+1, -1
			case "setIf":
				if before.version == c.version || before.version == -1 {
					made.value, made.version = c.value, -1
				}
			}
			return []any{before, made}
		case ok:
			return []any{after}
		}
		return nil
	},
	Equal:             func(a, b any) bool { return a == b },
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v -> %+v", in, out) },
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
}

// apply returns the state after an operation, and whether its result is right.
func (s register) apply(c call, r result) (register, bool) {
	there := r.version > 0
	wrote := register{c.value, r.version}
	switch c.op {
	case "get":
		if s.version == -1 && there {
			s.version = r.version
		}
		return s, r.version == s.version && r.value == s.value
	case "set":
		return wrote, there
	case "incr":
		wrote.value = s.value + 1
		return wrote, there && r.value == wrote.value
	case "setIf":
		if !r.done {
			return s, s.version != c.version
		}
		return wrote, there && (s.version == c.version || s.version == -1)
	}
	existed := s.version != 0
	return register{}, r.done == existed
}

// do carries out a call. made is false if it certainly changed nothing.
func do(ctx context.Context, s storage.Store, c call) (r result, made bool, err error) {
	var found result // may still be written after a call that was given up
	read := func(tx storage.Tx) error {
		e, err := tx.KV().Get(c.key)
		if storage.CodeOf(err) == storage.CodeNotFound {
			return nil
		}
		found.version = e.Version
		if err == nil {
			found.value, err = strconv.Atoi(string(e.Value))
		}
		return err
	}
	value := json.RawMessage(strconv.Itoa(c.value))
	if c.op == "get" {
		err = s.View(ctx, scope, read)
	} else {
		err = s.Tx(ctx, scope, func(tx storage.Tx) (err error) {
			found = result{} // it may run twice
			switch c.op {
			case "set":
				err = tx.KV().Set(c.key, value, 0)
			case "incr":
				_, err = tx.KV().Incr(c.key, 1)
			case "setIf":
				_, err = tx.KV().SetIf(c.key, value, c.version)
				found.done = err == nil
			case "delete":
				found.done, err = tx.KV().Delete(c.key)
			}
			if err != nil {
				return err
			}
			return read(tx)
		})
	}
	switch code := storage.CodeOf(err); {
	case err == nil:
		return found, true, nil
	case code == storage.CodeConflict:
		return result{}, true, nil
	case code == storage.CodeUncertain:
		return result{unknown: true}, true, nil
	case errors.Is(err, context.Canceled):
		return result{}, false, nil
	}
	return result{}, false, err
}

// testLinearizable checks a history of callers who read and write three keys,
// and give up some of their calls half-way.
func testLinearizable(t *testing.T, s storage.Store) {
	const callers, calls = 10, 150
	var mu sync.Mutex
	var history []porcupine.Operation
	start := time.Now()
	var wg sync.WaitGroup
	for id := range callers {
		wg.Go(func() {
			seen := map[string]int64{}
			for n := range calls {
				c := call{op: []string{"get", "get", "set", "incr", "setIf", "delete"}[rand.IntN(6)],
					key: string(rune('a' + rand.IntN(3))), value: id*calls + n}
				c.version = seen[c.key]
				ctx, cancel := context.WithCancel(t.Context())
				if rand.IntN(5) == 0 {
					go cancel()
				}
				called := time.Since(start).Nanoseconds()
				r, made, err := do(ctx, s, c)
				returned := time.Since(start).Nanoseconds()
				cancel()
				if err != nil {
					t.Errorf("%+v: %v", c, err)
				}
				if !made {
					continue
				}
				if r.unknown {
					returned = 1 << 62 // it may have its effect at any later time
				} else {
					seen[c.key] = r.version
				}
				mu.Lock()
				history = append(history, porcupine.Operation{ClientId: id, Input: c, Call: called, Output: r, Return: returned})
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	versions := map[int64]call{}
	for _, op := range history {
		c, r := op.Input.(call), op.Output.(result)
		if c.op == "get" || r.version == 0 || c.op == "setIf" && !r.done {
			continue
		}
		if other, ok := versions[r.version]; ok {
			t.Errorf("version %d is of %+v and of %+v", r.version, other, c)
		}
		versions[r.version] = c
	}
	model := registers.ToModel()
	if outcome := porcupine.CheckOperationsTimeout(model, history, time.Minute); outcome != porcupine.Ok {
		t.Errorf("a history of %d operations: %s", len(history), outcome)
	}
	// A read that saw something else must not pass.
	for i, op := range history {
		if r := op.Output.(result); op.Input.(call).op == "get" && r.version > 0 {
			r.value += callers * calls
			history[i].Output = r
			if outcome := porcupine.CheckOperationsTimeout(model, history, time.Minute); outcome != porcupine.Illegal {
				t.Errorf("a wrong read: %s", outcome)
			}
			return
		}
	}
	t.Error("no read found anything")
}
