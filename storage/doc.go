// Package storage defines the store of a fazt server: key-value data, documents
// and blobs of apps, the catalogue of the apps themselves, and plain SQL for
// packages that own tables. Package
// [github.com/fazt-sh/fazt/storage/sqlite] is an engine; package
// [github.com/fazt-sh/fazt/storage/storagetest] is the suite that every engine
// passes.
//
// # Scopes and transactions
//
// Data belongs to a [Scope]: an app, or one user inside an app. A call names
// its scope once, in [Data.Tx] or [Data.View], and then cannot reach
// another's rows. Tx runs a function in a write transaction: all that it wrote
// is kept, or none. View runs one on a snapshot.
//
//	err := store.Tx(ctx, storage.Scope{App: app.ID}, func(tx storage.Tx) error {
//		if _, err := tx.KV().Incr("visits", 1); err != nil {
//			return err
//		}
//		_, err := tx.Docs().Insert("log", json.RawMessage(`{"path":"/"}`))
//		return err
//	})
//
// # Durability
//
// When Tx returns nil, the write is on disk: it survives the end of the process
// and of the machine, and every View that begins afterwards sees it. Many
// callers share one commit, so that this costs little under load. A [Pipeline]
// spares one caller with several small writes the wait for each.
//
// When Tx returns an error, nothing was written, with one exception:
// [CodeUncertain] says that the deadline passed, or the disk failed, during
// the commit itself. Then only reading the data tells.
//
// # Keys and values
//
// A key is 1 to [MaxKey] bytes of UTF-8 without NUL, a value one JSON text of at
// most [MaxValue] bytes, nested at most [MaxNesting] deep. Values come back byte
// for byte. Every change of a key gives it a version that no key of the store
// ever had, so that [KV.SetIf] notices a key that was deleted and made again. A
// key that has expired is gone at once; [KV.SetIf] and [KV.Incr] keep the time
// at which it will.
//
// # Blobs
//
// A blob is bytes of any length under a path, streamed in both directions:
//
//	blob, err := store.PutBlob(ctx, scope, "avatars/ann.png", file, "image/png")
//	blob, r, err := store.OpenBlob(ctx, scope, "avatars/ann.png")
//
// It becomes visible when all of it is stored, and its hash is known then.
// While it is being stored, other writers wait for single chunks of it at most.
// A reader keeps to the bytes that it began with.
//
// # Quotas
//
// What an app stores is bounded, piece by piece and in all, by [Quotas], and
// counted exactly: [Data.Usage]. A breach is [CodeQuotaExceeded], with the size
// and the limit in the [Error].
//
// # Documents
//
// A document is a JSON object in a named collection. Its id is its own "id", a
// non-empty string, or one that is made. It comes back with "id" first, then
// its own fields in their order, then "_createdAt" and "_updatedAt" in Unix
// milliseconds. A number keeps its digits, but compares as the nearest double,
// as in JavaScript. An object with a field twice is refused.
//
// # Queries
//
// A query is an object. Its fields are dotted paths, and all of them must hold:
//
//	{"status": "open", "meta.owner": "ann", "price": {"$gte": 10, "$lt": 20}}
//
// A path leads through objects by name and through arrays by index ("items.0").
// A value asks for deep equality, in which the order of an object's fields does
// not count. Null also matches what is missing. The operators are
//
//	$eq $ne            equal, or not
//	$gt $gte $lt $lte  order: numbers among numbers, strings among strings by
//	                   their bytes; anything else does not match
//	$in $nin           equal to one of an array, or to none
//	$contains          an array that has the element, a string that has the text
//	$exists            true or false: the field is there, null or not
//	$prefix            a string that begins with the text
//	$not               {"price": {"$not": {"$gt": 5}}}, or around a query
//	$and $or           arrays of queries
//
// An operator that does not exist, or an operand of the wrong type, is an error
// with the path to it. A query has at most [MaxConditions] conditions.
//
// # Indexes
//
// A deploy names the fields of documents that are indexed
// ([NewDeployment].Indexes), and an engine makes more of them where scans have cost more
// than they would ([ChooseIndexes]). An index changes how long a call takes and never
// what it returns. It serves $eq, $in, $gt, $gte, $lt, $lte and $prefix where
// they stand by themselves or in $and, and a sort with a limit; $or, $not, $ne
// and $nin do without. To an index an array is one value, as it is to $eq: a
// document with {"tags": ["a", "b"]} is found by {"tags": ["a", "b"]}. What is
// asked of its elements, or of a part of a text, is $contains, which uses no
// index. A field that is missing is indexed as null.
//
// # Changes
//
// An update is an object of plain fields, of operators, or of both, made in one
// step or not at all:
//
//	{"status": "done", "$inc": {"tries": 1}, "$push": {"log": "sent"}}
//
//	$set    sets paths, as plain fields do; objects on the way are made
//	$unset  removes fields; an array's element becomes null
//	$inc    adds to numbers; missing and null count as 0
//	$push   appends to arrays; missing and null count as empty
//	$pull   removes the elements that equal a value, or that operators match
//
// Two changes of one value are refused. "id" cannot be changed, and the
// timestamps are kept by the store: a document that was read may be written
// back as it is, with them, and any other "_createdAt" is refused, as is
// "_updatedAt" by itself.
package storage
