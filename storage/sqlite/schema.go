package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

// module is the name under which this package records its own steps.
const module = "storage"

// schema is the history of the tables, a step each. A step that has been
// released is never changed.
//
// kv and docs are clustered on their keys, so that a list or a find reads rows
// that lie side by side, and a write touches one tree and no more. Numbers that
// order or version rows come from sequence and are never given out twice.
var schema = []string{`
CREATE TABLE sequence (
	id    INTEGER PRIMARY KEY,
	value INTEGER NOT NULL
);
INSERT INTO sequence (id, value) VALUES (1, 0);

CREATE TABLE kv (
	app        TEXT NOT NULL,
	user       TEXT NOT NULL,
	key        TEXT NOT NULL,
	value      TEXT NOT NULL,
	version    INTEGER NOT NULL,
	expires_at INTEGER NOT NULL, -- Unix milliseconds; 0: never
	PRIMARY KEY (app, user, key)
) WITHOUT ROWID;
CREATE INDEX kv_expiry ON kv (expires_at) WHERE expires_at > 0;

CREATE TABLE docs (
	app        TEXT NOT NULL,
	user       TEXT NOT NULL,
	collection TEXT NOT NULL,
	seq        INTEGER NOT NULL, -- the order of insertion
	id         TEXT NOT NULL,
	body       TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,
	PRIMARY KEY (app, user, collection, seq)
) WITHOUT ROWID;
CREATE UNIQUE INDEX docs_id ON docs (app, user, collection, id);

CREATE TABLE apps (
	id         TEXT NOT NULL PRIMARY KEY,
	name       TEXT NOT NULL UNIQUE,
	version    INTEGER NOT NULL, -- of the current deployment
	created_at INTEGER NOT NULL
) WITHOUT ROWID;

-- Apps that were removed. The data of one with keep_data waits for the next app
-- of that name; that of the others is being swept.
CREATE TABLE removed_apps (
	id         TEXT NOT NULL PRIMARY KEY,
	name       TEXT NOT NULL,
	version    INTEGER NOT NULL, -- of the last deployment
	keep_data  INTEGER NOT NULL,
	created_at INTEGER NOT NULL,
	removed_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX removed_apps_name ON removed_apps (name) WHERE keep_data = 1;

CREATE TABLE deployments (
	app        TEXT NOT NULL,
	version    INTEGER NOT NULL,
	manifest   TEXT NOT NULL,
	engine     TEXT NOT NULL,
	files      INTEGER NOT NULL,
	size       INTEGER NOT NULL,
	created_at INTEGER NOT NULL,
	PRIMARY KEY (app, version)
) WITHOUT ROWID;

CREATE TABLE files (
	app       TEXT NOT NULL,
	version   INTEGER NOT NULL,
	path      TEXT NOT NULL,
	hash      TEXT NOT NULL,
	size      INTEGER NOT NULL,
	encodings TEXT NOT NULL, -- separated by spaces
	PRIMARY KEY (app, version, path)
) WITHOUT ROWID;
CREATE INDEX files_hash ON files (hash);

-- The bytes of files, once for each hash and encoding. A row is not ready while
-- its chunks are being written or swept.
CREATE TABLE contents (
	id         INTEGER PRIMARY KEY,
	hash       TEXT NOT NULL,
	encoding   TEXT NOT NULL,
	size       INTEGER NOT NULL,
	ready      INTEGER NOT NULL,
	touched_at INTEGER NOT NULL -- when it was stored or last let go
);
CREATE UNIQUE INDEX contents_hash ON contents (hash, encoding) WHERE ready = 1;
CREATE INDEX contents_touched ON contents (touched_at);

CREATE TABLE chunks (
	content INTEGER NOT NULL,
	n       INTEGER NOT NULL,
	data    BLOB NOT NULL,
	PRIMARY KEY (content, n)
);

CREATE TABLE changes (
	name     TEXT NOT NULL PRIMARY KEY,
	revision INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO changes (name, revision) VALUES ('catalogue', 1);
`,
	indexTables,
	bodyTables,
	usageTables,
	serverTables,
	auditTable,
	collectionTables,
	rowTables,
	automaticIndexes,
	operateTables,
}

