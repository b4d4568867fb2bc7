package storage

import (
	"context"
	"time"
)

// MaxCertificateValue is the longest value that [Certificates] keeps, in bytes.
const MaxCertificateValue = 1 << 20

// Certificates keeps what a server has from certificate authorities: keys, chains,
// accounts, and the challenges that are under way. All servers on the same data
// share it, and agree by leases on which of them asks an authority. No operator's
// query shows a value.
//
// A name is made of parts with slashes between them, as the path of a file is, and
// obeys the rules of a key, or is [CodeInvalid].
type Certificates interface {
	// CertificateValue returns a value and when it was stored, or [CodeNotFound].
	CertificateValue(ctx context.Context, name string) ([]byte, time.Time, error)
	// PutCertificateValue stores a value, in place of one of the same name. Where
	// subject is not "", the audit log says that the certificate of that host was
	// stored. A value above [MaxCertificateValue] is [CodeQuotaExceeded].
	PutCertificateValue(ctx context.Context, name string, value []byte, subject string) error
	// DeleteCertificateValues removes the value of a name and those below it, if
	// there are any.
	DeleteCertificateValues(ctx context.Context, name string) error
	// CertificateValues returns what is stored below a name, by name; "" is all.
	// More than [MaxRows] is [CodeResultTooLarge].
	CertificateValues(ctx context.Context, below string) ([]CertificateInfo, error)

	// AcquireLease gives holder the lease of a name for a time from now, unless
	// another holds it: then ok is false. Who holds it already holds it for longer.
	AcquireLease(ctx context.Context, name, holder string, d time.Duration) (ok bool, err error)
	// ReleaseLease gives up a lease that holder may have.
	ReleaseLease(ctx context.Context, name, holder string) error
}

// CertificateInfo says that there is a value.
type CertificateInfo struct {
	Name      string
	Size      int64
	UpdatedAt time.Time // to the millisecond
}
