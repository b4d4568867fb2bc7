package postgres

import (
	"encoding/json"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/calls"
)

// kv implements [storage.KV].
type kv scopeTx

const (
	kvGet = `SELECT value, version, expires_at FROM kv WHERE app = $1 AND "user" = $2 AND key = $3`
	// kvSet returns the size of the value that it replaces, or NULL.
	kvSet = `WITH old AS (SELECT octet_length(value) AS size FROM kv WHERE app = $1 AND "user" = $2 AND key = $3)
		INSERT INTO kv (app, "user", key, value, version, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (app, "user", key) DO UPDATE
		SET value = excluded.value, version = excluded.version, expires_at = excluded.expires_at
		RETURNING (SELECT size FROM old)`
	kvDelete = `DELETE FROM kv WHERE app = $1 AND "user" = $2 AND key = $3`
	// kvList is asked for page by page: values may be long.
	kvList = `SELECT key, value, version, expires_at FROM kv
		WHERE app = $1 AND "user" = $2 AND key >= $3 AND key < $4 AND (expires_at = 0 OR expires_at > $5)
		ORDER BY key LIMIT $6`
)

func (k *kv) Get(key string) (storage.Entry, error) {
	const op = "kv.get"
	if err := storage.CheckKey(op, "key", key); err != nil {
		return storage.Entry{}, err
	}
	e, ok, err := k.find(op, key)
	if err == nil && !ok {
		err = errNotFound(op, "no such key")
	}
	if err == nil {
		err = (*scopeTx)(k).returns(len(e.Value))
	}
	if err != nil {
		return storage.Entry{}, err
	}
	return e, nil
}

// find returns the entry if it is there and has not expired.
func (k *kv) find(op, key string) (e storage.Entry, ok bool, err error) {
	expires := int64(0)
	e.Key = key
	ok, err = (*scopeTx)(k).readOne(op, kvGet, []any{k.scope.App, k.scope.User, key}, &e.Value, &e.Version, &expires)
	if err != nil || !ok || expires != 0 && expires <= time.Now().UnixMilli() {
		return storage.Entry{}, false, err
	}
	e.ExpiresAt = unixTime(expires)
	return e, true, nil
}

func (k *kv) Set(key string, value json.RawMessage, ttl time.Duration) error {
	const op = "kv.set"
	if err := calls.CheckSet(op, key, value, ttl); err != nil {
		return err
	}
	_, err := k.put(op, key, value, calls.Expiry(ttl))
	return err
}

// put stores an entry under a new version, and returns that. It is not waited for: what
// it replaces is known, and counted, when it has been sent.
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
	tx, st, r := k.tx, k.tx.state(k.scope.App), k.tx.r
	err = tx.queueGot(func(rows *rowBuffer) error {
		var old *int64
		if err := rows.scan(0, &old); err != nil {
			return err
		}
		grown := int64(len(value))
		if old != nil {
			grown -= *old
		} else {
			grown += int64(len(key) + storage.RowBytes)
		}
		st.bytes += grown
		if tx.current != nil && tx.current.r == r { // or it has succeeded
			tx.undo = append(tx.undo, func() { st.bytes -= grown })
		}
		return nil
	}, kvSet, k.scope.App, k.scope.User, key, string(value), version, expires)
	return version, wrap(op, err)
}

// reserve refuses an entry past a quota. What it replaces matters only to an app
// that is nearly full, and is looked up only then.
func (k *kv) reserve(op, key string, value json.RawMessage) error {
	if err := calls.CheckEntryQuotas(op, k.store.quotas, key, value); err != nil {
		return err
	}
	size := int64(len(key) + len(value) + storage.RowBytes)
	full := k.tx.reserve(op, k.scope.App, size)
	if storage.CodeOf(full) != storage.CodeQuotaExceeded {
		return full
	}
	var old json.RawMessage
	var version, expires int64
	found, err := (*scopeTx)(k).readOne(op, kvGet, []any{k.scope.App, k.scope.User, key}, &old, &version, &expires)
	switch {
	case err != nil:
		return err
	case !found:
		return full
	}
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
	old, there, err := k.find(op, key)
	if err != nil || !there {
		return false, err
	}
	if err := k.tx.queue(kvDelete, k.scope.App, k.scope.User, key); err != nil {
		return false, wrap(op, err)
	}
	k.tx.grow(k.scope.App, -int64(len(key)+len(old.Value)+storage.RowBytes))
	return true, nil
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
	entries := []storage.Entry{}
	now := time.Now().UnixMilli()
	size := (*scopeTx)(k).size(op, page.Limit)
	for page := listPage; len(entries) < span.limit; page = listRows(size) {
		n := min(page, span.limit-len(entries))
		got := 0
		args := []any{k.scope.App, k.scope.User, span.from, span.to, now, n}
		err := (*scopeTx)(k).read(op, kvList, args, func(scan scanFunc) error {
			var e storage.Entry
			var expires int64
			if err := scan(&e.Key, &e.Value, &e.Version, &expires); err != nil {
				return err
			}
			got++
			if err := size.add(len(e.Key) + len(e.Value)); err != nil {
				return err
			}
			e.ExpiresAt = unixTime(expires)
			entries = append(entries, e)
			return nil
		})
		if err != nil {
			return nil, err
		}
		if got < n {
			break
		}
		if err := (*scopeTx)(k).pace(); err != nil {
			return nil, err
		}
		span.from = entries[len(entries)-1].Key + "\x01"
	}
	return entries, nil
}

// listPage is how many rows a list reads at first, and maxListPage at a time later at most.
const listPage, maxListPage = 16, 1024

// listRows is how many rows a list reads next, by how long they were: any may have a
// megabyte.
func listRows(size *resultSize) int {
	return min(maxListPage, max(1, pageBytes/max(1, size.bytes/max(1, size.rows))))
}
