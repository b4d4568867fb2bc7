package sqlite

import (
	"cmp"
	"database/sql/driver"
	"encoding/json"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/calls"
)

// kv implements [storage.KV].
type kv scopeTx

const (
	kvGet = `SELECT value, version, expires_at FROM kv WHERE app = ? AND user = ? AND key = ?`
	kvSet = `INSERT INTO kv (app, user, key, value, version, expires_at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (app, user, key) DO UPDATE
		SET value = excluded.value, version = excluded.version, expires_at = excluded.expires_at`
	kvDelete = `DELETE FROM kv WHERE app = ? AND user = ? AND key = ?`
)

var kvList = steady(`SELECT key, value, version, expires_at FROM kv
	WHERE app = ? AND user = ? AND key >= ? AND key < ? AND (expires_at = 0 OR expires_at > ?)
	ORDER BY key LIMIT ?`)

func (k *kv) Get(key string) (storage.Entry, error) {
	const op = "kv.get"
	if err := storage.CheckKey(op, "key", key); err != nil {
		return storage.Entry{}, err
	}
	e, ok, err := k.find(op, key)
	k.seen()
	if err == nil && !ok {
		err = errNotFound(op, "no such key")
	}
	if err == nil {
		err = k.returns(len(e.Value))
	}
	return e, err
}

// find returns the entry if it is there and has not expired.
func (k *kv) find(op, key string) (storage.Entry, bool, error) {
	row, err := k.row(op, kvGet, k.scope.App, k.scope.User, key)
	if err != nil || row == nil {
		return storage.Entry{}, false, err
	}
	expires, _ := row[2].(int64)
	if expires != 0 && expires <= time.Now().UnixMilli() {
		return storage.Entry{}, false, nil
	}
	return entry(key, row), true, nil
}

// entry makes an Entry of a row's value, version and expires_at.
func entry(key string, row []driver.Value) storage.Entry {
	value, _ := row[0].(string)
	version, _ := row[1].(int64)
	e := storage.Entry{Key: key, Value: json.RawMessage(value), Version: version}
	if expires, _ := row[2].(int64); expires != 0 {
		e.ExpiresAt = time.UnixMilli(expires)
	}
	return e
}

func (k *kv) Set(key string, value json.RawMessage, ttl time.Duration) error {
	const op = "kv.set"
	if err := calls.CheckSet(op, key, value, ttl); err != nil {
		return err
	}
	_, err := k.put(op, key, value, calls.Expiry(ttl))
	return err
}

// put stores an entry under a new version, and returns that.
func (k *kv) put(op, key string, value json.RawMessage, expires int64) (int64, error) {
	if k.tx == nil {
		return 0, errReadOnly(op)
	}
	if err := k.reserve(op, key, value); err != nil {
		return 0, err
	}
	version, err := k.tx.next()
	if err != nil {
		return 0, wrap(op, err)
	}
	_, err = k.write(op, kvSet, k.scope.App, k.scope.User, key, string(value), version, expires)
	return version, err
}

// reserve refuses an entry past a quota. What it replaces matters only to an app
// that is nearly full, and is looked up only then.
func (k *kv) reserve(op, key string, value json.RawMessage) error {
	if err := calls.CheckEntryQuotas(op, k.tx.w.quotas, key, value); err != nil {
		return err
	}
	size := int64(len(key) + len(value) + storage.RowBytes)
	err := k.tx.reserve(op, k.scope.App, size)
	if storage.CodeOf(err) != storage.CodeQuotaExceeded {
		return err
	}
	row, readErr := k.row(op, kvGet, k.scope.App, k.scope.User, key)
	if readErr != nil || row == nil {
		return cmp.Or(readErr, err)
	}
	old, _ := row[0].(string)
	return k.tx.reserve(op, k.scope.App, size-int64(len(key)+len(old)+storage.RowBytes))
}

func (k *kv) SetIf(key string, value json.RawMessage, version int64) (int64, error) {
	const op = "kv.setIf"
	if err := calls.CheckEntry(op, key, value); err != nil {
		return 0, err
	}
	if k.tx == nil {
		return 0, errReadOnly(op)
	}
	old, _, err := k.find(op, key)
	if err != nil {
		return 0, err
	}
	if err := calls.CheckVersion(op, old, version); err != nil {
		return 0, err
	}
	return k.put(op, key, value, calls.ExpiresAt(old))
}

func (k *kv) Delete(key string) (bool, error) {
	const op = "kv.delete"
	if err := storage.CheckKey(op, "key", key); err != nil {
		return false, err
	}
	if k.tx == nil {
		return false, errReadOnly(op)
	}
	_, there, err := k.find(op, key)
	if err != nil || !there {
		return false, err
	}
	_, err = k.write(op, kvDelete, k.scope.App, k.scope.User, key)
	return err == nil, err
}

func (k *kv) Incr(key string, by float64) (float64, error) {
	const op = "kv.incr"
	if err := storage.CheckKey(op, "key", key); err != nil {
		return 0, err
	}
	if k.tx == nil {
		return 0, errReadOnly(op)
	}
	old, there, err := k.find(op, key)
	if err != nil {
		return 0, err
	}
	sum, text, err := calls.Incremented(op, old, there, by)
	if err != nil {
		return 0, err
	}
	_, err = k.put(op, key, text, calls.ExpiresAt(old))
	return sum, err
}

func (k *kv) List(prefix string, page storage.Page) ([]storage.Entry, error) {
	const op = "kv.list"
	span, err := listSpan(op, prefix, page)
	if err != nil {
		return nil, err
	}
	var entries []storage.Entry
	args := []any{k.scope.App, k.scope.User, span.from, span.to, time.Now().UnixMilli(), span.limit}
	err = k.operation(op, func() error {
		entries = []storage.Entry{}
		size := resultSize{session: &k.session, op: op, limit: page.Limit}
		return k.quickRows(op, kvList, args, func(row []driver.Value) error {
			key, _ := row[0].(string)
			e := entry(key, row[1:])
			if err := size.add(len(key) + len(e.Value)); err != nil {
				return err
			}
			entries = append(entries, e)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return entries, nil
}

// span is the keys that a page is taken from, from one up to and without the
// other, and how many rows to ask for.
type span struct {
	from, to string
	limit    int
}

func listSpan(op, prefix string, page storage.Page) (span, error) {
	limit, err := calls.CheckList(op, prefix, page)
	if err != nil {
		return span{}, err
	}
	// One lower bound, so that a later page starts in the index where it
	// begins. No key has a NUL, so this is the first text after page.After.
	return span{max(prefix, page.After+"\x00"), prefixEnd(prefix), limit}, nil
}

// prefixEnd returns the first text after all those that start with prefix, in
// the order of bytes. It need not be UTF-8: it is only compared. No byte of
// UTF-8 is 0xff, so that is past all texts, and a last byte can be counted up.
func prefixEnd(prefix string) string {
	if prefix == "" {
		return "\xff"
	}
	last := len(prefix) - 1
	return prefix[:last] + string([]byte{prefix[last] + 1})
}

// resultSize counts what a list or a find gathers.
type resultSize struct {
	session *session
	op      string
	limit   int // the caller's
	rows    int
	bytes   int
}

// add is called before a row is held.
func (r *resultSize) add(n int) error {
	r.rows++
	r.bytes += n
	if err := calls.CheckResult(r.op, r.limit, r.rows, r.bytes); err != nil {
		return err
	}
	return r.session.returns(n)
}
