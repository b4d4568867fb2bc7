package storage

// Scope says whose data a call touches: an app's own, or one user's inside
// that app. It is part of every key in the schema, so a call with one scope
// cannot see, count or change another's rows.
type Scope struct {
	// App is the app's random id, never its name: names can be reused.
	App string
	// User is the signed-in user's id; empty means the app's shared data.
	User string
}

// Store is one database: the sum of small interfaces, one for each concern, of
// which a package takes the ones that it uses. Every method is safe for
// concurrent use, by many goroutines and by several processes on the same data.
//
// Every method that takes a context returns within its deadline. A write
// whose deadline passes before it started is not made ([context.DeadlineExceeded]);
// one that may or may not have been made returns an [Error] with
// [CodeUncertain]; one that the writer cannot start in time is refused at once
// with [CodeOverloaded]. A disk that is full or failing is [CodeUnavailable].
// These any method may return; what else it returns, its comment says.
type Store interface {
	Data
	Blobs

	Apps
	Contents
	Aliases
	Environment
	Peers
	Revisions
	Audits

	Logs
	Secrets
	Certificates

	Database
	Queries
	Maintenance

	// Close waits for accepted writes to reach the disk and releases the data.
	// Calls made after it fail with [CodeClosed]; a second Close returns what the
	// first did.
	Close() error
}
