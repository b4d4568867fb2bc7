package storagetest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage"
)

// suiteTest is one test of the suite.
type suiteTest struct {
	name   string
	test   func(*testing.T, storage.Store)
	with   func(*testing.T, Engine, storage.Store) // in place of test: needs more than a store
	quotas storage.Quotas
	bulk   bool // one caller with very much data: nothing that could race, and long
}

// Run runs the suite. Each test has data of its own, which open makes. With -short, as
// under the race detector, those are left out in which one caller moves very much data.
func Run(t *testing.T, open func(testing.TB) Engine) { run(t, open, nil) }

// RunSome runs the tests of these names.
func RunSome(t *testing.T, open func(testing.TB) Engine, names ...string) { run(t, open, names) }

func run(t *testing.T, open func(testing.TB) Engine, names []string) {
	tests := []suiteTest{
		{name: "KV", test: testKV},
		{name: "KVErrors", test: testKVErrors},
		{name: "KVExpiry", test: testKVExpiry},
		{name: "KVVersions", test: testKVVersions},
		{name: "KVIncr", test: testKVIncr},
		{name: "KVList", test: testKVList},
		{name: "KVListLimits", test: testKVListLimits},
		{name: "Docs", test: testDocs},
		{name: "DocsErrors", test: testDocsErrors},
		{name: "DocsOrder", test: testDocsOrder},
		{name: "DocsSort", test: testDocsSort},
		{name: "DocsUpdate", test: testDocsUpdate},
		{name: "DocsUpdateIsAtomic", test: testDocsUpdateIsAtomic},
		{name: "DocsUpsert", test: testDocsUpsert},
		{name: "DocsDelete", test: testDocsDelete},
		{name: "DocsClear", test: testDocsClear},
		{name: "DocsClearIsUndone", test: testDocsClearIsUndone},
		{name: "DocsClearQuota", test: testDocsClearQuota, quotas: storage.Quotas{Total: 1 << 20}},
		{name: "DocsTooManyMatches", test: testDocsTooManyMatches, bulk: true},
		{name: "DocsInChunks", test: testDocsInChunks, bulk: true},
		{name: "DocsInChunksErrors", test: testDocsInChunksErrors, bulk: true},
		{name: "DocsManyQueries", test: testDocsManyQueries, bulk: true},
		{name: "DocsNames", test: testDocsNames},
		{name: "DocsLimits", test: testDocsLimits},
		{name: "Scopes", test: testScopes},
		{name: "Tenancy", test: testTenancy},
		{name: "Model", test: testModel},
		{name: "OddInput", test: testOddInput},
		{name: "BadInput", test: testBadInput},
		{name: "TxRollback", test: testTxRollback},
		{name: "TxIsolatesNeighbours", test: testTxIsolatesNeighbours},
		{name: "TxPanic", test: testTxPanic},
		{name: "TxContext", test: testTxContext},
		{name: "TxReadsItsWrites", test: testTxReadsItsWrites},
		{name: "ViewIsASnapshot", test: testViewIsASnapshot},
		{name: "ViewReadOnly", test: testViewReadOnly},
		{name: "CountersAreLinear", test: testCountersAreLinear},
		{name: "Database", test: testDatabase},
		{name: "Migrate", test: testMigrate},
		{name: "Query", test: testQuery},
		{name: "QueryRefuses", test: testQueryRefuses},
		{name: "QueryHidesSecrets", test: testQueryHidesSecrets},
		{name: "QueryWrites", test: testQueryWrites},
		{name: "QuerySecrets", test: testQuerySecrets},
		{name: "QueryDisk", test: testQueryDisk},
		{name: "Exec", test: testExec},
		{name: "ExecRefuses", test: testExecRefuses},
		{name: "ExecDocs", test: testExecDocs},
		{name: "Publish", test: testPublish},
		{name: "PublishErrors", test: testPublishErrors},
		{name: "PublishIsAtomic", test: testPublishIsAtomic},
		{name: "Versions", test: testVersions},
		{name: "NamedVersions", test: testNamedVersions},
		{name: "FileInKept", test: testFileInKept},
		{name: "HashedNames", test: testHashedNames},
		{name: "ChangeApp", test: testChangeApp},
		{name: "RemoveApp", test: testRemoveApp},
		{name: "RemoveAppKeepData", test: testRemoveAppKeepData},
		{name: "Content", test: testContent},
		{name: "ContentErrors", test: testContentErrors},
		{name: "LargeContent", test: testLargeContent, bulk: true},
		{name: "Changed", test: testChanged},
		{name: "Close", test: testClose},
		{name: "Linearizable", test: testLinearizable},
		{name: "LinearizableQueries", test: testLinearizableQueries},
		{name: "Reopen", with: with(testReopen)},
		{name: "StoresAtOnce", with: with(testStoresAtOnce)},
		{name: "ChangedElsewhere", with: with(testChangedElsewhere)},
		{name: "Killed", with: with(testKilled)},
		{name: "Backup", with: with(testBackup)},
		{name: "BackupErrors", test: testBackupErrors},
		{name: "File", with: with(testFile)},
		{name: "Checked", with: with(testChecked)},
		{name: "Blobs", test: testBlobs},
		{name: "BlobErrors", test: testBlobErrors},
		{name: "BlobScopes", test: testBlobScopes},
		{name: "BlobList", test: testBlobList},
		{name: "BlobReplacedWhileRead", test: testBlobReplacedWhileRead},
		{name: "BlobsAtOnce", test: testBlobsAtOnce},
		{name: "LargeBlob", test: testLargeBlob, bulk: true},
		{name: "Quotas", test: testQuotas, quotas: smallQuotas},
		{name: "QuotaOfBlobs", test: testQuotaOfBlobs, quotas: smallQuotas},
		{name: "UsageIsExact", test: testUsageIsExact, quotas: storage.Quotas{Total: 40_000}},
		{name: "QuotaUnderLoad", test: testQuotaUnderLoad, quotas: storage.Quotas{Total: 20_000}},
		{name: "BatchesShareACommit", test: testBatchesShareACommit},
		{name: "Pipeline", test: testPipeline},
		{name: "PipelineErrors", test: testPipelineErrors},
		{name: "PipelineBounds", test: testPipelineBounds},
		{name: "PipelineQuota", test: testPipelineQuota, quotas: storage.Quotas{Total: 24<<20 + 100_000}},
		{name: "PipelinesAtOnce", test: testPipelinesAtOnce},
		{name: "Rollback", test: testRollback},
		{name: "Aliases", test: testAliases},
		{name: "AliasErrors", test: testAliasErrors},
		{name: "Peers", test: testPeers},
		{name: "PeerErrors", test: testPeerErrors},
		{name: "Env", test: testEnv},
		{name: "Logs", test: testLogs},
		{name: "LogSearch", test: testLogSearch},
		{name: "Secret", test: testSecret},
		{name: "Certificates", test: testCertificates},
		{name: "Leases", test: testLeases},
		{name: "Audit", test: testAudit},
		{name: "AuditOfFailures", test: testAuditOfFailures},
		{name: "RecordAudit", test: testRecordAudit},
		{name: "RemoveAppRemovesAll", test: testRemoveAppRemovesAll},
	}
	for _, name := range names {
		if !slices.ContainsFunc(tests, func(tt suiteTest) bool { return tt.name == name }) {
			t.Errorf("the suite has no test %s", name)
		}
	}
	for _, tt := range tests {
		if names != nil && !slices.Contains(names, tt.name) {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			if tt.bulk && testing.Short() {
				t.Skip("SKIPPED under -short: one caller with very much data, who meets no other")
			}
			e := open(t)
			s := e.Open(t, tt.quotas)
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
			if tt.with != nil {
				tt.with(t, e, s)
			} else {
				tt.test(t, s)
			}
			if c, ok := e.(Checker); ok && s.Close() == nil && !t.Failed() {
				c.Check(t)
			}
		})
	}
}

