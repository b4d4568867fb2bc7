package postgres

// dataSchema is the history of the tables with apps' data, one statement a step. A step
// that has been released is never changed.
//
// Texts are compared by their bytes, whatever the database's locale. A column user is
// quoted: without quotes it is the name of the database's own user.
var dataSchema = []string{
	`CREATE TABLE sequence (
		id    BIGINT NOT NULL PRIMARY KEY,
		value BIGINT NOT NULL
	)`,
	`INSERT INTO sequence (id, value) VALUES (1, 0)`,

	// usage has a row for each app, and one for the server itself, whose app is "". Whoever
	// writes for an app locks its row from the beginning of the transaction to its end.
	`CREATE TABLE usage (
		app   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
		bytes BIGINT NOT NULL,
		seq   BIGINT NOT NULL
	)`,

	// expires_at is in Unix milliseconds; 0: never.
	`CREATE TABLE kv (
		app        TEXT COLLATE "C" NOT NULL,
		"user"     TEXT COLLATE "C" NOT NULL,
		key        TEXT COLLATE "C" NOT NULL,
		value      TEXT   NOT NULL,
		version    BIGINT NOT NULL,
		expires_at BIGINT NOT NULL,
		PRIMARY KEY (app, "user", key)
	)`,
	`CREATE INDEX kv_expiry ON kv (expires_at) WHERE expires_at > 0`,

	// A collection has a generation, a number that is never given out again and that is
	// part of the key of its documents: to empty a collection is to forget its generation.
	`CREATE TABLE collections (
		app        TEXT COLLATE "C" NOT NULL,
		"user"     TEXT COLLATE "C" NOT NULL,
		name       TEXT COLLATE "C" NOT NULL,
		generation BIGINT NOT NULL,
		count      BIGINT NOT NULL,
		bytes      BIGINT NOT NULL,
		PRIMARY KEY (app, "user", name)
	)`,

	// seq is the order of insertion in the app, in which transactions commit.
	`CREATE TABLE documents (
		app        TEXT COLLATE "C" NOT NULL,
		"user"     TEXT COLLATE "C" NOT NULL,
		collection BIGINT NOT NULL,
		seq        BIGINT NOT NULL,
		id         TEXT COLLATE "C" NOT NULL,
		body       TEXT   NOT NULL,
		created_at BIGINT NOT NULL,
		updated_at BIGINT NOT NULL,
		PRIMARY KEY (app, "user", collection, seq)
	)`,
	// A generation is of one collection alone. This index begins with the id so that it is
	// of no use where a number is looked for: before a database has gathered statistics,
	// one prefix looks as good to it as another, and may be that of a million documents.
	`CREATE UNIQUE INDEX documents_id ON documents (id, collection)`,

	// What operators know documents by.
	`CREATE VIEW docs AS SELECT d.app, d."user", c.name AS collection, d.seq, d.id, d.body, d.created_at, d.updated_at
		FROM collections c JOIN documents d ON d.app = c.app AND d."user" = c."user" AND d.collection = c.generation`,

	// Generations whose documents are still to be swept.
	`CREATE TABLE cleared (
		app        TEXT COLLATE "C" NOT NULL,
		"user"     TEXT COLLATE "C" NOT NULL,
		generation BIGINT NOT NULL,
		name       TEXT COLLATE "C" NOT NULL,
		PRIMARY KEY (app, "user", generation)
	)`,

	// state is building, ready or dropped; built_user and built_seq are the last document
	// that a build has indexed.
	`CREATE TABLE indexes (
		id         BIGINT NOT NULL PRIMARY KEY,
		app        TEXT COLLATE "C" NOT NULL,
		collection TEXT COLLATE "C" NOT NULL,
		field      TEXT COLLATE "C" NOT NULL,
		state      TEXT   NOT NULL,
		automatic  BIGINT NOT NULL,
		used_at    BIGINT NOT NULL,
		built_user TEXT COLLATE "C" NOT NULL,
		built_seq  BIGINT NOT NULL
	)`,
	`CREATE UNIQUE INDEX indexes_field ON indexes (app, collection, field) WHERE state <> 'dropped'`,
	`CREATE INDEX indexes_unready ON indexes (state) WHERE state <> 'ready'`,

	// An entry for each document in each index of its collection, kept by whoever writes
	// the document, in the same transaction.
	`CREATE TABLE index_entries (
		app        TEXT COLLATE "C" NOT NULL,
		index_id   BIGINT NOT NULL,
		"user"     TEXT COLLATE "C" NOT NULL,
		generation BIGINT NOT NULL,
		value      BYTEA  NOT NULL,
		seq        BIGINT NOT NULL,
		PRIMARY KEY (app, index_id, "user", generation, value, seq)
	)`,
}