// serverTables is the step that brought aliases, variables and logs.
const serverTables = `
CREATE TABLE aliases (
	label      TEXT NOT NULL PRIMARY KEY,
	kind       TEXT NOT NULL, -- app, redirect, reserved, split
	app        TEXT NOT NULL, -- a name
	url        TEXT NOT NULL,
	split      TEXT NOT NULL, -- JSON
	updated_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE env_vars (
	app        TEXT NOT NULL,
	name       TEXT NOT NULL,
	value      TEXT NOT NULL,
	updated_at INTEGER NOT NULL,
	PRIMARY KEY (app, name)
) WITHOUT ROWID;

CREATE TABLE logs (
	id         INTEGER PRIMARY KEY, -- in the order of time, as far as one process tells it
	app        TEXT NOT NULL,
	at         INTEGER NOT NULL,
	level      TEXT NOT NULL,
	text       TEXT NOT NULL,
	request_id TEXT NOT NULL
);
CREATE INDEX logs_app ON logs (app, id);

CREATE TABLE keys (
	name       TEXT NOT NULL PRIMARY KEY,
	key_secret BLOB NOT NULL
) WITHOUT ROWID;

ALTER TABLE deployments ADD COLUMN indexes TEXT NOT NULL DEFAULT '{}'; -- JSON
`

// migrations is the table in which every module records its steps.
const migrations = `
CREATE TABLE IF NOT EXISTS migrations (
	module     TEXT NOT NULL,
	step       INTEGER NOT NULL,
	applied_at INTEGER NOT NULL,
	PRIMARY KEY (module, step)
) WITHOUT ROWID`

// Migrate implements [storage.Database].
func (s *Store) Migrate(ctx context.Context, module string, steps []string) error {
	if err := storage.CheckKey("migrate", "module", module); err != nil {
		return err
	}
	return s.migrate(ctx, "migrate", module, steps)
}

// migrate runs the steps that are missing. Each decides under the write lock
// whether it still has to run, so that two processes can start at once. When all
// have run, which is nearly always, it needs no lock.
func (s *Store) migrate(ctx context.Context, op, module string, steps []string) error {
	if done, err := s.migrated(ctx, op, module, len(steps)); err != nil || done {
		return wrap(op, err)
	}
	for {
		var current int
		err := s.writer.do(ctx, "", op, func(tx *writeTx) error {
			var err error
			current, err = migrateStep(tx, op, module, steps)
			return err
		})
		if err != nil {
			return wrap(op, err)
		}
		if current == len(steps) {
			return nil
		}
	}
}

// migrated reports whether all steps have run.
func (s *Store) migrated(ctx context.Context, op, module string, steps int) (bool, error) {
	c := s.writer.conn
	if s.system != nil { // otherwise nobody has the store yet
		r, err := s.system.get(ctx, op, "", false)
		if err != nil {
			return false, err
		}
		defer s.system.put(r)
		c = r.conn
	}
	current, err := schemaVersion(c, module)
	return current == steps, err
}

// migrateStep runs the next step, if there is one, and returns how many have
// run.
func migrateStep(tx *writeTx, op, module string, steps []string) (int, error) {
	current, err := schemaVersion(tx.conn, module)
	if err != nil {
		return 0, err
	}
	if current > len(steps) {
		return 0, errNewer(op, module, current, len(steps))
	}
	if current == len(steps) {
		return current, nil
	}
	if _, err := tx.write(migrations); err != nil {
		return 0, err
	}
	if _, err := tx.write(steps[current]); err != nil {
		return 0, fmt.Errorf("step %d of %s: %w", current+1, module, err)
	}
	_, err = tx.write("INSERT INTO migrations (module, step, applied_at) VALUES (?, ?, ?)",
		module, current+1, time.Now().UnixMilli())
	return current + 1, err
}

// schemaVersion returns how many of a module's steps have run.
func schemaVersion(c *conn, module string) (int, error) {
	known, err := c.queryInt("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'migrations'")
	if err != nil || known == 0 {
		return 0, err
	}
	n, err := c.queryInt("SELECT coalesce(max(step), 0) FROM migrations WHERE module = ?", module)
	return int(n), err
}

func errNewer(op, module string, have, know int) error {
	return &storage.Error{Code: storage.CodeFormat, Op: op,
		Msg:  fmt.Sprintf("the data file has version %d of the %s tables, and this fazt knows up to %d", have, module, know),
		Hint: "run a newer fazt on it"}
}
