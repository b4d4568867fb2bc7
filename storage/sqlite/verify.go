package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"github.com/mattn/go-sqlite3"

	"github.com/fazt-sh/fazt/storage"
)

// Module is who else keeps tables in a data file, with the steps that make them,
// as [Store.Migrate] got them.
type Module struct {
	Name  string
	Steps []string
}

// object is a table, an index, a trigger or a view, as sqlite_schema has it.
type object struct {
	kind, name string
	table      string // that it belongs to; its own name for a table or a view
	sql        string
}

func (o object) String() string { return o.kind + " " + o.name }

// checkSchema returns an error unless the database that c reads has the tables,
// indexes, views and triggers that fazt made, and no others. What it should have is
// found out by taking the steps that are on record in an empty database. A module
// that is on record and not known may have tables of its own, which nothing of fazt
// reads or writes.
func checkSchema(ctx context.Context, op, path string, c *conn, modules []Module) error {
	steps, err := recordedSteps(ctx, op, c)
	if err != nil {
		return err
	}
	if steps[module] == 0 {
		return notMade(op, path, "it has none of fazt's tables")
	}
	fresh, err := openMemory()
	if err != nil {
		return wrap(op, err)
	}
	defer fresh.close()
	known := append([]Module{{Name: module, Steps: schema}}, modules...)
	for _, m := range known {
		if steps[m.Name] > len(m.Steps) {
			return errNewer(op, m.Name, steps[m.Name], len(m.Steps))
		}
		for i, step := range m.Steps[:steps[m.Name]] {
			if _, err := fresh.exec(step); err != nil {
				return fmt.Errorf("step %d of %s: %w", i+1, m.Name, err)
			}
		}
		delete(steps, m.Name)
	}
	want, err := objects(ctx, fresh)
	if err != nil {
		return wrap(op, err)
	}
	have, err := objects(ctx, c)
	if err != nil {
		return wrap(op, err)
	}
	if err := compareObjects(op, path, want, have, len(steps) > 0); err != nil {
		return err
	}
	for _, o := range want {
		if o.kind == "table" {
			if err := checkTypes(ctx, op, path, fresh, c, o.name); err != nil {
				return err
			}
		}
	}
	return nil
}

// notMade is the error for a file that is sound, and not what fazt has made.
func notMade(op, path, why string) error {
	return &storage.Error{Code: storage.CodeFormat, Op: op, Path: path, Msg: "it is not a backup of fazt's: " + why,
		Hint: "use another backup; what you know to be yours in this one, take out of it first"}
}

// recordedSteps is how many steps each module has on record.
func recordedSteps(ctx context.Context, op string, c *conn) (map[string]int, error) {
	steps := make(map[string]int)
	n, err := c.queryInt("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'migrations'")
	if err != nil || n == 0 {
		return steps, wrap(op, err)
	}
	err = c.query(ctx, "SELECT CAST(module AS TEXT), CAST(max(step) AS INTEGER) FROM migrations GROUP BY 1", nil, func(row []driver.Value) error {
		name, _ := row[0].(string)
		step, _ := row[1].(int64)
		steps[name] = int(step)
		return nil
	})
	return steps, wrap(op, err)
}

