// Package postgres is the engine of package storage for more than one machine: everything
// is in one PostgreSQL database, of version 15 or later, and any number of servers have it
// open, each of which may answer any call.
//
//	s, err := postgres.Open(ctx, "postgres://fazt:secret@db1,db2/fazt", postgres.Options{})
//
// Its SQL stays within what CockroachDB and YugabyteDB take, too: no advisory locks, no
// serial keys, no DDL in a transaction that does anything else, nothing that has to be
// heard of by NOTIFY. Nobody has run it on them here.
//
// # Writing
//
// A few lanes do all the writing of a server, each a goroutine with one connection at a
// time. A lane takes the apps whose turn it is, by start-time fair queuing over apps, and
// runs what waits of theirs, up to 256 requests, 5 ms of work or 1 MiB of data, in one
// transaction; an app is in one lane at a time. What returns nothing that is waited for is
// kept and sent with the next statement that does, so that 64 callers who each set a key
// cost two round trips and one commit. A request that fails undoes its own part.
//
// A transaction has the turn of each of its apps: it begins by locking their rows of the
// table usage, in the order of their names. So one server at a time writes an app's data,
// what a transaction reads stays as it is until it has committed, documents have numbers
// in the order of their commits, and the quota is kept to the byte by all servers together.
// It also means that an app writes no faster on ten servers than on one, and that servers
// share load by app. Where a server ends in the middle, the database lets go of its turns
// when the connection breaks, or after 15 seconds of silence.
//
// A transaction that the database has undone (40001, 40P01) is run again, a few times, up
// to a fifth of what is done. COMMIT runs where no caller's deadline cancels it: while it
// waits for a synchronous standby it is cancelled only in its waiting, and what is not on
// the standby would be seen by all, and lost by a fail-over. A COMMIT that was lost, that
// came with a warning, or that nobody answered for 30 seconds, is
// [storage.CodeUncertain]; whatever failed before it was not made.
//
// A write by query searches for its matches in the transaction that writes them. One that
// has much to read does so beside the lanes, where only its own app waits for it; more than
// about 50 ms of writing is refused with [storage.CodeTooManyMatches], as by other engines.
//
// # Reading
//
// A get, and a find of few documents, is one statement; a View is one transaction,
// REPEATABLE READ READ ONLY. Nothing is read from a standby: connections are made to a
// server that takes writes, whatever the URL says. Where an app's documents are scanned,
// they are read in pages of about half a megabyte and matched in Go, by the matcher that
// all engines share.
//
// # Indexes
//
// One table holds the entries of all indexes, and no DDL is needed to make one; see
// package sqlite, which does the same. The indexer of one server at a time builds them.
//
// # Connections
//
// A Store makes 16 connections at most, or as many as the URL's pool_max_conns says (4 at
// least): a quarter of them, and one more, write. Beside them it has one that asks four
// times a second whether the database is there. While it is not, calls fail with
// [storage.CodeUnavailable] at once, and within half a second of its return they succeed
// again.
package postgres
