package postgres

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/fazt-sh/fazt/storage"
)

const (
	// queryTimeout bounds an operator's query: a longer one keeps the database from
	// clearing away what was replaced meanwhile.
	queryTimeout = 30 * time.Second
	// maxQueryText is the longest statement, in bytes.
	maxQueryText = 1 << 20
	// maxTable is how many bytes of cells a query returns at most; beyond that the table
	// is marked as truncated.
	maxTable = 32 << 20
	// maxQueries is how many statements of operators a server runs at the same time.
	maxQueries = 2
	// fetchRows is how many rows are asked for at a time.
	fetchRows = 200
)

// operators is what a store knows of the roles that operators' statements run as.
type operators struct {
	places chan struct{} // an element for each statement under way
	mu     sync.Mutex
	made   map[string]string // by kind of role, what was made
}

func newOperators() *operators {
	return &operators{places: make(chan struct{}, maxQueries), made: make(map[string]string)}
}

// beginStatement waits for a place among the operators' statements.
func (s *Store) beginStatement(ctx context.Context, op string) (end func(), err error) {
	if err := s.usable(ctx, op); err != nil {
		return nil, err
	}
	err = storage.Wait(ctx, func() error {
		select {
		case s.operators.places <- struct{}{}:
			return nil
		case <-s.closed:
			return errClosed(op)
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	return func() { <-s.operators.places }, err
}

// Query implements [storage.Queries]. The database takes the text as that of a cursor,
// which only a query can be, in a transaction that only reads, as a role that may read
// the views and nothing else.
func (s *Store) Query(ctx context.Context, query string, limit int) (*storage.Table, error) {
	const op = "query"
	query, err := oneStatement(op, query, "give one SELECT")
	if err != nil {
		return nil, err
	}
	if err := refuseReaching(op, query); err != nil {
		return nil, err
	}
	if limit < 0 {
		return nil, &storage.Error{Code: storage.CodeInvalid, Op: op, Msg: "the limit is negative"}
	}
	if limit == 0 || limit > storage.MaxRows {
		limit = storage.MaxRows
	}
	end, err := s.beginStatement(ctx, op)
	if err != nil {
		return nil, err
	}
	defer end()
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	conn, err := s.connectAs(ctx, readerRole)
	if err != nil {
		return nil, s.failed(op, err)
	}
	defer closeConn(conn)
	table, err := readTable(ctx, conn.PgConn(), query, limit)
	if err != nil {
		return nil, s.explain(ctx, op, err)
	}
	return table, nil
}

// closeConn ends a connection, and with it what is under way on it.
func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), cancelLimit)
	defer cancel()
	conn.Close(ctx)
}

// readTable runs the query. It takes one row more than the limit to know whether there
// are any.
func readTable(ctx context.Context, conn *pgconn.PgConn, query string, limit int) (*storage.Table, error) {
	for _, text := range []string{
		"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
		fmt.Sprintf("SET LOCAL statement_timeout = %d", queryTimeout.Milliseconds()),
		"DECLARE fazt_rows NO SCROLL CURSOR FOR " + query,
	} {
		if err := runOne(ctx, conn, text); err != nil {
			return nil, err
		}
	}
	conn.Frontend().SetMaxBodyLen(maxTable)
	table, size := &storage.Table{Rows: [][]any{}}, 0
	for {
		rows := conn.ExecParams(ctx, fmt.Sprintf("FETCH FORWARD %d FROM fazt_rows", min(fetchRows, limit+1-len(table.Rows))), nil, nil, nil, nil)
		fields := rows.FieldDescriptions()
		if table.Columns == nil {
			table.Columns = []string{}
			for _, f := range fields {
				table.Columns = append(table.Columns, f.Name)
			}
			if len(fields) == 0 {
				rows.Close()
				return nil, &storage.Error{Code: storage.CodeInvalid, Op: "query", Msg: "the query has no columns", Hint: "say what to select"}
			}
		}
		n := 0
		for rows.NextRow() {
			n++
			cells := rows.Values()
			for _, c := range cells {
				size += 16 + len(c)
			}
			if len(table.Rows) == limit || size > maxTable {
				table.Truncated = true
				break
			}
			row := make([]any, len(cells))
			for i, c := range cells {
				row[i] = cell(fields[i].DataTypeOID, c)
			}
			table.Rows = append(table.Rows, row)
		}
		if _, err := rows.Close(); err != nil {
			return nil, err
		}
		if table.Truncated || n == 0 {
			return table, nil
		}
	}
}

