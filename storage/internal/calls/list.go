package calls

import (
	"fmt"

	"github.com/fazt-sh/fazt/storage"
)

// RowLimit returns how many rows to ask for: one more than can be returned if
// the caller wants them all, so that more of them are noticed.
func RowLimit(op string, limit int) (int, error) {
	switch {
	case limit < 0:
		return 0, &storage.Error{Code: storage.CodeInvalid, Op: op, Msg: "the limit is negative"}
	case limit > storage.MaxRows:
		return 0, &storage.Error{Code: storage.CodeInvalid, Op: op,
			Msg: fmt.Sprintf("the limit is %d, more than %d", limit, storage.MaxRows), Hint: "read page by page"}
	case limit == 0:
		return storage.MaxRows + 1, nil
	}
	return limit, nil
}

// CheckList checks the arguments of a list, and returns its [RowLimit].
func CheckList(op, prefix string, page storage.Page) (limit int, err error) {
	if err := storage.CheckPrefix(op, "prefix", prefix); err != nil {
		return 0, err
	}
	if err := storage.CheckPrefix(op, "after", page.After); err != nil {
		return 0, err
	}
	return RowLimit(op, page.Limit)
}

// CheckAudit checks the page of a query of the audit log.
func CheckAudit(op string, q storage.AuditQuery) error {
	if _, err := RowLimit(op, q.Limit); err != nil {
		return err
	}
	if q.Offset < 0 {
		return &storage.Error{Code: storage.CodeInvalid, Op: op, Path: "offset", Msg: "must be 0 or more"}
	}
	return nil
}

// CheckResult returns [storage.CodeResultTooLarge] if a list or a find gathers more rows
// or bytes than may be held. limit is the caller's.
func CheckResult(op string, limit, rows, bytes int) error {
	if limit == 0 && rows > storage.MaxRows {
		return &storage.Error{Code: storage.CodeResultTooLarge, Op: op,
			Msg: fmt.Sprintf("more than %d rows", storage.MaxRows), Hint: "set a limit and read page by page"}
	}
	if bytes > storage.MaxResult {
		return &storage.Error{Code: storage.CodeResultTooLarge, Op: op,
			Msg: fmt.Sprintf("more than %d MiB of data", storage.MaxResult>>20), Hint: "set a smaller limit"}
	}
	return nil
}
