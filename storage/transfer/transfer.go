// Package transfer moves everything that a store keeps from one engine to another:
// from a data file to a database past one machine, and back.
//
// An engine gives its rows as those of the tables below, and makes its own of them,
// so that no engine knows another's schema:
//
//	err := to.Load(ctx, func(put transfer.Put) error { return from.Dump(ctx, put) }, check)
//
// [Move] does that, and compares what has arrived with what was sent, row by row,
// before it is kept.
package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/fazt-sh/fazt/storage"
)

// Put takes one row of a table. A value is nil, an int64, a string or a []byte, and
// is good until Put returns.
type Put func(table *Table, values []any) error

// Source is a store, or a part of one, whose rows can be read.
type Source interface {
	// Dump calls put for every row of every table, as they are at one moment: those
	// of [Tables] in their order, and then those of other packages, whose names and
	// columns are the engine's own and the same in every engine. Within a table,
	// rows are in the order that the table says.
	Dump(ctx context.Context, put Put) error
}

// Sink is an empty store that can be filled.
type Sink interface {
	// Load has fill put rows, and keeps them if fill and check return nil: all of
	// them, or none. What check gets is what has been put, read back. A store that
	// has data is [storage.CodeConflict].
	Load(ctx context.Context, fill func(Put) error, check func(Source) error) error
}

// Table is what is moved of one kind.
type Table struct {
	Name    string
	Columns []string
}

const sequence = "sequence"

func table(name, columns string) *Table { return &Table{name, strings.Fields(columns)} }

// Tables are those of a store, in the order in which they are moved. What an engine
// makes of them, such as entries of indexes, sums and counts, is not moved. Flags are
// 0 or 1, times Unix milliseconds.
//
// Ranks stand for numbers that only an engine knows: n counts the documents of a
// collection from 0 in their order, the lines of the log, and the pieces of a body.
// Documents come by app, user, collection and n, lines by n, bodies by what they
// belong to and n.
var Tables = []*Table{
	// The last number that a version was, in one row. It may grow by being moved, and
	// so it is not compared.
	table(sequence, "last"),
	table("apps", "id name version created_at title tags visibility"),
	table("removed_apps", "id name version keep_data created_at removed_at title tags visibility"),
	table("deployments", "app version manifest engine files size created_at indexes source reason"),
	table("files", "app version path hash size hashed"),
	table("contents", "hash encoding size touched_at"),
	table("content_chunks", "hash encoding n data"),
	table("aliases", "label kind app url split updated_at version"),
	table("env_vars", "app name value_sealed updated_at"),
	table("config", "name value updated_at"),
	table("peers", "name url token_secret is_default created_at"),
	table("keys", "name key_secret"),
	table("certificates", "name value_secret updated_at"),
	table("audit", "id at actor_kind actor_id actor_name actor_addr action target details"),
	table("logs", "n app at level text request_id"),
	table("kv", "app user key value version expires_at"),
	table("docs", "app user collection n id body created_at updated_at"),
	table("blobs", "app user path size mime hash updated_at"),
	table("blob_chunks", "app user path n data"),
	// Those that made themselves: what a manifest has comes with its deployment, too.
	table("indexes", "app collection field automatic used_at"),
}

// Count is what was moved of a table.
type Count struct {
	Table string
	Rows  int64
	// Sum is a sum over the SHA-256 of each row, with the names of its columns. Tables
	// with the same sum have the same rows.
	Sum [4]uint64
}

// Hash is the sum, as people compare it: its first 16 digits.
func (c Count) Hash() string { return fmt.Sprintf("%016x", c.Sum[0]) }

// Move fills an empty store, and returns what of each table has arrived, in the order
// in which it came. It is kept if it is the same, row by row, when it is read back.
// progress may be nil; it is told the rows so far.
func Move(ctx context.Context, from Source, to Sink, progress func(rows int64)) (Counts, error) {
	var sent counter
	fill := func(put Put) error {
		total := int64(0)
		return from.Dump(ctx, func(t *Table, values []any) error {
			if err := sent.add(t, values); err != nil {
				return err
			}
			if total++; progress != nil && total%1000 == 0 {
				progress(total)
			}
			return put(t, values)
		})
	}
	check := func(arrived Source) error {
		got, err := Sum(ctx, arrived)
		if err != nil {
			return err
		}
		return sent.counts.Compare(got)
	}
	if err := to.Load(ctx, fill, check); err != nil {
		return nil, err
	}
	return sent.counts, nil
}

// Sum reads everything of a source, and returns what there is of each table.
func Sum(ctx context.Context, from Source) (Counts, error) {
	var c counter
	err := from.Dump(ctx, c.add)
	return c.counts, err
}

// Counts are those of the tables that have rows.
type Counts []Count

// Compare returns an error that names the first table whose rows are not the same in
// what has arrived.
func (sent Counts) Compare(arrived Counts) error {
	of := func(list Counts, table string) Count {
		if i := slices.IndexFunc(list, func(c Count) bool { return c.Table == table }); i >= 0 {
			return list[i]
		}
		return Count{Table: table}
	}
	for _, c := range slices.Concat(sent, arrived) {
		want, got := of(sent, c.Table), of(arrived, c.Table)
		if want != got {
			return &storage.Error{Code: storage.CodeFormat, Op: "move", Path: c.Table,
				Msg:  fmt.Sprintf("%d rows (%s) were sent, and %d (%s) have arrived; nothing was kept", want.Rows, want.Hash(), got.Rows, got.Hash()),
				Hint: "this is a fault of fazt's; the data that was to be moved is as it was"}
		}
	}
	return nil
}

// counter counts rows by table.
type counter struct {
	counts Counts
	row    []byte // made anew for each row
}

func (c *counter) add(t *Table, values []any) error {
	if t.Name == sequence {
		return nil
	}
	c.row = c.row[:0]
	for i, name := range t.Columns {
		c.row = appendText(append(c.row, 'c'), name)
		switch v := values[i].(type) {
		case nil:
			c.row = append(c.row, 'n')
		case int64:
			c.row = binary.BigEndian.AppendUint64(append(c.row, 'i'), uint64(v))
		case string:
			c.row = appendText(append(c.row, 't'), v)
		case []byte:
			c.row = appendText(append(c.row, 'b'), string(v))
		default:
			return &storage.Error{Code: storage.CodeFormat, Op: "move", Path: t.Name + "." + name, Msg: fmt.Sprintf("a value is a %T, and not a whole number, a text or bytes", v)}
		}
	}
	if n := len(c.counts); n == 0 || c.counts[n-1].Table != t.Name {
		c.counts = append(c.counts, Count{Table: t.Name})
	}
	count := &c.counts[len(c.counts)-1]
	count.Rows++
	hash := sha256.Sum256(c.row)
	var carry uint64
	for i := 3; i >= 0; i-- {
		count.Sum[i], carry = bits.Add64(count.Sum[i], binary.BigEndian.Uint64(hash[8*i:]), carry)
	}
	return nil
}

func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint64(b, uint64(len(s))), s...)
}
