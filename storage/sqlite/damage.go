package sqlite

import (
	"fmt"
	"runtime"

	"github.com/fazt-sh/fazt/storage"
)

// foreignTypes turns the panic of a read that met a value of another type than fazt
// writes, in a data file that somebody has changed, into an error.
func foreignTypes(op string, err *error) {
	switch p := recover().(type) {
	case nil:
	case *runtime.TypeAssertionError:
		*err = &storage.Error{Code: storage.CodeFormat, Op: op, Msg: "the data file has a value of another type than fazt writes: " + p.Error(),
			Hint: "restore a backup"}
	default:
		panic(p)
	}
}

// blame turns the panic of an operation that met a document that is none, in a data
// file that somebody has changed, into an error that names it. That documents are JSON
// is not looked at when they are read, which would cost as much as reading them; it is
// when something went wrong with one. It is to be deferred.
func (d *docs) blame(op string, err *error) {
	p := recover()
	if p == nil {
		return
	}
	if _, ok := p.(runtime.Error); !ok || d.collection == "" || d.conn == nil {
		panic(p)
	}
	if *err = d.broken(op); *err == nil {
		panic(p) // it is a fault of ours
	}
	if d.tx != nil {
		d.tx.fail(*err)
	}
}

// broken names a document of the open collection that is no JSON object, if there is
// one.
func (d *docs) broken(op string) error {
	row, err := d.conn.queryRow(`SELECT CAST(id AS TEXT) FROM documents WHERE app = ? AND user = ? AND collection = ?
		AND (typeof(body) <> 'text' OR NOT json_valid(body) OR json_type(body) <> 'object') LIMIT 1`, d.key(d.collection)...)
	if err != nil || row == nil {
		return nil
	}
	return &storage.Error{Code: storage.CodeFormat, Op: op,
		Msg:  fmt.Sprintf("the document %q of the collection %q of the app %s is no JSON object: something else than fazt has written it", row[0], d.collection, d.scope.App),
		Hint: "mend it with the program that wrote it, or restore a backup"}
}
