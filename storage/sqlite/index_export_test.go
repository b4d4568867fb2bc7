package sqlite

// IndexStatements are the statements that read the index, for a test of how
// SQLite plans them.
var IndexStatements = map[string]string{
	"one key":        entryDocs,
	"one key, back":  entryDocsBack,
	"gather":         entrySeqs,
	"in order":       entryWalk,
	"in order, back": entryWalkBack,
	"indexes":        selectIndexes,
	"delete":         entryDelete,
	"delete all":     entryClear,
}

// GatherMost is how many entries a find gathers at most, and BuildRows how many
// documents one step of a build indexes.
const (
	GatherMost = gatherMost
	BuildRows  = buildRows
)
