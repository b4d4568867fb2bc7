package budget

import (
	"errors"
	"fmt"
	"time"
)

// Defaults of a zero [Config].
const (
	DefaultRequestTimeout     = 10 * time.Second
	DefaultStorageOpTimeout   = 3 * time.Second
	DefaultMinOperationTime   = 5 * time.Millisecond
	DefaultQueueAdmissionTime = 5 * time.Second
)

// Config is how much a request may spend. The zero value is ready to use: each
// zero field stands for its default.
type Config struct {
	// RequestTimeout is the wall time of a whole request, from its first byte
	// read to its answer written. Default: 10 s.
	RequestTimeout time.Duration

	// StorageOpTimeout caps one storage operation. An operation gets the
	// smaller of this and half of what remains. Default: 3 s.
	StorageOpTimeout time.Duration

	// MinOperationTime is the least that must remain for an operation to be
	// started. Too small, and work is begun that cannot end in time; too large,
	// and requests fail that would have made it. Default: 5 ms.
	MinOperationTime time.Duration

	// QueueAdmissionTime is the longest that a request waits for a slot before
	// its first step. It never waits past its own deadline. Default: 5 s.
	QueueAdmissionTime time.Duration
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
	set("StorageOpTimeout", &c.StorageOpTimeout, DefaultStorageOpTimeout)
	set("MinOperationTime", &c.MinOperationTime, DefaultMinOperationTime)
	set("QueueAdmissionTime", &c.QueueAdmissionTime, DefaultQueueAdmissionTime)
	if len(errs) == 0 && c.MinOperationTime >= c.RequestTimeout {
		errs = append(errs, fmt.Errorf("budget: MinOperationTime is %v, but a whole request has %v; no operation could start",
			c.MinOperationTime, c.RequestTimeout))
	}
	return c, errors.Join(errs...)
}
