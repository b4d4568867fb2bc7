package history_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/harnesstest/history"
)

type (
	in  = history.Input
	out = history.Output
)

// step is an operation in a history of one moment after the other. One with a number in
// beside is under way together with the ones that have the same.
type step struct {
	in     in
	out    out
	beside int
}

// of makes a history. What is beside each other is called together and returns together.
func of(steps []step) (ops []porcupine.Operation) {
	now := int64(0)
	groups := map[int][]int{}
	for i, s := range steps {
		op := porcupine.Operation{ClientId: i, Input: s.in, Output: s.out, Call: now, Return: now + 1}
		if first, ok := groups[s.beside]; ok && s.beside > 0 {
			op.Call, op.Return = ops[first[0]].Call, ops[first[0]].Return
		}
		if s.beside > 0 {
			groups[s.beside] = append(groups[s.beside], i)
		}
		if s.out.Unknown {
			op.Return = 1 << 40
		}
		ops = append(ops, op)
		now += 10
	}
	return ops
}

func TestModels(t *testing.T) {
	var (
		r, c, s, v = history.Register(), history.Counter(), history.Set(), history.CompareAndSet()
		write      = func(n int64) in { return in{Op: history.Write, Key: "x", Value: n} }
		add        = func(n int64) in { return in{Op: history.Add, Key: "x", Value: n} }
		del        = func(n int64) in { return in{Op: history.Delete, Key: "x", Value: n} }
		has        = func(n int64) in { return in{Op: history.Has, Key: "x", Value: n} }
		swap       = func(old, n int64) in { return in{Op: history.Swap, Key: "x", Old: old, Value: n} }
		setIf      = func(version, n int64) in { return in{Op: history.Swap, Key: "x", Version: version, Value: n} }
		read       = in{Op: history.Read, Key: "x"}
		other      = in{Op: history.Read, Key: "y"}
		unknown    = out{Unknown: true}
	)
	for _, test := range []struct {
		name  string
		model porcupine.Model
		right bool
		steps []step
	}{
		{"register: absent at first", r, true, []step{{read, out{}, 0}}},
		{"register: nothing can be read that was not written", r, false, []step{{read, out{Value: 1, OK: true}, 0}}},
		{"register: what was written is read", r, true, []step{{write(1), out{}, 0}, {read, out{Value: 1, OK: true}, 0}}},
		{"register: a lost write", r, false, []step{{write(1), out{}, 0}, {read, out{}, 0}}},
		{"register: a stale read", r, false, []step{{write(1), out{}, 0}, {write(2), out{}, 0}, {read, out{Value: 1, OK: true}, 0}}},
		{"register: a read beside a write sees either", r, true, []step{{write(1), out{}, 0}, {write(2), out{}, 1}, {read, out{Value: 1, OK: true}, 1}}},
		{"register: keys are apart", r, true, []step{{write(1), out{}, 0}, {other, out{}, 0}}},
		{"register: an unknown write may have been made", r, true, []step{{write(1), unknown, 0}, {read, out{Value: 1, OK: true}, 0}}},
		{"register: or be made later", r, true, []step{{write(1), unknown, 0}, {read, out{}, 0}, {read, out{Value: 1, OK: true}, 0}}},
		{"register: but only once", r, false, []step{{write(1), unknown, 0}, {read, out{Value: 1, OK: true}, 0}, {write(2), out{}, 0}, {read, out{Value: 1, OK: true}, 0}}},
		{"register: deleted", r, true, []step{{write(1), out{}, 0}, {del(0), out{}, 0}, {read, out{}, 0}}},
		{"register: a delete that did nothing", r, false, []step{{write(1), out{}, 0}, {del(0), out{}, 0}, {read, out{Value: 1, OK: true}, 0}}},
		{"register: swapped", r, true, []step{{write(1), out{}, 0}, {swap(1, 2), out{OK: true}, 0}, {read, out{Value: 2, OK: true}, 0}}},
		{"register: a swap of what is not there", r, false, []step{{write(1), out{}, 0}, {swap(3, 2), out{OK: true}, 0}}},
		{"register: two swaps of the same", r, false, []step{{write(1), out{}, 0}, {swap(1, 2), out{OK: true}, 1}, {swap(1, 3), out{OK: true}, 1}}},
		{"counter: adds up", c, true, []step{{add(2), out{Value: 2, OK: true}, 0}, {add(3), out{}, 0}, {read, out{Value: 5}, 0}}},
		{"counter: a lost update", c, false, []step{{add(1), out{}, 1}, {add(1), out{}, 1}, {read, out{Value: 1}, 0}}},
		{"counter: the same number twice", c, false, []step{{add(1), out{Value: 1, OK: true}, 1}, {add(1), out{Value: 1, OK: true}, 1}}},
		{"counter: an unknown add", c, true, []step{{add(1), unknown, 0}, {read, out{}, 0}, {read, out{Value: 1}, 0}}},
		{"counter: an unknown add is made once", c, false, []step{{add(1), unknown, 0}, {read, out{Value: 2}, 0}}},
		{"set: what is in it", s, true, []step{{add(2), out{}, 0}, {add(1), out{}, 0}, {del(2), out{}, 0}, {has(1), out{OK: true}, 0}, {has(2), out{}, 0}, {read, out{Values: []int64{1}}, 0}}},
		{"set: in any order", s, true, []step{{add(2), out{}, 0}, {add(1), out{}, 0}, {add(1), out{}, 0}, {read, out{Values: []int64{2, 1}}, 0}}},
		{"set: a lost element", s, false, []step{{add(2), out{}, 1}, {add(1), out{}, 1}, {read, out{Values: []int64{1}}, 0}}},
		{"set: an element twice", s, false, []step{{add(1), out{}, 0}, {read, out{Values: []int64{1, 1}}, 0}}},
		{"set: a deleted element", s, false, []step{{add(1), out{}, 0}, {del(1), out{}, 0}, {has(1), out{OK: true}, 0}}},
		{"compare-and-set: made", v, true, []step{{setIf(0, 1), out{OK: true, Version: 4}, 0}, {setIf(4, 2), out{OK: true, Version: 6}, 0}, {read, out{Value: 2, Version: 6}, 0}}},
		{"compare-and-set: refused", v, true, []step{{write(1), out{Version: 4}, 0}, {setIf(3, 2), out{}, 0}, {read, out{Value: 1, Version: 4}, 0}}},
		{"compare-and-set: refused for nothing", v, false, []step{{write(1), out{Version: 4}, 0}, {setIf(4, 2), out{}, 0}}},
		{"compare-and-set: two of one version", v, false, []step{{write(1), out{Version: 4}, 0}, {setIf(4, 2), out{OK: true, Version: 5}, 1}, {setIf(4, 3), out{OK: true, Version: 6}, 1}}},
		{"compare-and-set: a version that comes back", v, false, []step{{write(1), out{Version: 4}, 0}, {del(0), out{OK: true}, 0}, {write(1), out{Version: 4}, 0}}},
		{"compare-and-set: added to", v, true, []step{{add(2), out{Value: 2, Version: 1}, 0}, {add(2), out{Value: 4, Version: 2}, 0}}},
		{"compare-and-set: a lost update", v, false, []step{{add(2), out{Value: 2, Version: 1}, 1}, {add(2), out{Value: 2, Version: 2}, 1}}},
		{"compare-and-set: unknown, and made", v, true, []step{{setIf(0, 1), unknown, 0}, {read, out{Value: 1, Version: 3}, 0}, {setIf(3, 2), out{OK: true, Version: 4}, 0}}},
		{"compare-and-set: unknown, of the wrong version", v, false, []step{{setIf(9, 1), unknown, 0}, {read, out{Value: 1, Version: 3}, 0}}},
		{"compare-and-set: an unknown delete", v, true, []step{{write(1), out{Version: 4}, 0}, {del(0), unknown, 0}, {read, out{}, 0}}},
	} {
		err := history.Check(test.model, of(test.steps), time.Minute, "")
		if right := err == nil; right != test.right || !right && !errors.Is(err, history.ErrNotLinearizable) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestModelsRefuseWhatTheyDoNotHave(t *testing.T) {
	for name, m := range map[string]porcupine.Model{
		"Register": history.Register(), "Counter": history.Counter(), "Set": history.Set(), "CompareAndSet": history.CompareAndSet(),
	} {
		func() {
			defer func() {
				if said := fmt.Sprint(recover()); !strings.Contains(said, name) {
					t.Errorf("%s: %s", name, said)
				}
			}()
			m.Step(m.Init(), in{Op: "dance"}, out{})
		}()
	}
}

// store is a register that its clients share, right or broken.
type store struct {
	mu     sync.Mutex
	value  int64
	stale  int64
	broken bool
}

func (s *store) write(v int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stale, s.value = s.value, v
}

func (s *store) read() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return s.stale
	}
	return s.value
}

