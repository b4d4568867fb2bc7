package auth

import "slices"

// schemaModule is the name under which the steps of schema are on record.
const schemaModule = "auth"

// Schema returns the name under which this package records its tables in a store,
// and the steps that make them, for who checks a data file that nobody has opened.
func Schema() (module string, steps []string) { return schemaModule, slices.Clone(schema) }

// schema has one statement a step, since not every engine takes more at once.
// Times are Unix milliseconds. Columns that end in _hash are secrets; queries
// of an operator do not see them.
var schema = []string{
	`CREATE TABLE auth_users (
		id         TEXT   NOT NULL PRIMARY KEY,
		email      TEXT   NOT NULL,
		name       TEXT   NOT NULL,
		picture    TEXT   NOT NULL,
		role       TEXT   NOT NULL,
		provider   TEXT   NOT NULL,
		subject    TEXT   NOT NULL,
		created_at BIGINT NOT NULL,
		last_login BIGINT NOT NULL
	)`,
	`CREATE UNIQUE INDEX auth_users_subject ON auth_users (provider, subject)`,
	`CREATE INDEX auth_users_email ON auth_users (email)`,

	// parent_hash is the session of the own host that an app's came from.
	`CREATE TABLE auth_sessions (
		token_hash  TEXT   NOT NULL PRIMARY KEY,
		user_id     TEXT   NOT NULL,
		host        TEXT   NOT NULL,
		parent_hash TEXT,
		created_at  BIGINT NOT NULL,
		last_used   BIGINT NOT NULL,
		expires_at  BIGINT NOT NULL
	)`,
	`CREATE INDEX auth_sessions_user ON auth_sessions (user_id)`,
	`CREATE INDEX auth_sessions_parent ON auth_sessions (parent_hash)`,
	`CREATE INDEX auth_sessions_expiry ON auth_sessions (expires_at)`,

	`CREATE TABLE auth_handovers (
		code_hash      TEXT   NOT NULL PRIMARY KEY,
		session_hash   TEXT   NOT NULL,
		host           TEXT   NOT NULL,
		challenge_hash TEXT   NOT NULL,
		back           TEXT   NOT NULL,
		expires_at     BIGINT NOT NULL
	)`,

	`CREATE TABLE api_keys (
		id          TEXT   NOT NULL PRIMARY KEY,
		name        TEXT   NOT NULL,
		secret_hash TEXT   NOT NULL,
		scopes      TEXT   NOT NULL,
		created_at  BIGINT NOT NULL,
		expires_at  BIGINT,
		last_used   BIGINT,
		revoked_at  BIGINT
	)`,
}
