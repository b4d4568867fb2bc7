package postgres

// catalogueSchema is the history of the tables of everything but apps' keys and
// documents: one statement a step, each of which may be run again where it was run
// and not recorded. A step that has been released is never changed.
//
// Columns and their types are those of package sqlite, so that the same query of an
// operator's finds the same. Texts are compared byte by byte (COLLATE "C"), whatever
// the database's own order is: what is listed has the same order on every engine, and
// the texts that begin with a prefix are a range.
var catalogueSchema = []string{
	`CREATE TABLE IF NOT EXISTS apps (
		id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
		name       TEXT COLLATE "C" NOT NULL,
		version    BIGINT NOT NULL, -- of the current deployment
		created_at BIGINT NOT NULL,
		title      TEXT NOT NULL,
		tags       TEXT NOT NULL, -- JSON, sorted
		visibility TEXT NOT NULL  -- public, unlisted
	)`,
	`CREATE UNIQUE INDEX IF NOT EXISTS apps_name ON apps (name)`,

	// Apps that were removed. The data of one with keep_data waits for the next app
	// of that name; that of the others is being swept.
	`CREATE TABLE IF NOT EXISTS removed_apps (
		id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
		name       TEXT COLLATE "C" NOT NULL,
		version    BIGINT NOT NULL, -- of the last deployment
		keep_data  BIGINT NOT NULL,
		created_at BIGINT NOT NULL,
		removed_at BIGINT NOT NULL,
		title      TEXT NOT NULL,
		tags       TEXT NOT NULL,
		visibility TEXT NOT NULL
	)`,
	`CREATE UNIQUE INDEX IF NOT EXISTS removed_apps_name ON removed_apps (name) WHERE keep_data = 1`,

	`CREATE TABLE IF NOT EXISTS deployments (
		app        TEXT COLLATE "C" NOT NULL,
		version    BIGINT NOT NULL,
		manifest   TEXT   NOT NULL,
		engine     TEXT   NOT NULL,
		files      BIGINT NOT NULL,
		size       BIGINT NOT NULL,
		created_at BIGINT NOT NULL,
		indexes    TEXT   NOT NULL, -- JSON
		source     TEXT   NOT NULL, -- JSON: where it came from
		reason     TEXT   NOT NULL, -- why its engine was chosen
		PRIMARY KEY (app, version)
	)`,
	`CREATE TABLE IF NOT EXISTS files (
		app     TEXT COLLATE "C" NOT NULL,
		version BIGINT NOT NULL,
		path    TEXT COLLATE "C" NOT NULL,
		hash    TEXT COLLATE "C" NOT NULL,
		size    BIGINT NOT NULL,
		hashed  BIGINT NOT NULL, -- the name carries a hash of the content
		PRIMARY KEY (app, version, path)
	)`,
	`CREATE INDEX IF NOT EXISTS files_hash ON files (hash)`,

	// The bytes of files, once for each hash and encoding, and those of blobs are
	// bodies: chunks under a random id that is never given out again.
	`CREATE TABLE IF NOT EXISTS contents (
		hash       TEXT COLLATE "C" NOT NULL,
		encoding   TEXT COLLATE "C" NOT NULL,
		body       TEXT COLLATE "C" NOT NULL,
		size       BIGINT NOT NULL,
		touched_at BIGINT NOT NULL, -- when it was stored or last let go
		PRIMARY KEY (hash, encoding)
	)`,
	`CREATE INDEX IF NOT EXISTS contents_touched ON contents (touched_at)`,
	`CREATE TABLE IF NOT EXISTS blobs (
		app        TEXT COLLATE "C" NOT NULL,
		"user"     TEXT COLLATE "C" NOT NULL,
		path       TEXT COLLATE "C" NOT NULL,
		body       TEXT COLLATE "C" NOT NULL,
		size       BIGINT NOT NULL,
		mime       TEXT   NOT NULL,
		hash       TEXT   NOT NULL,
		updated_at BIGINT NOT NULL,
		PRIMARY KEY (app, "user", path)
	)`,
	`CREATE TABLE IF NOT EXISTS chunks (
		body TEXT COLLATE "C" NOT NULL,
		n    BIGINT NOT NULL,
		data BYTEA  NOT NULL,
		PRIMARY KEY (body, n)
	)`,
	`CREATE TABLE IF NOT EXISTS loose_bodies (
		id       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
		sweep_at BIGINT NOT NULL -- by the database's clock; 0: it is being swept
	)`,
	`CREATE INDEX IF NOT EXISTS loose_bodies_sweep ON loose_bodies (sweep_at)`,

	`CREATE TABLE IF NOT EXISTS changes (
		name     TEXT NOT NULL PRIMARY KEY,
		revision BIGINT NOT NULL
	)`,
	`INSERT INTO changes (name, revision) VALUES ('catalogue', 1) ON CONFLICT (name) DO NOTHING`,

	`CREATE TABLE IF NOT EXISTS aliases (
		label      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
		kind       TEXT   NOT NULL, -- app, redirect, reserved, split
		app        TEXT   NOT NULL, -- a name
		version    BIGINT NOT NULL, -- of the app; 0: the current one
		url        TEXT   NOT NULL,
		split      TEXT   NOT NULL, -- JSON
		updated_at BIGINT NOT NULL
	)`,
	`CREATE TABLE IF NOT EXISTS env_vars (
		app          TEXT COLLATE "C" NOT NULL,
		name         TEXT COLLATE "C" NOT NULL,
		value_sealed BYTEA  NOT NULL,
		updated_at   BIGINT NOT NULL,
		PRIMARY KEY (app, name)
	)`,
	`CREATE TABLE IF NOT EXISTS logs (
		id         BIGINT NOT NULL PRIMARY KEY, -- in the order of their commits
		app        TEXT COLLATE "C" NOT NULL,
		at         BIGINT NOT NULL,
		level      TEXT   NOT NULL,
		text       TEXT   NOT NULL,
		request_id TEXT   NOT NULL
	)`,
	`CREATE INDEX IF NOT EXISTS logs_app ON logs (app, id)`,
	`CREATE TABLE IF NOT EXISTS keys (
		name       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
		key_secret BYTEA NOT NULL
	)`,
	`CREATE TABLE IF NOT EXISTS audit (
		id         TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- in the order of time
		at         BIGINT NOT NULL, -- Unix milliseconds
		actor_kind TEXT NOT NULL,   -- local, user, key
		actor_id   TEXT NOT NULL,
		actor_name TEXT NOT NULL,
		actor_addr TEXT NOT NULL,
		action     TEXT NOT NULL, -- app.publish
		target     TEXT NOT NULL,
		details    TEXT NOT NULL  -- JSON
	)`,
	`CREATE TABLE IF NOT EXISTS config (
		name       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
		value      TEXT   NOT NULL, -- JSON
		updated_at BIGINT NOT NULL
	)`,
	`CREATE TABLE IF NOT EXISTS peers (
		name         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
		url          TEXT   NOT NULL,
		token_secret TEXT   NOT NULL,
		is_default   BIGINT NOT NULL DEFAULT 0,
		created_at   BIGINT NOT NULL
	)`,
	// What certmagic keeps. The locks that it takes are leases, as those of this
	// package's own work in the background.
	`CREATE TABLE IF NOT EXISTS certificates (
		name         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
		value_secret BYTEA  NOT NULL,
		updated_at   BIGINT NOT NULL
	)`,
}
