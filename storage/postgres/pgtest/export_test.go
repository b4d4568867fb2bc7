package pgtest

// SkipOrFail is what a test does without PostgreSQL.
var SkipOrFail = skipOrFail

// Folder is where a cluster is.
func (c *Cluster) Folder() string { return c.folder }
