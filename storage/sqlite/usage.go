package sqlite

import (
	"context"

	"github.com/fazt-sh/fazt/storage"
)

// usageTables is the step that brought the count of what each app stores.
// Triggers keep it, in the transaction of whatever changes the rows: the
// sweeper, another process and an operator's own SQL are counted like everybody,
// and what is undone was never counted. That costs less than reading the size of
// what is replaced, and nothing where a size stays the same.
const usageTables = `
CREATE TABLE usage (
	app   TEXT NOT NULL PRIMARY KEY,
	bytes INTEGER NOT NULL -- keys and values, collections and documents, blobs with path and type
) WITHOUT ROWID;
INSERT INTO usage (app, bytes) SELECT app, sum(bytes) FROM (
	SELECT app, octet_length(key) + octet_length(value) AS bytes FROM kv
	UNION ALL SELECT app, octet_length(collection) + octet_length(body) FROM docs
	UNION ALL SELECT app, size + octet_length(path) + octet_length(mime) FROM blobs
) GROUP BY app;

CREATE TRIGGER kv_inserted AFTER INSERT ON kv BEGIN
	INSERT INTO usage (app, bytes) VALUES (NEW.app, octet_length(NEW.key) + octet_length(NEW.value))
		ON CONFLICT (app) DO UPDATE SET bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER kv_updated AFTER UPDATE OF value ON kv WHEN octet_length(NEW.value) <> octet_length(OLD.value) BEGIN
	UPDATE usage SET bytes = bytes + octet_length(NEW.value) - octet_length(OLD.value) WHERE app = NEW.app;
END;
CREATE TRIGGER kv_deleted AFTER DELETE ON kv BEGIN
	UPDATE usage SET bytes = bytes - octet_length(OLD.key) - octet_length(OLD.value) WHERE app = OLD.app;
END;

CREATE TRIGGER docs_inserted AFTER INSERT ON docs BEGIN
	INSERT INTO usage (app, bytes) VALUES (NEW.app, octet_length(NEW.collection) + octet_length(NEW.body))
		ON CONFLICT (app) DO UPDATE SET bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER docs_updated AFTER UPDATE OF body ON docs WHEN octet_length(NEW.body) <> octet_length(OLD.body) BEGIN
	UPDATE usage SET bytes = bytes + octet_length(NEW.body) - octet_length(OLD.body) WHERE app = NEW.app;
END;
CREATE TRIGGER docs_deleted AFTER DELETE ON docs BEGIN
	UPDATE usage SET bytes = bytes - octet_length(OLD.collection) - octet_length(OLD.body) WHERE app = OLD.app;
END;

CREATE TRIGGER blobs_counted AFTER INSERT ON blobs BEGIN
	INSERT INTO usage (app, bytes) VALUES (NEW.app, NEW.size + octet_length(NEW.path) + octet_length(NEW.mime))
		ON CONFLICT (app) DO UPDATE SET bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER blobs_recounted AFTER UPDATE OF size, mime ON blobs BEGIN
	UPDATE usage SET bytes = bytes + NEW.size + octet_length(NEW.mime) - OLD.size - octet_length(OLD.mime) WHERE app = NEW.app;
END;
CREATE TRIGGER blobs_uncounted AFTER DELETE ON blobs BEGIN
	UPDATE usage SET bytes = bytes - OLD.size - octet_length(OLD.path) - octet_length(OLD.mime) WHERE app = OLD.app;
END;
`

