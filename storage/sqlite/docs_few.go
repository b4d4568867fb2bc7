package sqlite

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/calls"
	"github.com/fazt-sh/fazt/storage/internal/demand"
)

// fewRows is how many documents a find reads at most in one statement.
const fewRows = 64

// A find of few documents is one statement, which needs no transaction around it, and
// returns their bodies as one text: to fetch a row costs more than to find it. The order is that
// of the inner select, which SQLite has no reason to change and [TestFewDocuments] looks at.
var (
	fewByID   = steady(`SELECT 1, d.body FROM ` + fewDocs + ` WHERE c.app = ? AND c.user = ? AND c.name = ? AND d.id = ?`)
	fewOldest = steady(`SELECT count(*), group_concat(body, char(30)) FROM (SELECT d.body FROM ` + fewDocs + `
		WHERE c.app = ? AND c.user = ? AND c.name = ? ORDER BY d.seq LIMIT ?)`)
	fewNewest = strings.Replace(fewOldest, "ORDER BY d.seq", "ORDER BY d.seq DESC", 1)
	fewByKey  = steady(`SELECT count(*), group_concat(body, char(30)) FROM (SELECT d.body
		FROM indexes x CROSS JOIN collections c CROSS JOIN index_entries e CROSS JOIN documents d
		ON d.app = e.app AND d.user = e.user AND d.collection = c.generation AND d.seq = e.seq
		WHERE c.app = ? AND c.user = ? AND c.name = ? AND x.id = ? AND x.state = 'ready'
		AND e.app = c.app AND e.index_id = x.id AND e.user = c.user AND e.value = ? AND e.seq > ? ORDER BY e.seq LIMIT ?)`)
	fewByKeyBack = strings.Replace(fewByKey, "ORDER BY e.seq", "ORDER BY e.seq DESC", 1)
	// fewInOrder also tells the greatest key and the length of the longest, since not all keys are
	// in the order of a sort ([storage.IndexTie]).
	fewInOrder = steady(`SELECT count(*), group_concat(body, char(30)), max(value), max(length(value)) FROM (SELECT e.value, d.body
		FROM indexes x CROSS JOIN collections c CROSS JOIN index_entries e CROSS JOIN documents d
		ON d.app = e.app AND d.user = e.user AND d.collection = c.generation AND d.seq = e.seq
		WHERE c.app = ? AND c.user = ? AND c.name = ? AND x.id = ? AND x.state = 'ready'
		AND e.app = c.app AND e.index_id = x.id AND e.user = c.user AND e.seq > ? ORDER BY e.value, e.seq LIMIT ?)`)
	fewInOrderBack = strings.Replace(fewInOrder, "ORDER BY e.value, e.seq", "ORDER BY e.value DESC, e.seq DESC", 1)
)

const (
	fewDocs    = `collections c CROSS JOIN documents d ON d.app = c.app AND d.user = c.user AND d.collection = c.generation`
	indexReady = `SELECT 1 FROM indexes WHERE id = ? AND state = 'ready'`
)

// Find implements [storage.Data].
func (s *Store) Find(ctx context.Context, scope storage.Scope, collection string, query json.RawMessage, opt storage.FindOptions) ([]json.RawMessage, error) {
	const op = "ds.find"
	if err := storage.CheckScope(op, scope); err != nil {
		return nil, err
	}
	q, err := calls.ParseFind(op, collection, query, opt)
	if err != nil {
		return nil, err
	}
	d := &docs{session: session{ctx: ctx}, scope: scope}
	if few := d.few(s.writer.demand, collection, q, opt); few != nil {
		found, ok, err := d.findFew(s.readers, op, few)
		if ok || err != nil {
			return found, wrap(op, err)
		}
	}
	var found []json.RawMessage
	err = d.snapshot(s.readers, op, scope.App, func() error {
		return d.operation(op, func() (err error) {
			defer d.blame(op, &err)
			if err = d.open(op, collection); err == nil {
				found, err = d.find(op, collection, q, opt)
			}
			return err
		})
	})
	return found, err
}

// fewFunc finds few documents, or reports that it takes a find like any other.
type fewFunc func() (found []json.RawMessage, ok bool, err error)

func (d *docs) findFew(r *readers, op string, few fewFunc) (found []json.RawMessage, ok bool, err error) {
	c, err := r.get(d.ctx, op, d.scope.App, false)
	if err != nil {
		return nil, false, err
	}
	d.conn = c.conn
	defer func() {
		d.conn = nil
		r.put(c)
		if p := recover(); p != nil { // over a text that is no JSON, which the other way finds
			found, ok, err = nil, false, nil
		}
	}()
	return few()
}

