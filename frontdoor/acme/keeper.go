package acme

import (
	"context"
	"crypto/rand"
	"io/fs"
	"log/slog"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"

	"github.com/fazt-sh/fazt/storage"
)

const (
	// leaseTime is how long a lock stays when the server that has it is killed.
	leaseTime = 15 * time.Second
	// leasePoll is how often a lock that another has is tried.
	leasePoll = 250 * time.Millisecond
)

// keeper is a [certmagic.Storage] on a [storage.Certificates].
type keeper struct {
	store storage.Certificates
	log   *slog.Logger
	open  context.Context

	mu    sync.Mutex
	locks map[string]*lock
	work  sync.WaitGroup
}

// lock is one that this keeper holds. Each has a holder of its own, so that two
// goroutines of one server exclude each other too.
type lock struct {
	holder string
	stop   context.CancelFunc // of what keeps it
}

var _ certmagic.Storage = (*keeper)(nil)

func newKeeper(open context.Context, store storage.Certificates, log *slog.Logger) *keeper {
	return &keeper{store: store, log: log, open: open, locks: make(map[string]*lock)}
}

// String is what certmagic's lines say of it.
func (k *keeper) String() string { return "the store" }

// Lock implements [certmagic.Locker].
func (k *keeper) Lock(ctx context.Context, name string) error {
	l := &lock{holder: rand.Text()}
	poll := time.NewTicker(leasePoll)
	defer poll.Stop()
	for {
		ok, err := k.store.AcquireLease(ctx, name, l.holder, leaseTime)
		if err != nil {
			return err
		}
		if ok {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-poll.C:
		}
	}
	var hold context.Context
	hold, l.stop = context.WithCancel(k.open)
	k.mu.Lock()
	k.locks[name] = l
	k.mu.Unlock()
	k.work.Go(func() { k.hold(hold, name, l.holder) })
	return nil
}

// hold keeps a lease until ctx ends.
func (k *keeper) hold(ctx context.Context, name, holder string) {
	again := time.NewTicker(leaseTime / 3)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
		if ok, err := k.store.AcquireLease(ctx, name, holder, leaseTime); (err != nil || !ok) && ctx.Err() == nil {
			k.log.Warn("a lease could not be kept; another server may do the same work", "lease", name, "error", err)
		}
	}
}

// Unlock implements [certmagic.Locker].
func (k *keeper) Unlock(ctx context.Context, name string) error {
	k.mu.Lock()
	l := k.locks[name]
	delete(k.locks, name)
	k.mu.Unlock()
	if l == nil {
		return nil
	}
	l.stop()
	return k.store.ReleaseLease(ctx, name, l.holder)
}

// close waits for what keeps leases, which ends with the keeper's context.
func (k *keeper) close() { k.work.Wait() }

// Store implements [certmagic.Storage].
func (k *keeper) Store(ctx context.Context, key string, value []byte) error {
	subject := ""
	if strings.HasPrefix(key, "certificates/") && path.Ext(key) == ".crt" {
		subject = strings.TrimSuffix(path.Base(key), ".crt")
	}
	return k.store.PutCertificateValue(ctx, key, value, subject)
}

// Load implements [certmagic.Storage].
func (k *keeper) Load(ctx context.Context, key string) ([]byte, error) {
	value, _, err := k.store.CertificateValue(ctx, key)
	return value, notExist(err)
}

// notExist makes the error that certmagic looks for.
func notExist(err error) error {
	if storage.CodeOf(err) == storage.CodeNotFound {
		return fs.ErrNotExist
	}
	return err
}

// Delete implements [certmagic.Storage].
func (k *keeper) Delete(ctx context.Context, key string) error {
	return k.store.DeleteCertificateValues(ctx, key)
}

// Exists implements [certmagic.Storage].
func (k *keeper) Exists(ctx context.Context, key string) bool {
	_, err := k.Stat(ctx, key)
	return err == nil
}

// List implements [certmagic.Storage].
func (k *keeper) List(ctx context.Context, below string, recursive bool) ([]string, error) {
	below = strings.Trim(below, "/")
	found, err := k.store.CertificateValues(ctx, below)
	if err != nil {
		return nil, err
	}
	prefix := below + "/"
	if below == "" {
		prefix = ""
	}
	keys := make(map[string]bool)
	for _, v := range found {
		parts := strings.Split(strings.TrimPrefix(v.Name, prefix), "/")
		if !recursive {
			parts = parts[:1]
		}
		for i := range parts {
			keys[prefix+strings.Join(parts[:i+1], "/")] = true
		}
	}
	if len(keys) == 0 {
		return nil, fs.ErrNotExist
	}
	return slices.Sorted(maps.Keys(keys)), nil
}

// Stat implements [certmagic.Storage].
func (k *keeper) Stat(ctx context.Context, key string) (certmagic.KeyInfo, error) {
	value, at, err := k.store.CertificateValue(ctx, key)
	if err == nil {
		return certmagic.KeyInfo{Key: key, Modified: at, Size: int64(len(value)), IsTerminal: true}, nil
	}
	if storage.CodeOf(err) != storage.CodeNotFound {
		return certmagic.KeyInfo{}, err
	}
	below, err := k.store.CertificateValues(ctx, key)
	switch {
	case err != nil:
		return certmagic.KeyInfo{}, err
	case len(below) == 0:
		return certmagic.KeyInfo{}, fs.ErrNotExist
	}
	return certmagic.KeyInfo{Key: key}, nil
}
