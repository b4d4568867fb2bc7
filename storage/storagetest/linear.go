package storagetest

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/harnesstest/history"
	"github.com/fazt-sh/fazt/storage"
)

// do carries out an operation. made is false if it certainly changed nothing.
func do(ctx context.Context, s storage.Store, in history.Input) (out history.Output, made bool, err error) {
	var found history.Output // may still be written after a call that was given up
	read := func(tx storage.Tx) error {
		e, err := tx.KV().Get(in.Key)
		if storage.CodeOf(err) == storage.CodeNotFound {
			return nil
		}
		found.Version = e.Version
		if err == nil {
			found.Value, err = strconv.ParseInt(string(e.Value), 10, 64)
		}
		return err
	}
	value := json.RawMessage(strconv.FormatInt(in.Value, 10))
	if in.Op == history.Read {
		err = s.View(ctx, scope, read)
	} else {
		err = s.Tx(ctx, scope, func(tx storage.Tx) (err error) {
			found = history.Output{} // it may run twice
			switch in.Op {
			case history.Write:
				err = tx.KV().Set(in.Key, value, 0)
			case history.Add:
				_, err = tx.KV().Incr(in.Key, float64(in.Value))
			case history.Swap:
				_, err = tx.KV().SetIf(in.Key, value, in.Version)
				found.OK = err == nil
			case history.Delete:
				found.OK, err = tx.KV().Delete(in.Key)
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
		return history.Output{}, true, nil
	case code == storage.CodeUncertain:
		return history.Output{Unknown: true}, true, nil
	case errors.Is(err, context.Canceled):
		return history.Output{}, false, nil
	}
	return history.Output{}, false, err
}

// testLinearizable checks a history of callers who read and write three keys,
// and give up some of their calls half-way.
func testLinearizable(t *testing.T, s storage.Store) {
	const callers, calls = 10, 150
	var rec history.Recorder
	var wg sync.WaitGroup
	for id := range callers {
		wg.Go(func() {
			seen := map[string]int64{}
			for n := range calls {
				op := []history.Op{history.Read, history.Read, history.Write, history.Add, history.Swap, history.Delete}[rand.IntN(6)]
				in := history.Input{Op: op, Key: string(rune('a' + rand.IntN(3))), Value: int64(id*calls + n)}
				if op == history.Swap {
					in.Version = seen[in.Key]
				}
				ctx, cancel := context.WithCancel(t.Context())
				if rand.IntN(5) == 0 {
					go cancel()
				}
				call := rec.Invoke(id, in)
				out, made, err := do(ctx, s, in)
				switch {
				case !made:
					call.Drop()
				case out.Unknown:
					call.Unknown()
				default:
					call.Return(out)
					seen[in.Key] = out.Version
				}
				cancel()
				if err != nil {
					t.Errorf("%+v: %v", in, err)
				}
			}
		})
	}
	wg.Wait()
	ops := rec.Operations()
	history.Verify(t, history.CompareAndSet(), ops, time.Minute)
	// A read that saw something else must not pass.
	for i, op := range ops {
		if out := op.Output.(history.Output); op.Input.(history.Input).Op == history.Read && out.Version > 0 {
			out.Value += callers * calls * calls
			ops[i].Output = out
			if err := history.Check(history.CompareAndSet(), ops, time.Minute, ""); !errors.Is(err, history.ErrNotLinearizable) {
				t.Errorf("a wrong read: %v", err)
			}
			return
		}
	}
	t.Error("no read found anything")
}
