package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/calls"
)

// CertificateValue implements [storage.Certificates].
func (s *Store) CertificateValue(ctx context.Context, name string) ([]byte, time.Time, error) {
	const op = "certificateValue"
	if err := storage.CheckKey(op, "name", name); err != nil {
		return nil, time.Time{}, err
	}
	type stored struct {
		value []byte
		at    time.Time
	}
	v, err := one(ctx, s, op, "no such value", func(row []driver.Value) stored {
		return stored{row[0].([]byte), time.UnixMilli(row[1].(int64))}
	}, "SELECT value_secret, updated_at FROM certificates WHERE name = ?", name)
	return v.value, v.at, err
}

// PutCertificateValue implements [storage.Certificates].
func (s *Store) PutCertificateValue(ctx context.Context, name string, value []byte, subject string) error {
	const op = "putCertificateValue"
	if err := storage.CheckKey(op, "name", name); err != nil {
		return err
	}
	if len(value) > storage.MaxCertificateValue {
		return storage.OverQuota(op, name, "the value", int64(len(value)), storage.MaxCertificateValue)
	}
	if value == nil {
		value = []byte{} // nil would be NULL
	}
	return wrap(op, s.writer.do(ctx, "", op, func(tx *writeTx) error {
		_, err := tx.write(`INSERT INTO certificates (name, value_secret, updated_at) VALUES (?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET value_secret = excluded.value_secret, updated_at = excluded.updated_at`,
			name, value, time.Now().UnixMilli())
		if err != nil || subject == "" {
			return err
		}
		return storage.RecordAudit(&sqlTx{session{ctx, tx.conn, tx}, op}, api.ActorFrom(ctx), "certificate.store", subject, nil)
	}))
}

// DeleteCertificateValues implements [storage.Certificates].
func (s *Store) DeleteCertificateValues(ctx context.Context, name string) error {
	const op = "deleteCertificateValues"
	if err := storage.CheckKey(op, "name", name); err != nil {
		return err
	}
	return wrap(op, s.writer.do(ctx, "", op, func(tx *writeTx) error {
		_, err := tx.write("DELETE FROM certificates WHERE name = ? OR name >= ? AND name < ?", name, name+"/", prefixEnd(name+"/"))
		return err
	}))
}

// CertificateValues implements [storage.Certificates].
func (s *Store) CertificateValues(ctx context.Context, below string) ([]storage.CertificateInfo, error) {
	const op = "certificateValues"
	if err := storage.CheckPrefix(op, "name", below); err != nil {
		return nil, err
	}
	if below != "" {
		below += "/"
	}
	found, err := list(ctx, s, op, func(row []driver.Value) storage.CertificateInfo {
		return storage.CertificateInfo{Name: row[0].(string), Size: row[1].(int64), UpdatedAt: time.UnixMilli(row[2].(int64))}
	}, "SELECT name, length(value_secret), updated_at FROM certificates WHERE name >= ? AND name < ? ORDER BY name LIMIT ?",
		below, prefixEnd(below), storage.MaxRows+1)
	if err == nil && len(found) > storage.MaxRows {
		err = &storage.Error{Code: storage.CodeResultTooLarge, Op: op, Path: below, Msg: fmt.Sprintf("there are more than %d values", storage.MaxRows)}
	}
	if err != nil {
		return nil, err
	}
	return found, nil
}

// AcquireLease implements [storage.Certificates].
func (s *Store) AcquireLease(ctx context.Context, name, holder string, d time.Duration) (ok bool, err error) {
	const op = "acquireLease"
	if err := calls.CheckLease(op, name, holder); err != nil {
		return false, err
	}
	err = s.writer.do(ctx, "", op, func(tx *writeTx) error {
		now := time.Now()
		n, err := tx.write(`INSERT INTO leases (name, holder, expires_at) VALUES (?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
			WHERE leases.holder = excluded.holder OR leases.expires_at <= ?`,
			name, holder, now.Add(d).UnixMilli(), now.UnixMilli())
		ok = n > 0
		return err
	})
	return ok, wrap(op, err)
}

// ReleaseLease implements [storage.Certificates].
func (s *Store) ReleaseLease(ctx context.Context, name, holder string) error {
	const op = "releaseLease"
	if err := calls.CheckLease(op, name, holder); err != nil {
		return err
	}
	return wrap(op, s.writer.do(ctx, "", op, func(tx *writeTx) error {
		_, err := tx.write("DELETE FROM leases WHERE name = ? AND holder = ?", name, holder)
		return err
	}))
}
