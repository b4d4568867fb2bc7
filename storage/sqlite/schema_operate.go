package sqlite

// operateTables is the step that brought what an owner runs a server with: facts of
// an app, versions that aliases name, sealed variables, peers, certificates and the
// store's own settings. Columns whose names end in _sealed or _secret are never
// shown, see secret.
const operateTables = `
ALTER TABLE apps ADD COLUMN title TEXT NOT NULL DEFAULT '';
ALTER TABLE apps ADD COLUMN tags TEXT NOT NULL DEFAULT '[]'; -- JSON, sorted
ALTER TABLE apps ADD COLUMN visibility TEXT NOT NULL DEFAULT 'public'; -- public, unlisted
ALTER TABLE removed_apps ADD COLUMN title TEXT NOT NULL DEFAULT '';
ALTER TABLE removed_apps ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
ALTER TABLE removed_apps ADD COLUMN visibility TEXT NOT NULL DEFAULT 'public';
ALTER TABLE deployments ADD COLUMN source TEXT NOT NULL DEFAULT '{}'; -- JSON: where it came from
ALTER TABLE deployments ADD COLUMN reason TEXT NOT NULL DEFAULT '';   -- why its engine was chosen
ALTER TABLE files ADD COLUMN hashed INTEGER NOT NULL DEFAULT 0; -- the name carries a hash of the content

ALTER TABLE aliases ADD COLUMN version INTEGER NOT NULL DEFAULT 0; -- of the app; 0: the current one

-- Nothing could set a variable before this step.
DROP TABLE env_vars;
CREATE TABLE env_vars (
	app          TEXT NOT NULL,
	name         TEXT NOT NULL,
	value_sealed BLOB NOT NULL,
	updated_at   INTEGER NOT NULL,
	PRIMARY KEY (app, name)
) WITHOUT ROWID;

CREATE TABLE config (
	name       TEXT NOT NULL PRIMARY KEY,
	value      TEXT NOT NULL, -- JSON
	updated_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE peers (
	name         TEXT NOT NULL PRIMARY KEY,
	url          TEXT NOT NULL,
	token_secret TEXT NOT NULL,
	is_default   INTEGER NOT NULL DEFAULT 0,
	created_at   INTEGER NOT NULL
) WITHOUT ROWID;

-- What certmagic keeps, and the locks that it takes.
CREATE TABLE certificates (
	name         TEXT NOT NULL PRIMARY KEY,
	value_secret BLOB NOT NULL,
	updated_at   INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE leases (
	name       TEXT NOT NULL PRIMARY KEY,
	holder     TEXT NOT NULL,
	expires_at INTEGER NOT NULL
) WITHOUT ROWID;
`
