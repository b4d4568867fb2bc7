package postgres

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

// A find of few documents is one statement, which needs no transaction around it.
const (
	generation   = `(SELECT generation FROM collections WHERE app = $1 AND "user" = $2 AND name = $3)`
	ofCollection = `SELECT seq, body FROM documents WHERE app = $1 AND "user" = $2 AND collection = ` + generation
	fewByID      = `SELECT seq, body FROM documents WHERE id = $4 AND collection = ` + generation + ` AND app || '' = $1 AND "user" || '' = $2`
	fewOldest    = ofCollection + ` ORDER BY seq LIMIT $4`
	fewNewest    = ofCollection + ` ORDER BY seq DESC LIMIT $4`

	// Those by an index have a first row, without a document, that tells that the index is
	// there.
	ofIndex = `SELECT 0::BIGINT, ''::TEXT, ''::BYTEA FROM indexes WHERE id = $4 AND state = 'ready' UNION ALL SELECT * FROM (
		SELECT e.seq, ` + entryBody + ` AS body, e.value FROM index_entries e
		WHERE e.app = $1 AND e.index_id = $4 AND e."user" = $2 AND e.generation = ` + generation + ` `
	fewByKey       = ofIndex + `AND e.value = $5 ORDER BY e.seq LIMIT $6) AS found`
	fewByKeyBack   = ofIndex + `AND e.value = $5 ORDER BY e.seq DESC LIMIT $6) AS found`
	fewInOrder     = ofIndex + `ORDER BY e.value, e.seq LIMIT $5) AS found`
	fewInOrderBack = ofIndex + `ORDER BY e.value DESC, e.seq DESC LIMIT $5) AS found`
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
	if err := s.usable(ctx, op); err != nil {
		return nil, err
	}
	d := &docs{scopeTx: &scopeTx{ctx: ctx, store: s, q: pooled{s}, scope: scope}}
	if few := d.few(collection, q, opt); few != nil {
		found, ok, err := few()
		if ok || err != nil {
			return found, s.failed(op, err)
		}
	}
	var found []json.RawMessage
	err = s.snapshot(ctx, op, func(q2 querier) (err error) {
		d.q = q2
		found, err = d.find(op, collection, q, opt)
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// fewFunc finds few documents, or reports that it takes a find like any other.
type fewFunc func() (found []json.RawMessage, ok bool, err error)

// few returns how to find what is certain, or likely, to be few documents, or nil.
func (d *docs) few(collection string, q *storage.Expr, opt storage.FindOptions) fewFunc {
	d.collection = &collectionState{collectionKey: collectionKey{d.scope.App, d.scope.User, collection}}
	args := []any{d.scope.App, d.scope.User, collection}
	id, byID := q.ID()
	switch limited := opt.Limit > 0 && opt.Limit <= fewRows; {
	case opt.Offset > 0:
	case byID:
		return func() ([]json.RawMessage, bool, error) {
			return d.readFew(q, opt, fewByID, append(args, id), 2, 0)
		}
	case opt.Sort == "" && q.MatchesAll() && limited:
		query := fewOldest
		if opt.Desc {
			query = fewNewest
		}
		return func() ([]json.RawMessage, bool, error) {
			return d.readFew(q, opt, query, append(args, opt.Limit), opt.Limit+1, 0)
		}
	case q.MatchesAll() && limited:
		query := fewInOrder
		if opt.Desc {
			query = fewInOrderBack
		}
		return d.fewByIndex(opt.Sort, true, func(index int64) ([]json.RawMessage, bool, error) {
			return d.readFew(q, opt, query, append(args, index, opt.Limit), opt.Limit+1, index)
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
		query := fewByKey
		if opt.Desc {
			query = fewByKeyBack
		}
		return d.fewByIndex(fields[0], false, func(index int64) ([]json.RawMessage, bool, error) {
			return d.readFew(q, opt, query, append(args, index, ranges[0].From, fewRows), fewRows, index)
		})
	}
	return nil
}

// fewByIndex reads by the index of a field, if it is known to have had one lately.
func (d *docs) fewByIndex(field string, inOrder bool, read func(index int64) ([]json.RawMessage, bool, error)) fewFunc {
	index, ok := d.store.writer.demand.Key(demand.Key{Collection: d.collection.ofAll(), User: d.scope.User, Field: field, InOrder: inOrder})
	if !ok {
		return nil
	}
	return func() ([]json.RawMessage, bool, error) { return read(index.ID) }
}

// noteKey notes which index a find has read by, for others like it.
func (d *docs) noteKey(q *storage.Expr, opt storage.FindOptions, from source) {
	field := ""
	switch fields := q.IndexFields(); {
	case d.tx != nil || d.collection.generation == 0:
	case from.Access == storage.ReadKey && len(fields) == 1 && opt.Sort == "":
		field = fields[0]
	case from.Access == storage.ReadOrder && q.MatchesAll():
		field = opt.Sort
	}
	if field != "" {
		key := demand.Key{Collection: d.collection.ofAll(), User: strings.Clone(d.scope.User), Field: field, InOrder: opt.Sort != ""}
		d.store.writer.demand.NoteKey(key, demand.Index{ID: from.Index})
	}
}

// readFew runs a statement. If it finds so many as enough, there may be more: then what
// it found is all only if it is as much as the find asks for.
func (d *docs) readFew(q *storage.Expr, opt storage.FindOptions, query string, args []any, enough int, index int64) ([]json.RawMessage, bool, error) {
	rows, err := d.q.rows(d.ctx, query, args)
	if err != nil {
		return nil, false, err
	}
	first := 0
	if index != 0 {
		if len(rows.rows) == 0 || rows.text(0, 1) != "" {
			return nil, false, nil // the index is gone
		}
		first = 1
	}
	count := len(rows.rows) - first
	found := make([]json.RawMessage, 0, count)
	size := d.size("ds.find", opt.Limit)
	for i := first; i < len(rows.rows) && (opt.Limit == 0 || len(found) < opt.Limit); i++ {
		if opt.Sort != "" {
			if _, exact := storage.IndexTie(rows.rows[i][2]); !exact {
				return nil, false, nil // not all keys are in the order of a sort
			}
		}
		body := rows.text(i, 1)
		if !q.Match(body) {
			continue
		}
		if err := size.add(len(body)); err != nil {
			return nil, false, err
		}
		found = append(found, json.RawMessage(body))
	}
	if count >= enough && (opt.Limit == 0 || len(found) < opt.Limit) {
		return nil, false, nil
	}
	if index != 0 {
		d.store.writer.demand.Use(index)
	}
	d.cost.Read, d.cost.Matched = int64(count), int64(len(found))
	d.finish(q, opt)
	return found, true, nil
}
