package postgres

// catalogueSchema is the history of the tables with everything but apps' data, one
// statement a step. A step that has been released is never changed.
var catalogueSchema = []string{}
