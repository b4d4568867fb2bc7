package fazt

import (
	"context"

	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// Backup writes a copy of everything that the server stores, as it is at one
// moment, to a new file that only its owner can read. Requests are served and
// their writes are made as before. The copy is checked, and has its name only
// when it is whole. A file that exists is refused. progress, which may be nil,
// is told how many bytes of how many are done.
func (s *Server) Backup(ctx context.Context, file string, progress func(done, total int64)) error {
	return s.store.Backup(ctx, file, progress)
}

// BackupFile is [Server.Backup] for a data file without its server, or beside
// one that runs in another process.
func BackupFile(ctx context.Context, dataFile, file string, progress func(done, total int64)) error {
	return sqlite.BackupFile(ctx, dataFile, file, progress)
}

// Restore makes a backup the data file. It refuses what is not a backup, what has
// other tables, triggers or types of values than fazt makes, what is damaged, the
// copy of an open data file without its log, and what a newer fazt has made; it
// refuses to replace a data file unless force is set, and one that a process has open
// or that has a second name by a hard link in any case. A symbolic link is followed.
// After an error or a crash at any moment, the data file is the whole old one or the
// whole new one. progress may be nil.
func Restore(ctx context.Context, backup, dataFile string, force bool, progress func(done, total int64)) error {
	name, steps := auth.Schema()
	return sqlite.Restore(ctx, backup, dataFile, force, progress, sqlite.Module{Name: name, Steps: steps})
}

// QueryFile runs one read-only SQL statement on a data file and returns at most
// limit rows. The file is opened read-only, so that it cannot be changed, and
// is never made; a server may be running on it. Secrets such as token hashes
// come back as nil.
func QueryFile(ctx context.Context, dataFile, query string, limit int) (*storage.Table, error) {
	return sqlite.QueryFile(ctx, dataFile, query, limit)
}