var scope = storage.Scope{App: "app"}

// tx runs fn in a transaction that must succeed.
func tx(t testing.TB, s storage.Store, fn func(storage.Tx) error) {
	t.Helper()
	if err := s.Tx(context.Background(), scope, fn); err != nil {
		t.Fatalf("Tx: %v", err)
	}
}

// view runs fn on a snapshot, which must succeed.
func view(t testing.TB, s storage.Store, fn func(storage.Tx) error) {
	t.Helper()
	if err := s.View(context.Background(), scope, fn); err != nil {
		t.Fatalf("View: %v", err)
	}
}

func set(t testing.TB, s storage.Store, key, value string) {
	t.Helper()
	tx(t, s, func(tx storage.Tx) error { return tx.KV().Set(key, json.RawMessage(value), 0) })
}

// get returns a key's value, or "" if it is not there.
func get(t testing.TB, s storage.Store, key string) string {
	t.Helper()
	var e storage.Entry
	err := s.View(context.Background(), scope, func(tx storage.Tx) (err error) {
		e, err = tx.KV().Get(key)
		return err
	})
	alone, aloneErr := s.Get(context.Background(), scope, key)
	if diff := cmp.Diff(e, alone); diff != "" || storage.CodeOf(err) != storage.CodeOf(aloneErr) {
		t.Errorf("get %q: errors %v and %v; -in a view +alone\n%s", key, err, aloneErr, diff)
	}
	if storage.CodeOf(err) == storage.CodeNotFound {
		return ""
	}
	if err != nil {
		t.Fatalf("get %q: %v", key, err)
	}
	return string(e.Value)
}

func insert(t testing.TB, s storage.Store, collection string, docs ...string) (ids []string) {
	t.Helper()
	tx(t, s, func(tx storage.Tx) error {
		for _, doc := range docs {
			id, err := tx.Docs().Insert(collection, json.RawMessage(doc))
			if err != nil {
				return err
			}
			ids = append(ids, id)
		}
		return nil
	})
	return ids
}

// find returns one field of each document found, as JSON. [storage.Data.Find] has to find
// the same.
func find(t testing.TB, s storage.Store, collection, query, field string, opt storage.FindOptions) []string {
	t.Helper()
	got := []string{}
	var inView []json.RawMessage
	view(t, s, func(tx storage.Tx) error {
		docs, err := tx.Docs().Find(collection, json.RawMessage(query), opt)
		inView = docs
		for _, doc := range docs {
			var fields map[string]json.RawMessage
			if err := json.Unmarshal(doc, &fields); err != nil {
				return err
			}
			got = append(got, string(fields[field]))
		}
		return err
	})
	alone, err := s.Find(t.Context(), scope, collection, json.RawMessage(query), opt)
	if err != nil {
		t.Errorf("find %s %+v: %v", query, opt, err)
	}
	diff(t, fmt.Sprintf("find %s %+v without a view", query, opt), inView, alone)
	return got
}

func diff(t testing.TB, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func wantCode(t testing.TB, what string, err error, code storage.Code) {
	t.Helper()
	if got := storage.CodeOf(err); got != code {
		t.Errorf("%s: got %v (code %q), want code %s", what, err, got, code)
	}
}
