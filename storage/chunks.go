package storage

import "encoding/json"

// ChunkedDocs is what [Docs] does to all that matches a query, in many short
// transactions instead of one: any number of documents, without keeping other writes
// waiting. Each transaction is made whole or not at all. In between, others see some
// of it done, and write; each document is tried once more right before it is written.
// Documents that come to match after the call has begun may be left out, and none is
// written twice.
//
// An error, also that of a deadline that has passed half-way, leaves what was done
// before; it is an [Error] with that as its Count. Delete of {} is one step here, too.
type ChunkedDocs interface {
	Update(collection string, query, changes json.RawMessage) (int, error)
	Delete(collection string, query json.RawMessage) (int, error)
	DeleteOldest(collection string, keep int) (int, error)
}