// few returns how to find what is certain, or likely, to be few documents, or nil.
func (d *docs) few(known *demand.Demand, collection string, q *storage.Expr, opt storage.FindOptions) fewFunc {
	args := []any{d.scope.App, d.scope.User, collection}
	id, byID := q.ID()
	switch limited := opt.Limit > 0 && opt.Limit <= fewRows; {
	case opt.Offset > 0:
	case byID:
		return func() ([]json.RawMessage, bool, error) {
			return d.readFew(collection, q, opt, fewByID, append(args, id), 2)
		}
	case opt.Sort == "" && q.MatchesAll() && limited:
		return func() ([]json.RawMessage, bool, error) {
			return d.readFew(collection, q, opt, inDirection(opt, fewOldest, fewNewest), append(args, opt.Limit), opt.Limit+1)
		}
	case q.MatchesAll() && limited:
		return d.fewByIndex(known, collection, q, opt, opt.Sort, func(x demand.Index) ([]json.RawMessage, bool, error) {
			return d.readFew(collection, q, opt, inDirection(opt, fewInOrder, fewInOrderBack), append(args, x.ID, x.After, opt.Limit), opt.Limit+1)
		})
	case opt.Sort == "":
		fields := q.IndexFields()
		if len(fields) != 1 {
			break
		}
		ranges, _ := q.IndexRanges(fields[0])
		if len(ranges) != 1 || !ranges[0].Point() {
			break
		}
		return d.fewByIndex(known, collection, q, opt, fields[0], func(x demand.Index) ([]json.RawMessage, bool, error) {
			return d.readFew(collection, q, opt, inDirection(opt, fewByKey, fewByKeyBack), append(args, x.ID, ranges[0].From, x.After, fewRows), fewRows)
		})
	}
	return nil
}

func inDirection(opt storage.FindOptions, there, back string) string {
	if opt.Desc {
		return back
	}
	return there
}

// fewByIndex reads by the index of a field, if it is known to have had one lately.
func (d *docs) fewByIndex(known *demand.Demand, collection string, q *storage.Expr, opt storage.FindOptions, field string,
	read func(demand.Index) ([]json.RawMessage, bool, error),
) fewFunc {
	index, ok := known.Key(d.fewKey(collection, field, opt))
	if !ok {
		return nil
	}
	return func() (found []json.RawMessage, ok bool, err error) {
		found, ok, err = read(index)
		if err != nil || !ok {
			return nil, false, err
		}
		if len(found) == 0 {
			// Numbers are not given out again: an index that is ready now was ready then.
			row, err := d.row("ds.find", indexReady, index.ID)
			if err != nil || row == nil {
				return nil, false, err
			}
		}
		known.Use(index.ID)
		return found, true, nil
	}
}

// fewKey names a field that a find might read few documents by.
func (d *docs) fewKey(collection, field string, opt storage.FindOptions) demand.Key {
	return demand.Key{Collection: d.asked(collection), User: d.scope.User, Field: field, InOrder: opt.Sort != ""}
}

// noteKey notes which index a find has read by, for others like it.
func (d *docs) noteKey(op, collection string, q *storage.Expr, opt storage.FindOptions, from source) error {
	field := ""
	switch fields := q.IndexFields(); {
	case d.tx != nil || d.generation == nil:
	case from.Access == storage.ReadKey && len(fields) == 1 && opt.Sort == "":
		field = fields[0]
	case from.Access == storage.ReadOrder && q.MatchesAll():
		// What is to be swept yet would have to be stepped over.
		row, err := d.row(op, "SELECT 1 FROM cleared WHERE app = ? AND user = ? AND name = ?", d.scope.App, d.scope.User, collection)
		if err != nil {
			return err
		}
		if row == nil {
			field = opt.Sort
		}
	}
	if field != "" {
		d.demand().NoteKey(d.fewKey(collection, field, opt), demand.Index{ID: from.Index, After: firstSeq(d.generation)})
	}
	return nil
}

// readFew runs a statement. If it finds so many as enough, there may be more: then what
// it found is all only if it is as much as the find asks for.
func (d *docs) readFew(collection string, q *storage.Expr, opt storage.FindOptions, query string, args []any, enough int) (found []json.RawMessage, ok bool, err error) {
	row, err := d.row("ds.find", query, args...)
	if tooBig(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	count := int64(0)
	if row != nil {
		count = row[0].(int64)
	}
	if len(row) == 4 && count > 0 && !inSortOrder(row[2], row[3]) {
		return nil, false, nil
	}
	found = make([]json.RawMessage, 0, count)
	if count > 0 {
		text, _ := row[1].(string)
		bodies := []byte(text)
		if count > 1 && int64(strings.Count(text, separator)) != count-1 {
			return nil, false, nil // an operator has written one in a form of its own
		}
		for start, n := 0, int64(0); n < count; n++ {
			end := len(text)
			if n < count-1 {
				end = start + strings.IndexByte(text[start:], separator[0])
			}
			if q.Match(text[start:end]) && (opt.Limit == 0 || len(found) < opt.Limit) {
				found = append(found, json.RawMessage(bodies[start:end:end]))
			}
			start = end + 1
		}
	}
	if count >= int64(enough) && (opt.Limit == 0 || len(found) < opt.Limit) {
		return nil, false, nil
	}
	size := resultSize{session: &d.session, op: "ds.find", limit: opt.Limit}
	for _, doc := range found {
		if err := size.add(len(doc)); err != nil {
			return nil, false, err
		}
	}
	d.cost = demand.Cost{Read: count, Matched: int64(len(found))}
	d.finish(collection, q, opt, &err)
	return found, true, nil
}

// inSortOrder reports whether all keys, of which greatest and longest are known, are in the
// order of a sort.
func inSortOrder(greatest, longest any) bool {
	key, _ := greatest.([]byte)
	n, _ := longest.(int64)
	_, exact := storage.IndexTie(key)
	return exact && n < storage.MaxIndexKey
}
