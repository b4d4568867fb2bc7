package budget

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Defaults of a zero [Config].
const (
	DefaultRequestTimeout     = 10 * time.Second
	DefaultReserve            = 50 * time.Millisecond
	DefaultStorageOpTimeout   = 3 * time.Second
	DefaultMinOperationTime   = 5 * time.Millisecond
	DefaultQueueAdmissionTime = 5 * time.Second
	DefaultOperations         = 1000
	DefaultReadBytes          = 64 << 20
	DefaultWriteBytes         = 16 << 20
)

// Config is how much a request may spend. The zero value is ready to use: each
// zero field stands for its default.
type Config struct {
	// RequestTimeout is the wall time of a whole request. Default: 10 s.
	RequestTimeout time.Duration

	// Reserve is the end of RequestTimeout in which no work is done any more,
	// so that a caller who waits no longer than that still gets an answer that
	// says what went wrong. It is never more than a tenth of the request's
	// time. Default: 50 ms.
	Reserve time.Duration

	// StorageOpTimeout caps one operation. An operation gets the smaller of
	// this and half of what remains. Default: 3 s.
	StorageOpTimeout time.Duration

	// MinOperationTime is the least that must remain for an operation to be
	// started. Too small, and work is begun that cannot end in time; too large,
	// and requests fail that would have made it. Default: 5 ms.
	MinOperationTime time.Duration

	// QueueAdmissionTime is the longest that a request waits to be admitted. It
	// never waits past its own deadline. Default: 5 s.
	QueueAdmissionTime time.Duration

	// Operations is how many operations a request may start. Default: 1,000.
	Operations int

	// ReadBytes is how many bytes a request may read from the store, and
	// WriteBytes how many it may write to it. Defaults: 64 MiB and 16 MiB.
	ReadBytes, WriteBytes int64
}

// WithDefaults returns c with its zero fields filled in, or an error that names
// every field that cannot be used.
func (c Config) WithDefaults() (Config, error) {
	var errs []error
	set := func(name string, field *time.Duration, value time.Duration) {
		switch {
		case *field < 0:
			errs = append(errs, fmt.Errorf("budget: %s is %v; give a positive duration, or 0 for %v", name, *field, value))
		case *field == 0:
			*field = value
		}
	}
	set("RequestTimeout", &c.RequestTimeout, DefaultRequestTimeout)
	set("Reserve", &c.Reserve, DefaultReserve)
	set("StorageOpTimeout", &c.StorageOpTimeout, DefaultStorageOpTimeout)
	set("MinOperationTime", &c.MinOperationTime, DefaultMinOperationTime)
	set("QueueAdmissionTime", &c.QueueAdmissionTime, DefaultQueueAdmissionTime)
	errs = append(errs, orDefault("Operations", &c.Operations, DefaultOperations),
		orDefault("ReadBytes", &c.ReadBytes, DefaultReadBytes), orDefault("WriteBytes", &c.WriteBytes, DefaultWriteBytes))
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) == 0 && c.MinOperationTime >= c.RequestTimeout {
		errs = append(errs, fmt.Errorf("budget: MinOperationTime is %v, but a whole request has %v; no operation could start",
			c.MinOperationTime, c.RequestTimeout))
	}
	return c, errors.Join(errs...)
}

func orDefault[T int | int64](name string, field *T, value T) error {
	switch {
	case *field < 0:
		return fmt.Errorf("budget: %s is %d; give a positive number, or 0 for %d", name, *field, value)
	case *field == 0:
		*field = value
	}
	return nil
}
