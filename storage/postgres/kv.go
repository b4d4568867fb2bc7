package postgres

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/fazt-sh/fazt/storage"
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
	if err := checkSet(op, key, value, ttl); err != nil {
		return err
	}
	_, err := k.put(op, key, value, expiry(ttl))
	return err
}

func checkSet(op, key string, value json.RawMessage, ttl time.Duration) error {
	if ttl < 0 {
		return &storage.Error{Code: storage.CodeInvalid, Op: op, Msg: "the time to live is negative"}
	}
	return checkEntry(op, key, value)
}

func checkEntry(op, key string, value json.RawMessage) error {
	if err := storage.CheckKey(op, "key", key); err != nil {
		return err
	}
	return storage.CheckValue(op, value)
}

// expiry returns when a value stored now for ttl ends, in Unix milliseconds.
func expiry(ttl time.Duration) int64 {
	if ttl == 0 {
		return 0
	}
	ms := int64(ttl / time.Millisecond)
	if ttl%time.Millisecond != 0 {
		ms++
	}
	return time.Now().UnixMilli() + ms
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
	if err := k.store.checkQuotas(op, key, value); err != nil {
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

func (s *Store) checkQuotas(op, key string, value json.RawMessage) error {
	if err := s.quotas.CheckKey(op, "key", key); err != nil {
		return err
	}
	return s.quotas.CheckValue(op, value)
}

func (k *kv) SetIf(key string, value json.RawMessage, version int64) (int64, error) {
	const op = "kv.setIf"
	if err := checkEntry(op, key, value); err != nil {
		return 0, err
	}
	if k.tx == nil {
		return 0, errReadOnly(op)
	}
	old, _, err := k.find(op, key)
	if err != nil {
		return 0, err
	}
	if old.Version != version {
		return 0, &storage.Error{Code: storage.CodeConflict, Op: op,
			Msg: fmt.Sprintf("the key is at version %d, not %d", old.Version, version), Hint: "read it again and retry"}
	}
	return k.put(op, key, value, expiresAt(old))
}

func expiresAt(e storage.Entry) int64 {
	if e.ExpiresAt.IsZero() {
		return 0
	}
	return e.ExpiresAt.UnixMilli()
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
	var before float64
	if there {
		if before, err = number(old.Value); err != nil {
			return 0, &storage.Error{Code: storage.CodeInvalid, Op: op, Msg: "the value is not a number"}
		}
	}
	sum, err := storage.Count(op, before, by)
	if err != nil {
		return 0, err
	}
	text, err := json.Marshal(sum)
	if err != nil {
		return 0, err
	}
	_, err = k.put(op, key, text, expiresAt(old))
	return sum, err
}

// number parses a JSON number and nothing else.
func number(value json.RawMessage) (float64, error) {
	var n json.Number
	if err := json.Unmarshal(value, &n); err != nil || n == "" || value[0] == '"' {
		return 0, strconv.ErrSyntax
	}
	return n.Float64()
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
