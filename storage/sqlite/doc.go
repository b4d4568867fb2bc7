// Package sqlite is the engine of package storage for one machine: everything
// is in one SQLite file, which any number of processes may have open.
//
//	s, err := sqlite.Open(ctx, "/var/lib/fazt/data.db", sqlite.Options{})
//
// # Writing
//
// One goroutine and one connection do all the writing of a process. It takes
// the requests that wait at the moment, up to 256, runs them in one
// transaction, commits with synchronous=FULL, and answers them all: so a lone
// write costs one fsync, and sixty-four at once cost little more together. It
// never waits for company. A request that fails undoes its own part, by a
// savepoint that is opened before its first write, and only in company.
//
// The queue has 1,024 places. A request that finds it full, or whose deadline is
// nearer than a batch has taken lately, is refused at once with
// [storage.CodeOverloaded]. One whose context ends before it has run, or while
// it runs, is not made. Only while its batch is being committed is the outcome
// unknown to its caller: [storage.CodeUncertain].
//
// Another process's write lock is waited for, up to ten seconds.
//
// # Reading
//
// Reads have connections of their own that cannot write, and see the last commit
// without waiting for the writer (the file has a write-ahead log). Apps' data is
// read through one pool and everything else through another, so that an app
// that scans its documents holds up no other app's files.
//
// # The file
//
// It is marked with an application id. [Open] refuses another program's file and
// one of a newer fazt, without changing it. Nothing may read the file but
// through SQLite: closing any descriptor of it gives up the locks of the whole
// process. Copy it with a backup command, never with cp while it is open.
//
// Tables: apps, deployments, files, contents, aliases, env_vars and logs hold the
// catalogue, removed_apps apps that are gone but for their data, kv, docs and
// blobs the apps' data, usage how much of it each has, chunks the bytes of
// contents and blobs, loose_bodies those of neither, indexes and index_entries
// the indexed fields of documents, changes the catalogue's revision, keys what
// the server signs with, sequence the last number given out, and migrations what
// has been done to the tables of each module.
package sqlite
