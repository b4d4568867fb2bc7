package fazt

import (
	"context"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// QueryFile runs one read-only SQL statement on a data file and returns at most
// limit rows. The file is opened read-only, so that it cannot be changed, and
// is never made; a server may be running on it. Secrets such as token hashes
// come back as nil.
func QueryFile(ctx context.Context, dataFile, query string, limit int) (*storage.Table, error) {
	return sqlite.QueryFile(ctx, dataFile, query, limit)
}
