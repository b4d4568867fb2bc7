package postgres

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/fazt-sh/fazt/storage"
)

// An operator's statements run as roles of their own, which sign in by themselves: what
// SET ROLE has narrowed, a function in a query could widen again. The reader may read the
// views of one schema and nothing else of fazt's; the writer, those of another. Both are
// made when they are first needed, and their password is derived from a secret that all
// servers share.
type operatorRole struct {
	kind   string // "read" or "write"
	schema string // the views' schema
}

var (
	readerRole = operatorRole{"read", "fazt_read"}
	writerRole = operatorRole{"write", "fazt_write"}
)

// tempLimit is how much of the disk an operator's statement may use for sorts and the
// like, if the database's own settings do not say.
const tempLimit = "256MB"

// operatorSecret is the name of the secret that the roles' passwords are derived from.
const operatorSecret = "operators"

// name is the role's, of which there is one for each database of a cluster.
func (r operatorRole) name(database string) string {
	hash := sha256.Sum256([]byte(database))
	return "fazt_" + r.kind + "_" + hex.EncodeToString(hash[:5])
}

// connectAs connects as a role of operators. Its views are there and up to date.
func (s *Store) connectAs(ctx context.Context, role operatorRole) (*pgx.Conn, error) {
	secret, err := s.Secret(ctx, operatorSecret)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(role.kind))
	password := hex.EncodeToString(mac.Sum(nil))
	if err := s.makeViews(ctx, role, password); err != nil {
		return nil, err
	}
	config := s.config.ConnConfig.Copy()
	config.User, config.Password = role.name(config.Database), password
	config.RuntimeParams["application_name"] = "fazt sql"
	config.DefaultQueryExecMode = pgx.QueryExecModeExec // nothing is prepared for a connection of one statement
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		if strings.HasPrefix(sqlState(err), "28") {
			return nil, &storage.Error{Code: storage.CodeUnavailable, Op: "query", Err: err,
				Msg:  "the role that operators' statements run as can't sign in",
				Hint: "let " + config.User + " sign in by password: a line in pg_hba.conf such as: host " + config.Database + " " + config.User + " samehost scram-sha-256"}
		}
		return nil, err
	}
	if err := s.checkRole(ctx, conn, role); err != nil {
		closeConn(conn)
		return nil, err
	}
	return conn, nil
}