// record has clients use a store, and give some operations up.
func record(s *store) []porcupine.Operation {
	var rec history.Recorder
	var clients sync.WaitGroup
	for id := range 5 {
		clients.Go(func() {
			for n := range 40 {
				switch rand.IntN(4) {
				case 0, 1:
					call := rec.Invoke(id, in{Op: history.Read, Key: "x"})
					v := s.read()
					call.Return(out{Value: v, OK: v > 0})
				case 2:
					value := int64(id*1000 + n + 1)
					call := rec.Invoke(id, in{Op: history.Write, Key: "x", Value: value})
					s.write(value)
					call.Return(out{})
				case 3:
					value := int64(id*1000 + n + 1)
					call := rec.Invoke(id, in{Op: history.Write, Key: "x", Value: value})
					switch {
					case n%3 == 0:
						call.Drop()
					case n%10 == 0:
						s.write(value)
						call.Unknown()
					case n%10 == 1:
						call.Unknown()
					default:
						s.write(value)
						call.Return(out{})
					}
				}
			}
		})
	}
	clients.Wait()
	return rec.Operations()
}

func TestVerifyAStore(t *testing.T) {
	history.Verify(t, history.Register(), record(&store{}), time.Minute)
}

// failing is a test that takes errors for what it wants.
type failing struct {
	testing.TB
	dir string
	got []string
}

