// Package sqlite is the engine of package storage for one machine: everything
// is in one SQLite file, which any number of processes may have open.
//
//	s, err := sqlite.Open(ctx, "/var/lib/fazt/data.db", sqlite.Options{})
//
// # Writing
//
// One goroutine and one connection do all the writing of a process. It takes
// the requests that wait at the moment, up to 256, runs them in one
// transaction, commits with synchronous=FULL, and answers them all: so a single
// write costs one fsync, and sixty-four at once cost little more together. A
// request that fails undoes its own part, by a savepoint that is opened before its
// first write, and only where others have come before it in the batch.
//
// Whose request is next goes by start-time fair queuing over apps (Goyal, Vin and
// Cheng, SIGCOMM 1996): the app that has had the least of the writer's time. What
// the store does for no app is an app of its own. A batch ends after 256 requests,
// 5 ms of work or 1 MiB of data, and before a request of an app that has had more
// than another whose requests wait for the commit.
//
// The queue has 1,024 places. When it is full, the app that has most requests in it
// loses its last, with [storage.CodeOverloaded]; so does, at once, a request whose
// deadline is nearer than its app's turn. One whose context ends before it has run,
// or while it runs, is not made. Only while its batch is being committed is the
// outcome unknown to its caller: [storage.CodeUncertain]. An app's pipelines fill at
// most a quarter of the queue; beyond, its callers wait one by one.
//
// The write-ahead log is folded into the data file beside the writer, and restarted when
// it has grown to 24 MiB; at 64 MiB snapshots that are older than 250 ms are ended, and
// the others waited for. The first operation of a View begins anew when that happens, up
// to three times; a later one fails with [storage.CodeOverloaded], since it would see
// another state than the first. When much of the data file is free, it is made smaller in
// short transactions, which take a tenth of the writer at most.
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
// # Indexes
//
// One table holds the entries of all indexes, under app, index, user, value and
// document, and whoever writes a document writes its entries in the same
// transaction; an insert costs the same beside a thousand indexes of other apps
// as beside none. A value is held as bytes that sort as values do, cut off at
// [storage.MaxIndexKey], and each document is still matched, so what the bytes
// can't tell is told by the document. A deploy that brings an index for many
// documents does not wait for it: the indexer builds it, 200 documents in a
// transaction that is the app's own work, and finds scan until it is ready. By
// [storage.ChooseIndexes] it also makes indexes that no deploy has asked for, where
// finds have read more than one would have cost, and gives them up again.
//
// A find goes by [storage.ChoosePlan]: it reads the one key of an index that its
// query names as it lies, and if there is a choice, or a range, the index whose
// entries were counted and found few. Otherwise it scans: SQLite joins the documents
// of a range to one text, and a [storage.Finder] looks in that for what tells of a
// match, so that most documents are never looked at by themselves.
//
// # Backups
//
// [Store.Backup] and [BackupFile] copy the data as it is at one moment while
// writers go on, and check the copy; [Restore] puts one in the place of a data
// file that nobody has open.
//
// # The file
//
// It is marked with an application id. [Open] refuses another program's file and
// one of a newer fazt, without changing it. Nothing may read the file but
// through SQLite: closing any descriptor of it gives up the locks of the whole
// process. Copy it with [Store.Backup], never with cp while it is open.
//
// Tables: apps, deployments, files, contents, aliases, env_vars and logs hold the
// catalogue, removed_apps apps that are gone but for their data, kv, docs and
// blobs the apps' data, usage how much of it each has, chunks the bytes of
// contents and blobs, loose_bodies those of neither, indexes and index_entries
// the indexed fields of documents, changes the catalogue's revision, audit who
// changed what, keys what the server signs with, sequence the last number given out, and migrations what
// has been done to the tables of each module.
package sqlite
