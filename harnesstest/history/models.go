package history

import (
	"fmt"
	"hash/maphash"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"
)

// Op is what a client asks for.
type Op string

// The operations. Each model says which it has, and what they mean there.
const (
	Read   Op = "read"
	Write  Op = "write"
	Delete Op = "delete"
	Add    Op = "add"
	Swap   Op = "swap"
	Has    Op = "has"
)

// Input is what a client asked.
type Input struct {
	Op Op
	// Key is the object. Objects are checked each by itself.
	Key   string
	Value int64
	// Old is what Swap of a [Register] expects.
	Old int64
	// Version is what Swap of a [CompareAndSet] expects; 0: absent.
	Version int64
}

// Output is what a client was answered.
type Output struct {
	Value  int64
	Values []int64 // of a Set, in any order
	// Version is that of a [CompareAndSet] after the operation; 0: absent.
	Version int64
	// OK says that something was found, or done.
	OK bool
	// Unknown says that the outcome is: see [Call.Unknown].
	Unknown bool
}

func describe(in, out any) string {
	i, o := in.(Input), out.(Output)
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", i.Op, i.Key)
	switch i.Op {
	case Write, Add, Has:
		fmt.Fprintf(&b, " %d", i.Value)
	case Swap:
		fmt.Fprintf(&b, " %d->%d v%d", i.Old, i.Value, i.Version)
	}
	if o.Unknown {
		return b.String() + ": unknown"
	}
	fmt.Fprintf(&b, ": %d", o.Value)
	if o.Values != nil {
		fmt.Fprintf(&b, " %v", o.Values)
	}
	if o.Version != 0 {
		fmt.Fprintf(&b, " v%d", o.Version)
	}
	if !o.OK {
		b.WriteString(" no")
	}
	return b.String()
}

// model makes porcupine's model of one with a comparable state. step is the state after
// an operation, and whether its answer can be; that of an unknown one always can.
//
// An unknown operation is taken for one that was made, at any moment from its call to the
// end of the history: at the very end, where nobody sees it, it is one that was not.
func model[S comparable](step func(S, Input, Output) (S, bool)) porcupine.Model {
	seed := maphash.MakeSeed()
	return porcupine.Model{
		Partition: byKey,
		Init:      func() any { var s S; return s },
		Step: func(state, input, output any) (bool, any) {
			out := output.(Output)
			after, right := step(state.(S), input.(Input), out)
			return right || out.Unknown, after
		},
		Equal:             func(a, b any) bool { return a == b },
		Hash:              func(s any) uint64 { return maphash.Comparable(seed, s.(S)) },
		DescribeOperation: describe,
		DescribeState:     func(s any) string { return fmt.Sprintf("%+v", s) },
	}
}

// byKey takes a history apart. Its parts come in the order of their keys, so that a
// picture is the same each time.
func byKey(ops []porcupine.Operation) [][]porcupine.Operation {
	parts := map[string][]porcupine.Operation{}
	var keys []string
	for _, op := range ops {
		key := op.Input.(Input).Key
		if _, ok := parts[key]; !ok {
			keys = append(keys, key)
		}
		parts[key] = append(parts[key], op)
	}
	slices.Sort(keys)
	all := make([][]porcupine.Operation, len(keys))
	for i, key := range keys {
		all[i] = parts[key]
	}
	return all
}

type register struct {
	value  int64
	exists bool
}

// Register is a value that is read and written whole, and absent at first:
//
//   - Read answers Value, and OK if there is one.
//   - Write stores Value.
//   - Delete makes it absent.
//   - Swap stores Value if Old is there, and answers whether it did in OK: a
//     compare-and-set by value. See [CompareAndSet] for the one by version.
func Register() porcupine.Model {
	return model(func(s register, in Input, out Output) (register, bool) {
		switch in.Op {
		case Read:
			return s, out.OK == s.exists && (!s.exists || out.Value == s.value)
		case Write:
			return register{in.Value, true}, true
		case Delete:
			return register{}, true
		case Swap:
			matched := s.exists && s.value == in.Old
			made := s
			if matched {
				made = register{in.Value, true}
			}
			return made, out.OK == matched
		}
		panic(unknownOp("Register", in.Op))
	})
}

// Counter is a number that is added to, and 0 at first:
//
//   - Read answers Value.
//   - Add adds Value, and answers the new number in Value if OK; without OK the answer
//     tells nothing, as some counters do not.
func Counter() porcupine.Model {
	return model(func(n int64, in Input, out Output) (int64, bool) {
		switch in.Op {
		case Read:
			return n, out.Value == n
		case Add:
			made := n + in.Value
			return made, !out.OK || out.Value == made
		}
		panic(unknownOp("Counter", in.Op))
	})
}

// Set is a set of numbers, empty at first:
//
//   - Add puts Value in, Delete takes it out; what they answer is not looked at.
//   - Has answers in OK whether Value is in it.
//   - Read answers Values, all that are in it.
func Set() porcupine.Model {
	// The state is its elements in order, as text, since states are compared a lot.
	return model(func(s string, in Input, out Output) (string, bool) {
		switch in.Op {
		case Add:
			return elements(append(parse(s), in.Value)), true
		case Delete:
			rest := slices.DeleteFunc(parse(s), func(v int64) bool { return v == in.Value })
			return elements(rest), true
		case Has:
			return s, out.OK == slices.Contains(parse(s), in.Value)
		case Read:
			return s, len(out.Values) == len(parse(s)) && elements(slices.Clone(out.Values)) == s
		}
		panic(unknownOp("Set", in.Op))
	})
}

func elements(values []int64) string {
	slices.Sort(values)
	var b strings.Builder
	for _, v := range slices.Compact(values) {
		fmt.Fprintf(&b, "%d ", v)
	}
	return b.String()
}

func parse(s string) (values []int64) {
	for field := range strings.FieldsSeq(s) {
		var v int64
		fmt.Sscan(field, &v) // of elements
		values = append(values, v)
	}
	return values
}

func unknownOp(model string, op Op) string {
	return fmt.Sprintf("history: a %s has no operation %q", model, op)
}
