package postgres

import (
	"context"

	"github.com/fazt-sh/fazt/storage"
)

func (s *Store) declareIndexes(tx *writeTx, app string, indexes map[string][]string) error {
	return nil
}

func rowLimit(op string, limit int) (int, error) {
	switch {
	case limit < 0:
		return 0, &storage.Error{Code: storage.CodeInvalid, Op: op, Msg: "the limit is negative"}
	case limit > storage.MaxRows:
		return 0, &storage.Error{Code: storage.CodeInvalid, Op: op}
	case limit == 0:
		return storage.MaxRows + 1, nil
	}
	return limit, nil
}

type span struct {
	from, to string
	limit    int
}

func listSpan(op, prefix string, page storage.Page) (span, error) {
	limit, err := rowLimit(op, page.Limit)
	to := "\U0010ffff"
	if prefix != "" {
		to = prefix[:len(prefix)-1] + string(prefix[len(prefix)-1]+1)
	}
	return span{max(prefix, page.After+"\x01"), to, limit}, err
}

type resultSize struct{ rows int }

func newResultSize(ctx context.Context, op string, limit int) *resultSize { return &resultSize{} }
func (r *resultSize) add(n int) error                                     { return nil }

func (tx *writeTx) nextSeq(app string) (int64, error) {
	st := tx.state(app)
	if !st.known {
		if err := tx.flush(); err != nil {
			return 0, err
		}
	}
	st.seq++
	return st.seq, nil
}
