package postgres_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/storagetest"
)

// TestConformanceOfTwoServers runs the suite with one server that writes and another that
// reads: what is acknowledged on the one is what the other sees.
func TestConformanceOfTwoServers(t *testing.T) {
	if os.Getenv("FAZT_LONG") == "" {
		t.Skip("SKIPPED: the suite a second time, which takes minutes; run it with FAZT_LONG=1. TestTwoStores has a part of it")
	}
	storagetest.Run(t, func(tb testing.TB) storagetest.Engine { return twoServers{engine{database(tb)}} })
}

type twoServers struct{ engine }

func (e twoServers) Open(tb testing.TB, quotas storage.Quotas) storage.Store {
	tb.Helper()
	return two{e.engine.Open(tb, quotas), e.engine.Open(tb, quotas)}
}

// two writes to the first store and reads from the second.
type two struct {
	storage.Store
	there storage.Store
}

func (s two) Close() error { return errors.Join(s.there.Close(), s.Store.Close()) }

func (s two) View(ctx context.Context, scope storage.Scope, fn func(storage.Tx) error) error {
	return s.there.View(ctx, scope, fn)
}

func (s two) Get(ctx context.Context, scope storage.Scope, key string) (storage.Entry, error) {
	return s.there.Get(ctx, scope, key)
}

func (s two) Find(ctx context.Context, scope storage.Scope, collection string, query json.RawMessage, opt storage.FindOptions) ([]json.RawMessage, error) {
	return s.there.Find(ctx, scope, collection, query, opt)
}

func (s two) Usage(ctx context.Context, app string) (storage.Usage, error) {
	return s.there.Usage(ctx, app)
}

func (s two) StatBlob(ctx context.Context, scope storage.Scope, path string) (storage.Blob, error) {
	return s.there.StatBlob(ctx, scope, path)
}

func (s two) OpenBlob(ctx context.Context, scope storage.Scope, path string) (storage.Blob, io.ReadSeekCloser, error) {
	return s.there.OpenBlob(ctx, scope, path)
}

func (s two) ListBlobs(ctx context.Context, scope storage.Scope, prefix string, page storage.Page) ([]storage.Blob, error) {
	return s.there.ListBlobs(ctx, scope, prefix, page)
}

func (s two) App(ctx context.Context, name string) (storage.App, error) {
	return s.there.App(ctx, name)
}

func (s two) AppByID(ctx context.Context, id string) (storage.App, error) {
	return s.there.AppByID(ctx, id)
}

func (s two) Apps(ctx context.Context) ([]storage.App, error) { return s.there.Apps(ctx) }

func (s two) Files(ctx context.Context, app string, version int) ([]storage.File, error) {
	return s.there.Files(ctx, app, version)
}

func (s two) FileInKept(ctx context.Context, app, path string) (storage.File, error) {
	return s.there.FileInKept(ctx, app, path)
}

func (s two) Deployments(ctx context.Context, app string) ([]storage.Deployment, error) {
	return s.there.Deployments(ctx, app)
}

func (s two) HasContent(ctx context.Context, hashes []string) (map[string][]string, error) {
	return s.there.HasContent(ctx, hashes)
}

func (s two) OpenContent(ctx context.Context, hash, encoding string) (io.ReadSeekCloser, error) {
	return s.there.OpenContent(ctx, hash, encoding)
}

func (s two) Aliases(ctx context.Context) ([]storage.Alias, error) { return s.there.Aliases(ctx) }

func (s two) Alias(ctx context.Context, label string) (storage.Alias, error) {
	return s.there.Alias(ctx, label)
}

func (s two) Env(ctx context.Context, app string) (map[string]storage.Variable, error) {
	return s.there.Env(ctx, app)
}

func (s two) SealKey(ctx context.Context) (string, error) { return s.there.SealKey(ctx) }

func (s two) Peers(ctx context.Context) ([]storage.Peer, error) { return s.there.Peers(ctx) }

func (s two) Peer(ctx context.Context, name string) (storage.Peer, error) {
	return s.there.Peer(ctx, name)
}

func (s two) Revision(ctx context.Context) (int64, error) { return s.there.Revision(ctx) }

func (s two) Changed(since int64) <-chan struct{} { return s.there.Changed(since) }

func (s two) Audit(ctx context.Context, q storage.AuditQuery) ([]storage.AuditEntry, error) {
	return s.there.Audit(ctx, q)
}

func (s two) CountAudit(ctx context.Context, q storage.AuditQuery) (int, error) {
	return s.there.CountAudit(ctx, q)
}

func (s two) Logs(ctx context.Context, q storage.LogQuery) (*storage.LogPage, error) {
	return s.there.Logs(ctx, q)
}

func (s two) CertificateValue(ctx context.Context, name string) ([]byte, time.Time, error) {
	return s.there.CertificateValue(ctx, name)
}

func (s two) CertificateValues(ctx context.Context, below string) ([]storage.CertificateInfo, error) {
	return s.there.CertificateValues(ctx, below)
}

func (s two) ReleaseLease(ctx context.Context, name, holder string) error {
	return s.there.ReleaseLease(ctx, name, holder)
}

func (s two) Read(ctx context.Context, fn func(storage.SQL) error) error {
	return s.there.Read(ctx, fn)
}

func (s two) Query(ctx context.Context, query string, limit int) (*storage.Table, error) {
	return s.there.Query(ctx, query, limit)
}
