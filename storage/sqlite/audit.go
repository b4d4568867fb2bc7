package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"encoding/json"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/calls"
)

// auditTable is the step that brought the audit log. The table has a rowid
// beside its key, so that the oldest entry to keep is found in an index of ids
// alone.
const auditTable = `
CREATE TABLE audit (
	id         TEXT NOT NULL PRIMARY KEY, -- in the order of time
	at         INTEGER NOT NULL, -- Unix milliseconds
	actor_kind TEXT NOT NULL, -- local, user, key
	actor_id   TEXT NOT NULL,
	actor_name TEXT NOT NULL,
	actor_addr TEXT NOT NULL,
	action     TEXT NOT NULL, -- app.publish
	target     TEXT NOT NULL,
	details    TEXT NOT NULL -- JSON
);
`

// change runs fn, which makes a change of the catalogue and returns what it was
// made to, in a transaction that counts the revision up and has the change's
// entry in the audit log.
func (s *Store) change(ctx context.Context, op, action string, fn func(*writeTx) (target string, details any, err error)) error {
	return wrap(op, s.writer.do(ctx, "", op, func(tx *writeTx) error {
		target, details, err := fn(tx)
		if err != nil {
			return err
		}
		if err := storage.RecordAudit(&sqlTx{session{ctx, tx.conn, tx}, op}, api.ActorFrom(ctx), action, target, details); err != nil {
			return err
		}
		return s.revise(tx)
	}))
}

// Audit implements [storage.Audits].
func (s *Store) Audit(ctx context.Context, q storage.AuditQuery) ([]storage.AuditEntry, error) {
	const op = "audit"
	if err := calls.CheckAudit(op, q); err != nil {
		return nil, err
	}
	where, args := auditWhere(q)
	return list(ctx, s, op, auditEntry, `SELECT id, at, actor_kind, actor_id, actor_name, actor_addr, action, target, details
		FROM audit `+where+`ORDER BY id DESC LIMIT ? OFFSET ?`, append(args, cmp.Or(q.Limit, storage.MaxRows), q.Offset)...)
}

// CountAudit implements [storage.Audits].
func (s *Store) CountAudit(ctx context.Context, q storage.AuditQuery) (int, error) {
	where, args := auditWhere(q)
	counts, err := list(ctx, s, "countAudit", func(row []driver.Value) int { return int(row[0].(int64)) }, "SELECT count(*) FROM audit "+where, args...)
	if err != nil {
		return 0, err
	}
	return counts[0], nil
}

// auditWhere is the condition of a query, with the space that comes after it.
func auditWhere(q storage.AuditQuery) (where string, args []any) {
	var conditions []string
	add := func(condition string, values ...any) {
		conditions, args = append(conditions, condition), append(args, values...)
	}
	if q.Before != "" {
		add("id < ?", q.Before)
	}
	if !q.Since.IsZero() {
		add("at >= ?", q.Since.UnixMilli())
	}
	if q.Action != "" {
		add("(action = ? OR substr(action, 1, length(?) + 1) = ? || '.')", q.Action, q.Action, q.Action)
	}
	if q.Actor != "" {
		add("? IN (actor_id, actor_name, actor_kind)", q.Actor)
	}
	if len(conditions) == 0 {
		return "", nil
	}
	return "WHERE " + strings.Join(conditions, " AND ") + " ", args
}

func auditEntry(row []driver.Value) storage.AuditEntry {
	return storage.AuditEntry{
		ID:   row[0].(string),
		Time: time.UnixMilli(row[1].(int64)),
		Actor: api.Actor{Kind: api.ActorKind(row[2].(string)), ID: row[3].(string),
			Name: row[4].(string), Addr: row[5].(string)},
		Action:  row[6].(string),
		Target:  row[7].(string),
		Details: json.RawMessage(row[8].(string)),
	}
}

// audit removes the oldest entries of the audit log. It looks for them when the
// newest is another than it was.
func (w *sweeper) audit() error {
	newest, err := w.find("SELECT id FROM audit ORDER BY id DESC LIMIT 1")
	if err != nil || len(newest) == 0 || newest[0] == w.audited {
		return err
	}
	w.audited = newest[0]
	last, err := w.find("SELECT id FROM audit ORDER BY id DESC LIMIT 1 OFFSET ?", storage.AuditRows)
	if err != nil || len(last) == 0 {
		return err
	}
	return w.each("DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE id <= ? ORDER BY id LIMIT ?)", last[0], sweepRows)
}