// rowTables is the step that made each key, document and blob count [storage.RowBytes]
// more.
const rowTables = `
DROP TRIGGER kv_inserted;
DROP TRIGGER kv_deleted;
DROP TRIGGER collections_changed;
DROP TRIGGER collections_deleted;
DROP TRIGGER blobs_counted;
DROP TRIGGER blobs_uncounted;
UPDATE usage SET bytes = bytes + 64 * ((SELECT count(*) FROM kv WHERE kv.app = usage.app)
	+ (SELECT coalesce(sum(count), 0) FROM collections WHERE collections.app = usage.app)
	+ (SELECT count(*) FROM blobs WHERE blobs.app = usage.app));

CREATE TRIGGER kv_inserted AFTER INSERT ON kv BEGIN
	INSERT INTO usage (app, bytes) VALUES (NEW.app, 64 + octet_length(NEW.key) + octet_length(NEW.value))
		ON CONFLICT (app) DO UPDATE SET bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER kv_deleted AFTER DELETE ON kv BEGIN
	UPDATE usage SET bytes = bytes - 64 - octet_length(OLD.key) - octet_length(OLD.value) WHERE app = OLD.app;
END;
CREATE TRIGGER collections_changed AFTER UPDATE OF count, bytes ON collections
	WHEN NEW.bytes <> OLD.bytes OR NEW.count <> OLD.count BEGIN
	INSERT INTO usage (app, bytes) VALUES (NEW.app, NEW.bytes - OLD.bytes + 64 * (NEW.count - OLD.count))
		ON CONFLICT (app) DO UPDATE SET bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER collections_deleted AFTER DELETE ON collections WHEN OLD.count <> 0 BEGIN
	UPDATE usage SET bytes = bytes - OLD.bytes - 64 * OLD.count WHERE app = OLD.app;
END;
CREATE TRIGGER blobs_counted AFTER INSERT ON blobs BEGIN
	INSERT INTO usage (app, bytes) VALUES (NEW.app, 64 + NEW.size + octet_length(NEW.path) + octet_length(NEW.mime))
		ON CONFLICT (app) DO UPDATE SET bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER blobs_uncounted AFTER DELETE ON blobs BEGIN
	UPDATE usage SET bytes = bytes - 64 - OLD.size - octet_length(OLD.path) - octet_length(OLD.mime) WHERE app = OLD.app;
END;
`

const selectUsage = "SELECT bytes FROM usage WHERE app = ?"

// Usage implements [storage.Data].
func (s *Store) Usage(ctx context.Context, appID string) (storage.Usage, error) {
	used := int64(0)
	err := s.system.snapshot(ctx, "usage", func(c *conn) (err error) {
		used, err = c.queryInt(selectUsage, appID)
		return err
	})
	return storage.Usage{Used: used, Allowed: s.quotas.Total}, wrap("usage", err)
}

// reserve returns an error if the app's data may not grow by so many bytes. It
// reads what the app uses once a batch, and from then on counts what was asked
// for: an upper bound, since what is replaced or undone is not taken off. Only
// when that passes the quota is the database asked again.
func (tx *writeTx) reserve(op, app string, grow int64) error {
	if grow <= 0 {
		return nil
	}
	if err := tx.usable(); err != nil {
		return wrap(op, err)
	}
	allowed := tx.w.quotas.Total
	if bound, ok := tx.used[app]; ok && bound+grow <= allowed {
		tx.used[app] = bound + grow
		return nil
	}
	used, err := tx.conn.queryInt(selectUsage, app)
	if err != nil {
		return wrap(op, tx.check(err))
	}
	if used+grow > allowed {
		return storage.OverQuota(op, "", "the app's data", used+grow, allowed)
	}
	if tx.used == nil {
		tx.used = make(map[string]int64)
	}
	tx.used[app] = used + grow
	return nil
}

// reserveBlob is reserve for a blob that replaces the one at its path, whose size
// it returns.
func (tx *writeTx) reserveBlob(op string, scope storage.Scope, path, mime string, size int64) (old int64, err error) {
	if size > tx.w.quotas.Blob {
		return 0, storage.OverQuota(op, path, "the blob", size, tx.w.quotas.Blob)
	}
	grow := size + int64(len(path)+len(mime)+storage.RowBytes)
	there, _, err := findBlob(tx.conn, op, scope, path)
	switch {
	case err == nil:
		grow -= there.Size + int64(len(path)+len(there.MIME)+storage.RowBytes)
	case storage.CodeOf(err) != storage.CodeNotFound:
		return 0, tx.check(err)
	}
	return there.Size, tx.reserve(op, scope.App, grow)
}
