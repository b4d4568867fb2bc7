package postgres

// state returns what the transaction knows of an app.
func (b *batchTx) state(app string) *appState {
	st := b.apps[app]
	if st == nil {
		st = &appState{app: app}
		if b.apps == nil {
			b.apps = make(map[string]*appState)
		}
		b.apps[app] = st
	}
	return st
}

// collectionName names a collection of all users of an app.
type collectionName struct{ app, name string }

// collectionKey names a collection.
type collectionKey struct{ app, user, name string }

// collection is what a transaction knows of one.
type collection struct{}

// index is an indexed field of a collection.
type index struct{}

const firstUnit = 0
