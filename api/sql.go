package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// SQL is an operator's look into the data, and an owner's hand in it.
type SQL interface {
	// Query runs one statement that reads. The database itself refuses one that
	// writes, which is READ_ONLY, and hides secrets: they are nil.
	Query(ctx context.Context, q Query) (*Table, error)
	// Exec runs one INSERT, UPDATE or DELETE, whole or not at all. Only an owner may:
	// anybody else is FORBIDDEN. READ_ONLY is what not even an owner changes.
	Exec(ctx context.Context, statement string) (*Affected, error)
}

// Query is a question to the data.
type Query struct {
	SQL string
	// Limit is how many rows are wanted at most. Default, and most: 10,000.
	Limit int
}

// Table is the answer to a [Query].
type Table struct {
	Columns []string
	// Rows have a cell for each column: nil, int64, float64, string or []byte. In
	// JSON, bytes are {"base64": "..."} and what is no number there is
	// {"number": "+Inf"}.
	Rows      [][]any
	Truncated bool // there is more than the limit, or than 32 MiB
	Time      time.Duration
}

// Affected is what an [SQL.Exec] came to.
type Affected struct {
	Rows int64
	Time time.Duration
}

// sqlRequest is the body of POST /api/sql.
type sqlRequest struct {
	Query string `json:"query"`
	Write bool   `json:"write,omitempty"`
	Limit int    `json:"limit,omitempty"` // default 100, at most 10,000
}

// sqlAnswer is the answer, which has no envelope.
type sqlAnswer struct {
	Columns   []string `json:"columns,omitempty"`
	Rows      []cells  `json:"rows,omitempty"`
	Count     *int     `json:"count,omitempty"`
	Truncated *bool    `json:"truncated,omitempty"`
	Affected  *int64   `json:"affected,omitempty"`
	TimeMS    float64  `json:"time_ms"`
}

// defaultRows is how many rows POST /api/sql answers when no limit is asked for.
const defaultRows = 100

func (h *handler) sql(w http.ResponseWriter, r *http.Request) error {
	var q sqlRequest
	if err := readJSON(w, r, &q); err != nil {
		return err
	}
	if q.Write {
		return h.exec(w, r, q.Query)
	}
	if q.Limit == 0 {
		q.Limit = defaultRows
	}
	t, err := h.Service.Query(r.Context(), Query{q.Query, q.Limit})
	if err != nil {
		return err
	}
	rows := make([]cells, len(t.Rows))
	for i, row := range t.Rows {
		rows[i] = row
	}
	count := len(rows)
	// Nothing is left out of an answer without rows: a program looks for them.
	WriteJSON(w, http.StatusOK, struct {
		Columns   []string `json:"columns"`
		Rows      []cells  `json:"rows"`
		Count     int      `json:"count"`
		Truncated bool     `json:"truncated"`
		TimeMS    float64  `json:"time_ms"`
	}{t.Columns, rows, count, t.Truncated, milliseconds(t.Time)})
	return nil
}

// exec wants a key that may do everything: one with the scope sql alone is for
// looking.
func (h *handler) exec(w http.ResponseWriter, r *http.Request, statement string) error {
	if _, err := h.Authorize(r, ScopeAdmin); err != nil {
		return err
	}
	done, err := h.Service.Exec(r.Context(), statement)
	if err != nil {
		return err
	}
	WriteJSON(w, http.StatusOK, sqlAnswer{Affected: &done.Rows, TimeMS: milliseconds(done.Time)})
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// Query sends POST /api/sql.
func (c *Client) Query(ctx context.Context, q Query) (*Table, error) {
	if q.Limit == 0 {
		q.Limit = 10_000
	}
	said, err := c.sql(ctx, sqlRequest{Query: q.SQL, Limit: q.Limit})
	if err != nil {
		return nil, err
	}
	t := &Table{Columns: said.Columns, Rows: make([][]any, len(said.Rows)), Time: duration(said.TimeMS)}
	for i, row := range said.Rows {
		t.Rows[i] = row
	}
	t.Truncated = said.Truncated != nil && *said.Truncated
	return t, nil
}

// Exec sends POST /api/sql with write.
func (c *Client) Exec(ctx context.Context, statement string) (*Affected, error) {
	said, err := c.sql(ctx, sqlRequest{Query: statement, Write: true})
	if err != nil {
		return nil, err
	}
	if said.Affected == nil {
		return nil, &AnswerError{URL: strings.TrimSuffix(c.URL, "/") + sqlPath, Status: http.StatusOK}
	}
	return &Affected{*said.Affected, duration(said.TimeMS)}, nil
}

const sqlPath = "/api/sql"

func duration(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

func (c *Client) sql(ctx context.Context, q sqlRequest) (*sqlAnswer, error) {
	body, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	res, err := c.open(ctx, http.MethodPost, sqlPath, bytes.NewReader(body), "application/json")
	if err != nil {
		return nil, err
	}
	text, err := whole(res, http.MethodPost, sqlPath)
	if err != nil {
		return nil, err
	}
	var said struct {
		sqlAnswer
		Error *Error `json:"error"`
	}
	err = json.Unmarshal(text, &said)
	switch {
	case said.Error != nil:
		said.Error.Status = res.StatusCode
		return nil, said.Error
	case err != nil || res.StatusCode != http.StatusOK || said.Count == nil && said.Affected == nil:
		return nil, stranger(res)
	}
	return &said.sqlAnswer, nil
}

// cells are a row, whose JSON tells the types of its cells apart.
type cells []any

// special is a cell that JSON has no form for.
type special struct {
	Base64 *[]byte `json:"base64,omitempty"`
	Number string  `json:"number,omitempty"`
}

// MarshalJSON writes a number that is not whole so that it is read as one.
func (row cells) MarshalJSON() ([]byte, error) {
	list := make([]any, len(row))
	for i, v := range row {
		list[i] = v
		switch v := v.(type) {
		case []byte:
			list[i] = special{Base64: &v}
		case float64:
			text := strconv.FormatFloat(v, 'g', -1, 64)
			switch {
			case math.IsInf(v, 0) || math.IsNaN(v):
				list[i] = special{Number: text}
			case !bytes.ContainsAny([]byte(text), ".e"):
				list[i] = json.RawMessage(text + ".0")
			default:
				list[i] = json.RawMessage(text)
			}
		}
	}
	return json.Marshal(list)
}

// UnmarshalJSON is the inverse of MarshalJSON.
func (row *cells) UnmarshalJSON(text []byte) error {
	var list []json.RawMessage
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	*row = make(cells, len(list))
	for i, cell := range list {
		var err error
		if (*row)[i], err = readCell(cell); err != nil {
			return fmt.Errorf("cell %d: %w", i+1, err)
		}
	}
	return nil
}

func readCell(text []byte) (v any, err error) {
	switch text[0] {
	case 'n':
		return nil, nil
	case '"':
		var s string
		err = json.Unmarshal(text, &s)
		return s, err
	case '{':
		var x special
		if err = json.Unmarshal(text, &x); err != nil {
			return nil, err
		}
		if x.Base64 != nil {
			return *x.Base64, nil
		}
		return strconv.ParseFloat(x.Number, 64)
	}
	if bytes.ContainsAny(text, ".eE") {
		return strconv.ParseFloat(string(text), 64)
	}
	return strconv.ParseInt(string(text), 10, 64)
}
