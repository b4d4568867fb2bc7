package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// tableInfo is a table, or a view of this package's, as the database has it.
type tableInfo struct {
	schema, name string
	columns      []columnInfo
}

type columnInfo struct{ name, kind string }

// tables returns those of fazt, by name, in the schema where they are made.
func (s *Store) tables(ctx context.Context) (list []tableInfo, err error) {
	err = pooled{s}.query(ctx, `SELECT c.table_schema, c.table_name, c.column_name, c.data_type FROM information_schema.columns AS c
		WHERE c.table_schema = current_schema() ORDER BY c.table_name, c.ordinal_position`, nil, func(scan scanFunc) error {
		var schema, table string
		var column columnInfo
		if err := scan(&schema, &table, &column.name, &column.kind); err != nil {
			return err
		}
		if n := len(list); n == 0 || list[n-1].name != table {
			list = append(list, tableInfo{schema: schema, name: table})
		}
		last := &list[len(list)-1]
		last.columns = append(last.columns, column)
		return nil
	})
	return list, err
}

// ofApps are the tables whose column app is the id of an app. Their views have the app's
// name beside it.
var ofApps = []string{"blobs", "collections", "deployments", "docs", "documents", "env_vars", "files", "indexes", "kv", "logs", "usage"}

// closedToWriters are the tables that an operator's statement must not change: what the
// store and others rely on being as they wrote it, and the record of what was done. Bodies
// of blobs would stay behind: no trigger lets go of them.
var closedToWriters = []string{"audit", "auth_handovers", "blobs", "certificates", "changes", "chunks", "cleared", "collections", "config", "contents",
	"documents", "env_vars", "index_entries", "indexes", "keys", "leases", "loose_bodies", "migrations", "sequence", "usage"}

// secret reports whether a column holds what no statement may return or know: hashes of
// tokens and passwords, providers' secrets, private keys, hand-overs and apps'
// variables. It goes by the end of the name, so that the next such column is hidden too.
func secret(table, column string) bool {
	table, column = strings.ToLower(table), strings.ToLower(column)
	return strings.HasSuffix(column, "_hash") || strings.HasSuffix(column, "_secret") ||
		strings.HasSuffix(column, "_sealed") || table == "auth_handovers"
}

// defineViews returns the statements that make a role's views, with {role} in the place of
// the role's name.
func defineViews(role operatorRole, tables []tableInfo) (statements []string) {
	for _, t := range tables {
		view := role.schema + "." + quoteName(t.name)
		definition := readView(t)
		rights := "SELECT"
		if role == writerRole {
			if definition = writeView(t); definition == "" {
				continue
			}
			if !slices.Contains(closedToWriters, t.name) {
				rights = "SELECT, INSERT, DELETE, UPDATE (" + columnList(changeable(t)) + ")"
			}
		}
		statements = append(statements, "DROP VIEW IF EXISTS "+view, "CREATE VIEW "+view+" AS "+definition,
			fmt.Sprintf("GRANT %s ON %s TO {role}", rights, view))
	}
	if role == writerRole {
		statements = append(statements, recordFunction(tables)...)
	}
	return statements
}

// changeable are the columns of a table that a statement may set: not those that say whose
// a row is, by which it is counted.
func changeable(t tableInfo) (names []string) {
	for _, c := range t.columns {
		if !secret(t.name, c.name) && !(slices.Contains(ofApps, t.name) && (c.name == "app" || c.name == "user")) {
			names = append(names, c.name)
		}
	}
	return names
}

// readView has NULL in the place of what is secret, so that it is NULL in every clause.
func readView(t tableInfo) string {
	var shown []string
	from := quoteName(t.schema) + "." + quoteName(t.name) + " AS t"
	for _, c := range t.columns {
		if secret(t.name, c.name) {
			shown = append(shown, "CAST(NULL AS "+c.kind+") AS "+quoteName(c.name))
			continue
		}
		shown = append(shown, "t."+quoteName(c.name))
		if c.name == "app" && slices.Contains(ofApps, t.name) {
			shown = append(shown, "a.name AS app_name")
			from += " LEFT JOIN " + quoteName(t.schema) + ".apps AS a ON a.id = t.app"
		}
	}
	if t.name == "keys" { // it has what these very roles sign in by
		from += " WHERE t.name <> '" + operatorSecret + "'"
	}
	return "SELECT " + strings.Join(shown, ", ") + " FROM " + from
}

// writeView is without what is secret, and so simple that the database can write through
// it; "" is for a table that is nothing but secrets.
func writeView(t tableInfo) string {
	switch t.name {
	case "docs":
		return writeDocs(t.schema)
	case "leases":
		return "" // see recordFunction
	}
	var shown []string
	for _, c := range t.columns {
		if !secret(t.name, c.name) {
			shown = append(shown, quoteName(c.name))
		}
	}
	if len(shown) == 0 {
		return ""
	}
	return "SELECT " + strings.Join(shown, ", ") + " FROM " + quoteName(t.schema) + "." + quoteName(t.name)
}

// writeDocs is the view docs over one table, so that documents can be changed and deleted
// through it.
func writeDocs(schema string) string {
	in := "FROM " + quoteName(schema) + `.collections AS c WHERE c.app = d.app AND c."user" = d."user" AND c.generation = d.collection`
	return `SELECT d.app, d."user", (SELECT c.name ` + in + `) AS collection, d.seq, d.id, d.body, d.created_at, d.updated_at
		FROM ` + quoteName(schema) + `.documents AS d WHERE EXISTS (SELECT 1 ` + in + `)`
}

func quoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
