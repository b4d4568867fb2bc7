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

	// An identity is an account at a provider, and belongs to one user.
	`CREATE TABLE auth_identities (
		issuer     TEXT   NOT NULL,
		subject    TEXT   NOT NULL,
		user_id    TEXT   NOT NULL,
		provider   TEXT   NOT NULL,
		created_at BIGINT NOT NULL,
		last_used  BIGINT NOT NULL,
		PRIMARY KEY (issuer, subject)
	)`,
	`CREATE INDEX auth_identities_user ON auth_identities (user_id)`,
	`INSERT INTO auth_identities (issuer, subject, user_id, provider, created_at, last_used)
		SELECT provider, subject, id, provider, created_at, last_login FROM auth_users`,
	`DROP INDEX auth_users_subject`,
	`ALTER TABLE auth_users DROP COLUMN subject`,

	// email_verified is 1 where somebody has shown that the address is the user's.
	// An address is one user's, but for those of the dev provider, who are nobody
	// elsewhere.
	`ALTER TABLE auth_users ADD COLUMN email_verified BIGINT NOT NULL DEFAULT 0`,
	`CREATE UNIQUE INDEX auth_users_address ON auth_users (email) WHERE provider <> 'dev' AND email <> ''`,

	`CREATE TABLE auth_passwords (
		user_id       TEXT   NOT NULL PRIMARY KEY,
		password_hash TEXT   NOT NULL,
		changed_at    BIGINT NOT NULL
	)`,

	// A set-up link is an invite, too: its kind is "setup" and its role is owner.
	`CREATE TABLE auth_invites (
		id         TEXT   NOT NULL PRIMARY KEY,
		code_hash  TEXT   NOT NULL,
		kind       TEXT   NOT NULL,
		role       TEXT   NOT NULL,
		uses       BIGINT NOT NULL,
		uses_left  BIGINT NOT NULL,
		created_at BIGINT NOT NULL,
		created_by TEXT   NOT NULL,
		expires_at BIGINT NOT NULL
	)`,
	`CREATE UNIQUE INDEX auth_invites_code ON auth_invites (code_hash)`,

	// The roles that users have in one app alone.
	`CREATE TABLE auth_app_roles (
		app_id  TEXT NOT NULL,
		user_id TEXT NOT NULL,
		role    TEXT NOT NULL,
		PRIMARY KEY (app_id, user_id, role)
	)`,
	`CREATE INDEX auth_app_roles_user ON auth_app_roles (user_id)`,

	`CREATE TABLE auth_providers (
		name          TEXT   NOT NULL PRIMARY KEY,
		issuer        TEXT   NOT NULL,
		client_id     TEXT   NOT NULL,
		client_secret TEXT   NOT NULL,
		enabled       BIGINT NOT NULL,
		created_at    BIGINT NOT NULL,
		updated_at    BIGINT NOT NULL
	)`,

	// What is good for one use and was used, kept until it would have expired: the
	// states of sign-ins by a provider, the challenges of passkeys.
	`CREATE TABLE auth_used (
		value_hash TEXT   NOT NULL PRIMARY KEY,
		expires_at BIGINT NOT NULL
	)`,
	`CREATE INDEX auth_used_expiry ON auth_used (expires_at)`,

	`CREATE TABLE auth_passkeys (
		id         TEXT   NOT NULL PRIMARY KEY,
		user_id    TEXT   NOT NULL,
		name       TEXT   NOT NULL,
		credential TEXT   NOT NULL,
		created_at BIGINT NOT NULL,
		last_used  BIGINT NOT NULL
	)`,
	`CREATE INDEX auth_passkeys_user ON auth_passkeys (user_id)`,

	// A session's id is what its owner ends it by; addr and agent are where it was
	// made, for people.
	`ALTER TABLE auth_sessions ADD COLUMN id TEXT NOT NULL DEFAULT ''`,
	`UPDATE auth_sessions SET id = SUBSTR(token_hash, 1, 16)`, // those that are there already
	`ALTER TABLE auth_sessions ADD COLUMN addr TEXT NOT NULL DEFAULT ''`,
	`ALTER TABLE auth_sessions ADD COLUMN agent TEXT NOT NULL DEFAULT ''`,
	// When its user last showed who they are; 0 is long ago.
	`ALTER TABLE auth_sessions ADD COLUMN signed_in_at BIGINT NOT NULL DEFAULT 0`,

	// A key may do no more than the user who made it; '' is the machine's owner.
	`ALTER TABLE api_keys ADD COLUMN user_id TEXT NOT NULL DEFAULT ''`,

	// In base64, by the Sealer of the Options; client_secret is empty then.
	`ALTER TABLE auth_providers ADD COLUMN client_secret_sealed TEXT NOT NULL DEFAULT ''`,
}
