package storage

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/api"
)

// AuditRows is how many entries of the audit log are kept, about: the sweeper
// removes older ones.
const AuditRows = 100_000

// Audits is the log of changes: who made which, when, and from where. An entry
// is written in the change's own transaction, so that there is one for every
// change that was made, and none for one that was not.
//
// The store writes the entries of its own changes, with these actions, the
// target's name, and the details as a JSON object:
//
//	app.publish    app's name  {"app_id", "version", "files", "size"}
//	app.rollback   app's name  {"app_id", "version", "restored"}
//	app.remove     app's name  {"app_id", "keep_data"}
//	app.change     app's name  {"app_id"} and "title", "tags", "visibility" as changed
//	alias.set      label       {"kind", "app", "version", "url", "split"}
//	alias.remove   label       {}
//	alias.swap     label       {"with"}
//	env.set        app's name  {"app_id", "names"}
//	env.unset      app's name  {"app_id", "names"}
//	env.forget                 {"names"}, see [ForgetSealed]
//	sql.exec                   {"statement", "affected"}, see [Queries]
//	peer.set       name        {"url", "default"}
//	peer.default   name        {}
//	peer.remove    name        {}
//	certificate.store  host name  {}
//
// Packages that own tables write theirs with [RecordAudit].
type Audits interface {
	// Audit returns entries, newest first. A limit that is negative or above
	// [MaxRows] is [CodeInvalid], and so is a negative offset.
	Audit(ctx context.Context, q AuditQuery) ([]AuditEntry, error)
	// CountAudit returns how many entries a query has, whatever its offset and
	// limit.
	CountAudit(ctx context.Context, q AuditQuery) (int, error)
}

// AuditQuery says which entries are wanted. The zero value is the newest
// [MaxRows] of them.
type AuditQuery struct {
	// Before is the ID of an entry, the last of the page before: older ones are
	// wanted. "" is all.
	Before string
	// Since leaves out older entries. Default: none.
	Since time.Time
	// Action is one, such as "app.publish", or all of a kind, such as "app".
	// Default: all.
	Action string
	// Actor is one by id or by name, or a kind of them, such as "local". Default:
	// all.
	Actor string
	// Offset is how many to leave out, of the newest.
	Offset int
	// Limit is how many to return at most. Default: [MaxRows].
	Limit int
}

// AuditEntry is a change that was made.
type AuditEntry struct {
	// ID is unique, and larger than that of every entry before, as far as the
	// clocks of the processes that share the data agree.
	ID      string
	Time    time.Time // to the millisecond
	Actor   api.Actor
	Action  string          // "app.publish"
	Target  string          // what was changed, by the name that people use
	Details json.RawMessage // a JSON value, "{}" without any
}

// RecordAudit writes an entry in the transaction of a change that a package
// makes with [Database.Write]. details is marshalled to JSON; nil is {}. It must
// have names and never a secret: an operator's SQL shows it. An error must undo
// the change: return it from the transaction.
func RecordAudit(tx SQL, actor api.Actor, action, target string, details any) error {
	text := []byte("{}")
	if details != nil {
		var err error
		if text, err = json.Marshal(details); err != nil {
			return &Error{Code: CodeInvalid, Op: "audit", Path: action, Msg: "the details can't be marshalled", Err: err}
		}
	}
	now := time.Now()
	_, err := tx.Exec(`INSERT INTO audit (id, at, actor_kind, actor_id, actor_name, actor_addr, action, target, details)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		auditID(now), now.UnixMilli(), string(actor.Kind), plainText(actor.ID), plainText(actor.Name), plainText(actor.Addr),
		action, plainText(target), string(text))
	return err
}

// auditID returns an id of 26 digits in base 32: the time in nanoseconds, so
// that entries are in the order of their changes, and 65 random bits.
func auditID(now time.Time) string {
	const digits = "0123456789abcdefghjkmnpqrstvwxyz"
	var id [26]byte
	nanos := now.UnixNano()
	for i := 12; i >= 0; i-- {
		id[i] = digits[nanos&31]
		nanos >>= 5
	}
	rand.Read(id[13:])
	for i := 13; i < len(id); i++ {
		id[i] = digits[id[i]&31]
	}
	return string(id[:])
}

// plainText makes s a text that every engine can hold.
func plainText(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
}