// checkRole prepares a connection, and refuses one that is not that role's: what is between
// here and the database may have made another of it, whose rights are others.
func (s *Store) checkRole(ctx context.Context, conn *pgx.Conn, role operatorRole) error {
	want := role.name(s.config.ConnConfig.Database)
	var is, session string
	if err := conn.QueryRow(ctx, "SELECT current_user, session_user").Scan(&is, &session); err != nil {
		return err
	}
	if is != want || session != want {
		return &storage.Error{Code: storage.CodeUnavailable, Op: "query", Msg: fmt.Sprintf("the connection for operators' statements is %s's, and not %s's", is, want),
			Hint: "have the pooler before the database pass this role on, or name the database itself"}
	}
	for _, text := range []string{"SET search_path = " + role.schema, "SET work_mem = '16MB'"} {
		if _, err := conn.Exec(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// makeViews has a role and its views as they should be: it compares what was made last,
// by any server, with the tables that there are.
func (s *Store) makeViews(ctx context.Context, role operatorRole, password string) error {
	tables, err := s.tables(ctx)
	if err != nil {
		return err
	}
	statements := defineViews(role, tables)
	name := role.name(s.config.ConnConfig.Database)
	fingerprint := hashOfTexts(append(statements, password, name, s.config.ConnConfig.User))
	s.operators.mu.Lock()
	known := s.operators.made[role.kind] == fingerprint
	s.operators.mu.Unlock()
	if known {
		return nil
	}
	holder := newID()
	for {
		ok, err := s.takeLease(ctx, viewsLease, holder, leaseTime)
		if err != nil {
			return err
		}
		if ok {
			break
		}
		select {
		case <-time.After(retryMigration):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := s.whileLeased(ctx, viewsLease, holder, func(ctx context.Context) error {
		return s.makeRole(ctx, role, password, fingerprint, statements)
	}); err != nil {
		return err
	}
	s.operators.mu.Lock()
	defer s.operators.mu.Unlock()
	s.operators.made[role.kind] = fingerprint
	return nil
}

const viewsLease = "fazt.views"

// makeRole makes the role and its views, unless they are there already: then the schema's
// comment has their fingerprint.
func (s *Store) makeRole(ctx context.Context, role operatorRole, password, fingerprint string, statements []string) error {
	var made string
	if _, err := one(ctx, pooled{s}, `SELECT coalesce(obj_description(oid, 'pg_namespace'), '') FROM pg_namespace WHERE nspname = $1`,
		[]any{role.schema}, &made); err != nil {
		return err
	}
	// The database may be a copy, in a cluster that does not have the role.
	name := role.name(s.config.ConnConfig.Database)
	var there bool
	if err := s.pool.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = $1)", name).Scan(&there); err != nil {
		return err
	}
	if there && made == fingerprint {
		return nil
	}
	verb := "CREATE"
	if there {
		verb = "ALTER"
	}
	text := fmt.Sprintf("%s ROLE %s LOGIN PASSWORD '%s'", verb, name, scramVerifier(password))
	if _, err := s.pool.Exec(ctx, text); err != nil {
		return s.refused(err, "may not make the role "+name+", which operators' statements run as",
			fmt.Sprintf("ALTER ROLE %s CREATEROLE", quoteName(s.config.ConnConfig.User)))
	}
	if err := s.limitDisk(ctx, name); err != nil {
		return err
	}
	setup := append([]string{
		"CREATE SCHEMA IF NOT EXISTS " + role.schema,
		fmt.Sprintf("GRANT USAGE ON SCHEMA %s TO %s", role.schema, name),
	}, statements...)
	for _, text := range setup {
		if _, err := s.pool.Exec(ctx, strings.ReplaceAll(text, "{role}", name)); err != nil {
			return s.refused(err, "may not make the views that operators' statements read",
				fmt.Sprintf("GRANT CREATE ON DATABASE %s TO %s", quoteName(s.config.ConnConfig.Database), quoteName(s.config.ConnConfig.User)))
		}
	}
	_, err := s.pool.Exec(ctx, fmt.Sprintf("COMMENT ON SCHEMA %s IS '%s'", role.schema, fingerprint))
	return err
}

// limitDisk sees that the role's temporary files are bounded: by the database's own
// settings, or by the role's, which only a superuser can give.
func (s *Store) limitDisk(ctx context.Context, name string) error {
	var limit string
	if err := s.pool.QueryRow(ctx, "SHOW temp_file_limit").Scan(&limit); err != nil {
		if sqlState(err) == undefinedObject {
			return nil // a database that has no such files
		}
		return err
	}
	if limit != "-1" {
		return nil
	}
	set := fmt.Sprintf("ALTER ROLE %s SET temp_file_limit = '%s'", name, tempLimit)
	var there bool
	if err := s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM pg_db_role_setting, unnest(setconfig) AS c
		WHERE setrole = (SELECT oid FROM pg_roles WHERE rolname = $1) AND c LIKE 'temp_file_limit=%')`, name).Scan(&there); err != nil {
		return err
	}
	if there {
		return nil
	}
	if _, err := s.pool.Exec(ctx, set); err != nil {
		return s.refused(err, "can't bound what operators' statements write to the disk", set)
	}
	return nil
}

// refused is the error for a right that the database's user does not have, with what a
// superuser is to run. Another error is returned as it is.
func (s *Store) refused(err error, what, statement string) error {
	if sqlState(err) != "42501" { // insufficient_privilege
		return err
	}
	return &storage.Error{Code: storage.CodeUnavailable, Op: "query", Err: err,
		Msg: "the database's user " + s.config.ConnConfig.User + " " + what, Hint: "as a superuser of the database, run once: " + statement}
}

// scramVerifier is what the database keeps of a password (RFC 5802 and RFC 7677), so that
// the password itself is in no statement and no log.
func scramVerifier(password string) string {
	const rounds = 4096
	salt := sha256.Sum256([]byte("fazt operators" + password)) // the same each time: a password of 256 random bits needs none
	salted, err := pbkdf2.Key(sha256.New, password, salt[:16], rounds, sha256.Size)
	if err != nil {
		panic(err) // of the key's length alone
	}
	sign := func(key []byte, text string) []byte {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
	stored := sha256.Sum256(sign(salted, "Client Key"))
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", rounds, encode(salt[:16]), encode(stored[:]), encode(sign(salted, "Server Key")))
}

func hashOfTexts(texts []string) string {
	h := sha256.New()
	for _, text := range texts {
		fmt.Fprintf(h, "%d %s", len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// errTooMuchDisk is in an error of a statement that needed more temporary files.
const tempLimitExceeded = "53400" // configuration_limit_exceeded

// explain turns what a statement failed of into an error in its own words.
func (s *Store) explain(ctx context.Context, op string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if long, ok := errors.AsType[*pgproto3.ExceededMaxBodyLenErr](err); ok {
		return &storage.Error{Code: storage.CodeQuotaExceeded, Op: op, Err: long, Msg: "a row is longer than 32 MiB", Hint: "select less of it"}
	}
	if sqlState(err) == tempLimitExceeded {
		return &storage.Error{Code: storage.CodeQuotaExceeded, Op: op, Err: err, Msg: "the statement needs more temporary space than it may have", Hint: "ask for less at once"}
	}
	return s.failed(op, wrapSQL(op, err))
}
