package history

import "github.com/anishathalye/porcupine"

// versioned is the state of a value with a version. The version is unknown (-1) after a
// write whose outcome was.
type versioned struct {
	value   int64
	version int64
	newest  int64 // of all versions so far, also of values that were deleted
}

// CompareAndSet is a value with a version that each write makes a new one, larger than
// all before it, also after a delete; absent at first, with version 0. It is what
// If-Match and an ETag are, or setIf of a key-value store.
//
//   - Read answers Value and Version, 0 and 0 if absent.
//   - Write stores Value, and answers the new Version.
//   - Add adds Value to the number that is there, or to 0, and answers the new Value and
//     Version.
//   - Swap stores Value if Version is the present one (0: if it is absent), and answers
//     in OK whether it did, and the new Version then.
//   - Delete makes it absent, and answers in OK whether there was one.
func CompareAndSet() porcupine.Model {
	return model(func(s versioned, in Input, out Output) (versioned, bool) {
		if out.Unknown {
			return s.maybe(in), true
		}
		return s.apply(in, out)
	})
}

// maybe is the state after an operation of which nothing came back.
func (s versioned) maybe(in Input) versioned {
	wrote := versioned{in.Value, -1, s.newest}
	switch in.Op {
	case Write:
		return wrote
	case Add:
		wrote.value += s.value
		return wrote
	case Swap:
		if s.version == in.Version || s.version == -1 {
			return wrote
		}
	case Delete:
		return versioned{newest: s.newest}
	}
	return s
}

// apply is the state after an operation, and whether its answer is right.
func (s versioned) apply(in Input, out Output) (versioned, bool) {
	fresh := out.Version > s.newest
	wrote := versioned{in.Value, out.Version, out.Version}
	switch in.Op {
	case Read:
		if s.version == -1 && fresh {
			s.version, s.newest = out.Version, out.Version
		}
		return s, out.Version == s.version && out.Value == s.value
	case Write:
		return wrote, fresh
	case Add:
		wrote.value += s.value
		return wrote, fresh && out.Value == wrote.value
	case Swap:
		if !out.OK {
			return s, s.version != in.Version
		}
		return wrote, fresh && (s.version == in.Version || s.version == -1)
	case Delete:
		return versioned{newest: s.newest}, out.OK == (s.version != 0)
	}
	panic(unknownOp("CompareAndSet", in.Op))
}
