// Package history records what concurrent clients did to a store and were answered, and
// checks that it is linearizable: that each operation can have happened at one moment
// between its call and its return.
//
//	var rec history.Recorder
//	// in each client, with an id of its own:
//	call := rec.Invoke(id, history.Input{Op: history.Write, Key: "x", Value: 7})
//	switch err := put("x", 7); {
//	case err == nil:
//		call.Return(history.Output{})
//	case certainlyNotMade(err):
//		call.Drop()
//	default: // a timeout: it may have been made, or may be yet
//		call.Unknown()
//	}
//	// once all have ended:
//	history.Verify(t, history.Register(), rec.Operations(), time.Minute)
//
// An operation whose outcome nobody knows counts as one that may have happened at any
// later time, or not at all. Much of that makes a check slow: it tries both.
//
// The models are [Register], [Counter], [Set] and [CompareAndSet]. Values are whole
// numbers: a client that writes another one each time makes the check strict and its
// picture readable. The checker is porcupine (github.com/anishathalye/porcupine), whose
// models may stand for these: [Check] and [Verify] take any.
package history
