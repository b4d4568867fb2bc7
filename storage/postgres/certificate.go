package postgres

import (
	"context"
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
	v, err := only(ctx, s, op, "no such value", func(scan scanFunc) (v stored, err error) {
		var at int64
		err = scan(&v.value, &at)
		v.at = time.UnixMilli(at)
		return v, err
	}, "SELECT value_secret, updated_at FROM certificates WHERE name = $1", name)
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
	return s.write(ctx, "", op, func(tx *writeTx) error {
		_, err := tx.exec(`INSERT INTO certificates (name, value_secret, updated_at) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET value_secret = excluded.value_secret, updated_at = excluded.updated_at`,
			name, value, time.Now().UnixMilli())
		if err != nil || subject == "" {
			return err
		}
		return storage.RecordAudit(tx.sql(op), api.ActorFrom(ctx), "certificate.store", subject, nil)
	})
}

// below are the names below another, up to and without the second: a slash is the
// sign before 0.
func below(name string) (from, to string) { return name + "/", name + "0" }

// DeleteCertificateValues implements [storage.Certificates].
func (s *Store) DeleteCertificateValues(ctx context.Context, name string) error {
	const op = "deleteCertificateValues"
	if err := storage.CheckKey(op, "name", name); err != nil {
		return err
	}
	from, to := below(name)
	return s.write(ctx, "", op, func(tx *writeTx) error {
		_, err := tx.exec("DELETE FROM certificates WHERE name = $1 OR name >= $2 AND name < $3", name, from, to)
		return err
	})
}

// CertificateValues implements [storage.Certificates].
func (s *Store) CertificateValues(ctx context.Context, name string) ([]storage.CertificateInfo, error) {
	const op = "certificateValues"
	if err := storage.CheckPrefix(op, "name", name); err != nil {
		return nil, err
	}
	where, args := "", []any{storage.MaxRows + 1}
	if name != "" {
		from, to := below(name)
		where, args = "WHERE name >= $2 AND name < $3", append(args, from, to)
	}
	found, err := list(ctx, s, op, func(scan scanFunc) (v storage.CertificateInfo, err error) {
		var at int64
		err = scan(&v.Name, &v.Size, &at)
		v.UpdatedAt = time.UnixMilli(at)
		return v, err
	}, "SELECT name, octet_length(value_secret), updated_at FROM certificates "+where+" ORDER BY name LIMIT $1", args...)
	if err == nil && len(found) > storage.MaxRows {
		err = &storage.Error{Code: storage.CodeResultTooLarge, Op: op, Path: name, Msg: fmt.Sprintf("there are more than %d values", storage.MaxRows)}
	}
	if err != nil {
		return nil, err
	}
	return found, nil
}

// AcquireLease implements [storage.Certificates]. Its time is the database's, so that
// servers whose clocks differ agree when it is over.
func (s *Store) AcquireLease(ctx context.Context, name, holder string, d time.Duration) (ok bool, err error) {
	const op = "acquireLease"
	if err := calls.CheckLease(op, name, holder); err != nil {
		return false, err
	}
	n, err := s.exec(ctx, op, leaseTake, name, holder, d.Milliseconds())
	return n > 0, err
}

// ReleaseLease implements [storage.Certificates].
func (s *Store) ReleaseLease(ctx context.Context, name, holder string) error {
	const op = "releaseLease"
	if err := calls.CheckLease(op, name, holder); err != nil {
		return err
	}
	_, err := s.exec(ctx, op, leaseDrop, name, holder)
	return err
}
