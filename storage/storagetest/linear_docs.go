package storagetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/fazt-sh/fazt/harnesstest/history"
	"github.com/fazt-sh/fazt/storage"
)

// group is a value of a field, of which [groups] counts the documents.
type group = int

const groupCount = 4

// groups is the state of a collection as queries by that field see it.
type groups [groupCount]int

// groupCall is an operation on all documents of a group.
type groupCall struct {
	op       string
	from, to group
}

// collection is what a collection is to concurrent callers if an update or a delete by
// query happens at one moment: the number that each returns is that of the documents
// that matched then.
var collection = porcupine.Model{
	Init: func() any { return groups{} },
	Step: func(state, input, output any) (bool, any) {
		s, c, n := state.(groups), input.(groupCall), output.(int)
		switch c.op {
		case "insert":
			s[c.to]++
			return true, s
		case "count":
			return n == s[c.from], s
		}
		matched := s[c.from]
		s[c.from] = 0
		if c.op == "update" {
			s[c.to] += matched
		}
		return n == matched, s
	},
	Equal:             func(a, b any) bool { return a == b },
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v -> %v", in, out) },
}

// doGroup carries out a call.
func doGroup(t *testing.T, s storage.Store, c groupCall) (n int, err error) {
	query := fmt.Appendf(nil, `{"group":%d}`, c.from)
	changes := fmt.Appendf(nil, `{"group":%d}`, c.to)
	found := 0 // may still be written after a call that was given up
	if c.op == "count" {
		err = s.View(t.Context(), scope, func(tx storage.Tx) (err error) {
			found, err = tx.Docs().Count("items", query)
			return err
		})
		return found, err
	}
	err = s.Tx(t.Context(), scope, func(tx storage.Tx) (err error) {
		switch c.op {
		case "insert":
			_, err = tx.Docs().Insert("items", changes)
		case "update":
			found, err = tx.Docs().Update("items", query, changes)
		case "delete":
			found, err = tx.Docs().Delete("items", query)
		}
		return err
	})
	return found, err
}

// testLinearizableQueries checks a history of callers who insert, and who move, delete
// and count whatever matches, in a collection that is too large to be searched while
// others wait.
func testLinearizableQueries(t *testing.T, s storage.Store) {
	const callers, calls = 6, 40
	fill(t, s, "items", 4000)
	var rec history.Recorder
	var wg sync.WaitGroup
	for id := range callers {
		wg.Go(func() {
			for range calls {
				from := rand.IntN(groupCount)
				c := groupCall{[]string{"insert", "insert", "insert", "update", "update", "delete", "count"}[rand.IntN(7)],
					from, (from + 1 + rand.IntN(groupCount-1)) % groupCount}
				call := rec.Invoke(id, c)
				n, err := doGroup(t, s, c)
				if err == nil {
					call.Return(n)
					continue
				}
				call.Drop()
				if storage.CodeOf(err) != storage.CodeOverloaded { // by which it was not made
					t.Errorf("%+v: %v", c, err)
				}
			}
		})
	}
	wg.Wait()
	ops := rec.Operations()
	history.Verify(t, collection, ops, time.Minute)
	// A delete that left something out must not pass.
	for i, op := range ops {
		if n := op.Output.(int); op.Input.(groupCall).op != "insert" && n > 0 {
			ops[i].Output = n + callers*calls
			if err := history.Check(collection, ops, time.Minute, ""); !errors.Is(err, history.ErrNotLinearizable) {
				t.Errorf("a wrong number: %v", err)
			}
			return
		}
	}
	t.Error("nothing ever matched")
}
