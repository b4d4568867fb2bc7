package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/fazt-sh/fazt/storage"
)

// module is a part of the schema that has its own history.
type module struct {
	name  string
	steps []string
}

// modules are those of this package, in the order in which they are made.
var modules = []module{{"storage.data", dataSchema}, {"storage.catalogue", catalogueSchema}}

// bookkeeping are the tables that a migration needs itself. Both statements may be run at
// any time, by many. The last is the one that a server looks for: where it is, so are the others.
var bookkeeping = []string{
	`CREATE TABLE IF NOT EXISTS leases (
		name       TEXT   NOT NULL PRIMARY KEY,
		holder     TEXT   NOT NULL,
		expires_at BIGINT NOT NULL
	)`,
	`CREATE TABLE IF NOT EXISTS migrations (
		module     TEXT   NOT NULL,
		step       BIGINT NOT NULL,
		applied_at BIGINT NOT NULL,
		PRIMARY KEY (module, step)
	)`,
}

// migrationLease is held by whoever migrates.
const migrationLease = "fazt.migrate"

// retryMigration is how often a server asks whether another has finished.
const retryMigration = 50 * time.Millisecond

// Migrate implements [storage.Database].
//
// A step runs by itself, since not every database makes tables in a transaction, and is
// recorded after it. So a step that ran on a server that ended before it was on record
// is run again: that its table, column, index or row is there, or no more, is taken for
// the proof that it had run. Steps that only change rows are one transaction with
// their record. A step should be one statement; several are one transaction where the
// database can.
func (s *Store) Migrate(ctx context.Context, module string, steps []string) error {
	const op = "migrate"
	if err := storage.CheckKey(op, "module", module); err != nil {
		return err
	}
	if s.isClosed() {
		return errClosed(op)
	}
	if err := s.migrate(ctx, op, module, steps); err != nil {
		return wrap(op, err)
	}
	s.others.add(module, steps)
	return nil
}

// migrate runs the steps that are missing, under a lease, so that many servers may start
// at once. When all have run, which is nearly always, it needs none.
func (s *Store) migrate(ctx context.Context, op, module string, steps []string) error {
	current, err := s.schemaVersion(ctx, module)
	if undefined := sqlState(err) == undefinedTable; undefined {
		current, err = 0, s.makeBookkeeping(ctx)
	}
	if err != nil {
		return err
	}
	if current > len(steps) {
		return errNewer(op, module, current, len(steps))
	}
	if current == len(steps) {
		return nil
	}
	holder := newID() // also two that migrate in one server take turns
	for {
		ok, err := s.takeLease(ctx, migrationLease, holder, leaseTime)
		if err != nil {
			return err
		}
		if ok {
			return s.whileLeased(ctx, migrationLease, holder, func(ctx context.Context) error {
				return s.runSteps(ctx, op, module, steps)
			})
		}
		select {
		case <-time.After(retryMigration):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// makeBookkeeping makes the tables of a migration. Where several do so at once, the
// database may tell one of them that a row of its catalogue is there already.
func (s *Store) makeBookkeeping(ctx context.Context) error {
	for _, step := range bookkeeping {
		for tries := 0; ; tries++ {
			_, err := s.pool.Exec(ctx, step)
			if state := sqlState(err); tries < 10 && (state == uniqueViolation || state == duplicateTable || state == duplicateObject || state == "XX000" || retryable(err)) {
				continue
			}
			if err != nil {
				return err
			}
			break
		}
	}
	return nil
}

// runSteps runs the steps that are missing, one after the other.
func (s *Store) runSteps(ctx context.Context, op, module string, steps []string) error {
	current, err := s.schemaVersion(ctx, module)
	if err != nil {
		return err
	}
	if current > len(steps) {
		return errNewer(op, module, current, len(steps))
	}
	for i := current; i < len(steps); i++ {
		if err := s.runStep(ctx, module, i+1, steps[i]); err != nil {
			return &storage.Error{Code: storage.CodeOf(wrapSQL(op, err)), Op: op, Msg: fmt.Sprintf("step %d of %s", i+1, module), Err: err}
		}
	}
	return nil
}

const recordStep = `INSERT INTO migrations (module, step, applied_at) VALUES ($1, $2, $3) ON CONFLICT (module, step) DO NOTHING`

func (s *Store) runStep(ctx context.Context, module string, n int, step string) error {
	c, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	conn := c.Conn().PgConn()
	rows := changesRows(step)
	if rows {
		if err := simple(ctx, conn, "BEGIN"); err != nil {
			return err
		}
	}
	if err := simple(ctx, conn, step); err != nil && !hadRun(step, err) {
		if rows {
			simple(context.WithoutCancel(ctx), conn, "ROLLBACK") // the first error is the one that tells
		}
		return err
	}
	if _, err := c.Exec(ctx, recordStep, module, n, time.Now().UnixMilli()); err != nil {
		return err
	}
	if rows {
		return simple(ctx, conn, "COMMIT")
	}
	return nil
}

// simple runs a text without parameters, which the database takes as one transaction if it
// has several statements.
func simple(ctx context.Context, conn *pgconn.PgConn, text string) error {
	_, err := conn.Exec(ctx, text).ReadAll()
	return err
}

// firstWords returns the beginning of a statement in capitals.
func firstWords(step string) string {
	statement, _ := cutStatement(step)
	return strings.ToUpper(strings.Join(strings.Fields(statement), " "))
}

// changesRows reports whether a step is one that may be undone with its record.
func changesRows(step string) bool {
	word, _, _ := strings.Cut(firstWords(step), " ")
	return word == "UPDATE" || word == "DELETE"
}

// hadRun reports whether a step failed because it has run already.
func hadRun(step string, err error) bool {
	words := firstWords(step)
	switch sqlState(err) {
	case duplicateTable, duplicateObject, duplicateColumn:
		return strings.HasPrefix(words, "CREATE ") || strings.HasPrefix(words, "ALTER ")
	case undefinedTable, undefinedObject, undefinedColumn:
		return strings.HasPrefix(words, "DROP ") || strings.HasPrefix(words, "ALTER ") && strings.Contains(words, " DROP ")
	case uniqueViolation:
		return strings.HasPrefix(words, "INSERT ")
	}
	return false
}

// schemaVersion returns how many of a module's steps have run.
func (s *Store) schemaVersion(ctx context.Context, module string) (n int, err error) {
	err = s.pool.QueryRow(ctx, "SELECT coalesce(max(step), 0) FROM migrations WHERE module = $1", module).Scan(&n)
	return n, err
}

func errNewer(op, module string, have, know int) error {
	return &storage.Error{Code: storage.CodeFormat, Op: op,
		Msg:  fmt.Sprintf("the database has version %d of the %s tables, and this fazt knows up to %d", have, module, know),
		Hint: "run a newer fazt on it"}
}