// runOne runs one statement, by the protocol that takes no more than one.
func runOne(ctx context.Context, conn *pgconn.PgConn, text string) error {
	_, err := conn.ExecParams(ctx, text, nil, nil, nil, nil).Close()
	return err
}

// cell is a value in the database's text form, as [storage.Table] has it.
func cell(oid uint32, text []byte) any {
	if text == nil {
		return nil
	}
	s := string(text)
	switch oid {
	case pgtype.BoolOID:
		if s == "t" {
			return int64(1)
		}
		return int64(0)
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.NumericOID, pgtype.OIDOID:
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n
		}
		if f, err := strconv.ParseFloat(s, 64); err == nil && oid == pgtype.NumericOID {
			return f
		}
	case pgtype.Float4OID, pgtype.Float8OID:
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return f
		}
	case pgtype.ByteaOID:
		if b, err := hex.DecodeString(strings.TrimPrefix(s, `\x`)); err == nil {
			return b
		}
	}
	if !utf8.ValidString(s) {
		return text
	}
	return s
}

// oneStatement returns the text of the only statement in a text.
func oneStatement(op, text, hint string) (string, error) {
	invalid := func(code storage.Code, msg, hint string) error {
		return &storage.Error{Code: code, Op: op, Msg: msg, Hint: hint}
	}
	if len(text) > maxQueryText {
		return "", invalid(storage.CodeQuotaExceeded, "the statement is longer than 1 MiB", "")
	}
	if strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text) {
		return "", invalid(storage.CodeInvalid, "the statement is no text: it has a NUL byte or is not UTF-8", "")
	}
	statement, rest := cutStatement(text)
	if statement == "" {
		return "", invalid(storage.CodeInvalid, "there is no statement", hint)
	}
	if more, _ := cutStatement(rest); more != "" {
		return "", invalid(storage.CodeInvalid, "there is more than one statement", "run them one by one")
	}
	return statement, nil
}

// reaching are the beginnings of the names of functions that everybody may call and that
// do more than a query says: large objects are written to the disk by a read, too, and
// stay there when it is undone; the last ones run a text as a query, in which these names
// would not be seen.
var reaching = []string{"lo_", "lowrite", "loread", "pg_logical_emit_message", "query_to_xml", "cursor_to_xml", "table_to_xml", "schema_to_xml", "database_to_xml"}

// refuseReaching returns an error for a statement that names one of these functions. The
// database itself can't keep them from a role: they are granted to all, and only a
// superuser can take that back.
func refuseReaching(op, statement string) error {
	for i := 0; i < len(statement); {
		size := tokenSize(statement[i:])
		token := strings.ToLower(statement[i : i+size])
		name := strings.Trim(token, `"`)
		for _, beginning := range reaching {
			if strings.HasPrefix(name, beginning) && token[0] != '\'' {
				return &storage.Error{Code: storage.CodeReadOnly, Op: op, Path: name, Msg: "is a function that no statement here may call"}
			}
		}
		if i += size; token == "u" && strings.HasPrefix(statement[i:], `&"`) {
			return &storage.Error{Code: storage.CodeInvalid, Op: op, Msg: `a name is written as U&"..."`, Hint: "write it as it is"}
		}
	}
	return nil
}