// openMemory opens an empty database that is nobody else's, with the table of
// steps.
func openMemory() (*conn, error) {
	raw, err := new(sqlite3.SQLiteDriver).Open(":memory:")
	if err != nil {
		return nil, err
	}
	c := &conn{raw: raw.(*sqlite3.SQLiteConn)}
	if _, err := c.exec(migrations); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// objects returns what a database is made of, but for what SQLite adds by itself.
func objects(ctx context.Context, c *conn) ([]object, error) {
	var found []object
	err := c.query(ctx, `SELECT CAST(type AS TEXT), CAST(name AS TEXT), CAST(tbl_name AS TEXT), CAST(ifnull(sql, '') AS TEXT)
		FROM sqlite_schema ORDER BY type DESC, name`, nil, func(row []driver.Value) error {
		var o object
		for i, to := range []*string{&o.kind, &o.name, &o.table, &o.sql} {
			*to, _ = row[i].(string)
		}
		o.sql = strings.Join(strings.Fields(strings.ReplaceAll(o.sql, `"`, "")), " ")
		if o.kind == "index" && o.sql == "" || o.kind == "table" && strings.HasPrefix(o.name, "sqlite_") {
			return nil
		}
		found = append(found, o)
		return nil
	})
	return found, err
}

// compareObjects names the first difference. guests says that there may be objects
// of others, as long as they are not about tables of ours.
func compareObjects(op, path string, want, have []object, guests bool) error {
	type key struct{ kind, name string }
	ours := make(map[key]object, len(want))
	tables := make(map[string]bool)
	for _, o := range want {
		ours[key{o.kind, o.name}] = o
		tables[strings.ToLower(o.table)] = true
	}
	for _, o := range have {
		w, expected := ours[key{o.kind, o.name}]
		switch {
		case o.kind == "table" && besides[o.name]:
		case expected && w == o:
			delete(ours, key{o.kind, o.name})
		case expected:
			return notMade(op, path, fmt.Sprintf("its %v is not as fazt makes it: %s", o, shortSQL(o.sql)))
		case !guests || tables[strings.ToLower(o.table)]:
			return notMade(op, path, fmt.Sprintf("fazt makes no %v: %s", o, shortSQL(o.sql)))
		}
	}
	for _, o := range want {
		if _, missing := ours[key{o.kind, o.name}]; missing {
			return notMade(op, path, fmt.Sprintf("its %v is missing", o))
		}
	}
	return nil
}

// besides are the tables that programs keep in a data file which copy it as it changes.
// Nothing of fazt reads them: https://litestream.io/how-it-works.
var besides = map[string]bool{"_litestream_seq": true, "_litestream_lock": true}

func shortSQL(sql string) string {
	const most = 200
	if len(sql) > most {
		sql = strings.ToValidUTF8(sql[:most], "") + "..."
	}
	return sql
}

// checkTypes returns an error if a column of a table has a value of another type
// than fazt writes: SQLite takes a text where a number is declared.
func checkTypes(ctx context.Context, op, path string, fresh, c *conn, table string) error {
	var wrong []string // conditions, as many as columns
	var columns []string
	err := fresh.query(ctx, "SELECT name, type, \"notnull\" FROM pragma_table_xinfo(?)", []any{table}, func(row []driver.Value) error {
		name, declared := row[0].(string), row[1].(string)
		types := storageClasses(declared)
		if types == "" {
			return nil
		}
		if generations[table+"."+name] {
			types += ", 'blob'"
		}
		if row[2] == int64(0) {
			types += ", 'null'"
		}
		columns = append(columns, name)
		wrong = append(wrong, fmt.Sprintf("typeof(%q) NOT IN (%s)", name, types))
		return nil
	})
	if err != nil || len(wrong) == 0 {
		return wrap(op, err)
	}
	query := fmt.Sprintf("SELECT %s FROM %q WHERE %s LIMIT 1", strings.Join(wrong, ", "), table, strings.Join(wrong, " OR "))
	var found error
	err = c.query(ctx, query, nil, func(row []driver.Value) error {
		for i, bad := range row {
			if bad == int64(1) {
				found = notMade(op, path, fmt.Sprintf("column %s of table %s has a value of another type than fazt writes", columns[i], table))
				return nil
			}
		}
		return nil
	})
	if err != nil {
		return wrap(op, err)
	}
	return found
}

// generations are the columns with a [generation], which is a text or a blob.
var generations = map[string]bool{"documents.collection": true, "collections.generation": true, "cleared.generation": true}

// storageClasses are the types of values that a column has which was declared so,
// as SQL has them in a list; "" are all (https://www.sqlite.org/datatype3.html).
func storageClasses(declared string) string {
	switch declared = strings.ToUpper(declared); {
	case strings.Contains(declared, "INT"):
		return "'integer'"
	case strings.Contains(declared, "TEXT"), strings.Contains(declared, "CHAR"):
		return "'text'"
	case strings.Contains(declared, "BLOB"):
		return "'blob'"
	case strings.Contains(declared, "REAL"):
		return "'real', 'integer'"
	}
	return ""
}
