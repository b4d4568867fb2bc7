package acme

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

const (
	// orders is what the store keeps below, for each host, of the authority having been asked
	// for its first certificate.
	orders = "orders"
	// orderWindow is what NewHosts counts in, and orderKept how long an order is
	// remembered for its failures.
	orderWindow = time.Hour
	orderKept   = 7 * 24 * time.Hour
)

// order is how it went. When, the store says.
type order struct {
	// Failures is how often in a row no certificate came of it. It counts one that is
	// under way, so that a server that is killed meanwhile does not ask at once again.
	Failures int `json:"failures"`
}

// wait is how long the authority is not asked after failures in a row. Let's Encrypt
// takes five an hour for a host.
func wait(failures int) time.Duration {
	steps := []time.Duration{0, time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour}
	return steps[min(failures, len(steps)-1)]
}

// refusedError says that the authority was not asked.
type refusedError struct {
	reason string
	until  time.Time
}

func (e *refusedError) Error() string {
	return fmt.Sprintf("%s; the next try is after %s", e.reason, e.until.UTC().Format(time.RFC3339))
}

// mayAsk counts an order, or is a refusedError. Whoever calls it holds the host's
// lock.
func (c *Certificates) mayAsk(ctx context.Context, name string) error {
	if err := c.keeper.Lock(ctx, orders); err != nil {
		return err
	}
	defer c.keeper.Unlock(context.WithoutCancel(ctx), orders)
	made, err := c.opt.Store.CertificateValues(ctx, orders)
	if err != nil {
		return err
	}
	now, own := time.Now(), path.Join(orders, name)
	recent, oldest := 0, now
	var last order
	for _, o := range made {
		age := now.Sub(o.UpdatedAt)
		switch {
		case age > orderKept:
			if err := c.opt.Store.DeleteCertificateValues(ctx, o.Name); err != nil {
				return err
			}
		case o.Name == own:
			if last, err = c.lastOrder(ctx, own); err != nil {
				return err
			}
			if pause := wait(last.Failures); age < pause {
				return &refusedError{fmt.Sprintf("the authority did not issue it, %d times", last.Failures), o.UpdatedAt.Add(pause)}
			}
		case age < orderWindow:
			recent++
			if o.UpdatedAt.Before(oldest) {
				oldest = o.UpdatedAt
			}
		}
	}
	if recent >= c.opt.NewHosts {
		return &refusedError{fmt.Sprintf("the authority was asked for %d new hosts within the hour", recent), oldest.Add(orderWindow)}
	}
	return c.keepOrder(ctx, name, order{last.Failures + 1})
}

func (c *Certificates) lastOrder(ctx context.Context, key string) (o order, err error) {
	text, _, err := c.opt.Store.CertificateValue(ctx, key)
	switch {
	case storage.CodeOf(err) == storage.CodeNotFound:
		return order{}, nil
	case err != nil:
		return order{}, err
	}
	return o, json.Unmarshal(text, &o)
}

func (c *Certificates) keepOrder(ctx context.Context, name string, o order) error {
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return c.opt.Store.PutCertificateValue(ctx, path.Join(orders, name), text, "")
}