func (f *failing) Helper()             {}
func (f *failing) ArtifactDir() string { return f.dir }
func (f *failing) Error(args ...any)   { f.got = append(f.got, fmt.Sprint(args...)) }
func (f *failing) Errorf(format string, args ...any) {
	f.got = append(f.got, fmt.Sprintf(format, args...))
}

func TestVerifyABrokenStore(t *testing.T) {
	f := &failing{TB: t, dir: t.TempDir()}
	history.Verify(f, history.Register(), record(&store{broken: true}), time.Minute)
	if len(f.got) != 1 || !strings.Contains(f.got[0], "not linearizable") {
		t.Errorf("it said %q", f.got)
	}
	page, err := os.ReadFile(filepath.Join(f.dir, history.Picture))
	if err != nil || !strings.Contains(string(page), "<html") || !strings.Contains(string(page), "write x") {
		t.Errorf("its picture has %d bytes: %v", len(page), err)
	}
}

func TestVerifyNothing(t *testing.T) {
	f := &failing{TB: t, dir: t.TempDir()}
	history.Verify(f, history.Register(), nil, time.Minute)
	if diff := cmp.Diff([]string{history.ErrEmpty.Error()}, f.got); diff != "" {
		t.Error(diff)
	}
}

func TestCheckGivesUp(t *testing.T) {
	var steps []step // which can be put in order in too many ways, and in no right one
	for n := range 60 {
		steps = append(steps, step{in{Op: history.Add, Key: "x", Value: 1 << n}, out{}, 1})
	}
	steps = append(steps, step{in{Op: history.Read, Key: "x"}, out{Value: -1}, 1})
	picture := filepath.Join(t.TempDir(), "p.html")
	if err := history.Check(history.Counter(), of(steps), 50*time.Millisecond, picture); !errors.Is(err, history.ErrUndecided) {
		t.Error(err)
	}
	if _, err := os.Stat(picture); err != nil {
		t.Error(err)
	}
	if err := history.Check(history.Counter(), of(steps[60:]), time.Minute, filepath.Join(t.TempDir(), "no", "dir")); !errors.Is(err, history.ErrNotLinearizable) || !strings.Contains(err.Error(), "picture") {
		t.Errorf("a picture that can't be drawn: %v", err)
	}
}

func TestRecorder(t *testing.T) {
	var rec history.Recorder
	rec.Invoke(7, 1).Return(2)
	rec.Invoke(7, 3).Unknown()
	rec.Invoke(7, 4).Drop()
	rec.Invoke(8, 5) // never comes back
	rec.Invoke(7, 6).Return(8)
	ops := rec.Operations()
	type seen struct {
		row     int
		in, out any
	}
	var got []seen
	for i, op := range ops {
		got = append(got, seen{op.ClientId, op.Input, op.Output})
		if op.Call > op.Return || i > 0 && op.Call < ops[i-1].Call {
			t.Errorf("operation %d is from %d to %d", i, op.Call, op.Return)
		}
	}
	want := []seen{{0, 1, 2}, {0, 3, out{Unknown: true}}, {2, 5, out{Unknown: true}}, {1, 6, 8}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(seen{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if last := ops[3].Return; ops[1].Return <= last || ops[2].Return <= last {
		t.Error("an unknown operation ends before another one")
	}
}
