package sqlite

import "time"

// What the external tests need of the inside.

// Migrations and Schema make a data file as an older fazt has left it.
const Migrations, ApplicationID = migrations, applicationID

var Schema = schema

// StepsBeforeAudit is how many steps the schema had before the audit log.
const StepsBeforeAudit = 5

// IndexStatements are the statements that read the index, for a test of how
// SQLite plans them.
var IndexStatements = map[string]string{
	"one key":        entryDocs,
	"one key, back":  entryDocsBack,
	"count":          entrySeqs,
	"in order":       entryWalk,
	"in order, back": entryWalkBack,
	"indexes":        selectIndexes,
	"delete":         entryDelete,
}

// Statements are those that handlers wait for.
var Statements = []string{
	kvGet, kvSet, kvDelete, kvList,
	docsScan, docsBack, docsByID, docsBody, docsOldest, docsNewest, docsInsert, docsUpdate, docsDelete,
	collectionGet, collectionInsert, collectionDelete, clearedInsert,
	entryDocs, entryDocsBack, entrySeqs, entryWalk, entryWalkBack, entryInsert, entryDelete,
	selectIndexes, selectUsage, blobGet, blobPut, blobDelete, blobList,
	appByName, appByID, aliasByLabel, selectRevision,
}

// BuildRows is how many documents one step of a build indexes.
const BuildRows = buildRows

// AcknowledgeEarly makes a store answer its callers before the commit: the
// mistake that the crash test is there to find.
func AcknowledgeEarly(s *Store) {
	s.writer.beforeCommit = func(batch []*request) []*request {
		answer(batch, func(r *request) error { return r.err })
		return nil
	}
}

// SetReady has the writer believe that so many goroutines wait for a processor.
func SetReady(s *Store, n uint64) {
	s.writer.mu.Lock()
	defer s.writer.mu.Unlock()
	s.writer.ready = func() uint64 { return n }
}

// NewRecord returns what the writer calls for each batch.
func NewRecord() func(size int, took time.Duration) {
	r := newRecent()
	return r.record
}
