package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/calls"
)

// change runs fn, which makes a change of the catalogue and returns what it was
// made to, in a transaction that counts the revision up and has the change's
// entry in the audit log.
//
// The revision comes first: of two servers that change the catalogue at once, one
// waits there or begins again there, before it has done anything.
func (s *Store) change(ctx context.Context, op, action string, fn func(*writeTx) (target string, details any, err error)) error {
	return s.write(ctx, "", op, func(tx *writeTx) error {
		if err := s.revise(tx); err != nil {
			return err
		}
		target, details, err := fn(tx)
		if err != nil {
			return err
		}
		return storage.RecordAudit(tx.sql(op), api.ActorFrom(ctx), action, target, details)
	})
}

// Audit implements [storage.Audits].
func (s *Store) Audit(ctx context.Context, q storage.AuditQuery) ([]storage.AuditEntry, error) {
	const op = "audit"
	if err := calls.CheckAudit(op, q); err != nil {
		return nil, err
	}
	where, args := auditWhere(q)
	args = append(args, cmp.Or(q.Limit, storage.MaxRows), q.Offset)
	return list(ctx, s, op, auditEntry, fmt.Sprintf(`SELECT id, at, actor_kind, actor_id, actor_name, actor_addr, action, target, details
		FROM audit %sORDER BY id DESC LIMIT $%d OFFSET $%d`, where, len(args)-1, len(args)), args...)
}

// CountAudit implements [storage.Audits].
func (s *Store) CountAudit(ctx context.Context, q storage.AuditQuery) (n int, err error) {
	where, args := auditWhere(q)
	err = s.read(ctx, "countAudit", "SELECT count(*) FROM audit "+where, args, func(scan scanFunc) error { return scan(&n) })
	return n, err
}

// auditWhere is the condition of a query, with the space that comes after it.
func auditWhere(q storage.AuditQuery) (where string, args []any) {
	var conditions []string
	add := func(condition string, value any) { // in which $ is the value
		args = append(args, value)
		conditions = append(conditions, strings.ReplaceAll(condition, "$", fmt.Sprintf("$%d", len(args))))
	}
	if q.Before != "" {
		add("id < $", q.Before)
	}
	if !q.Since.IsZero() {
		add("at >= $", q.Since.UnixMilli())
	}
	if q.Action != "" {
		add("(action = CAST($ AS TEXT) OR substr(action, 1, length(CAST($ AS TEXT)) + 1) = CAST($ AS TEXT) || '.')", q.Action)
	}
	if q.Actor != "" {
		add("$ IN (actor_id, actor_name, actor_kind)", q.Actor)
	}
	if len(conditions) == 0 {
		return "", nil
	}
	return "WHERE " + strings.Join(conditions, " AND ") + " ", args
}

func auditEntry(scan scanFunc) (storage.AuditEntry, error) {
	var e storage.AuditEntry
	var at int64
	var details string
	err := scan(&e.ID, &at, &e.Actor.Kind, &e.Actor.ID, &e.Actor.Name, &e.Actor.Addr, &e.Action, &e.Target, &details)
	e.Time, e.Details = time.UnixMilli(at), json.RawMessage(details)
	return e, err
}
