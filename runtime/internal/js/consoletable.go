package js

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/fazt-sh/fazt/runtime"
)

// Bounds of a table: one that has more doesn't fit a line of the log.
const (
	maxRows    = 100
	maxColumns = 32
	maxCell    = 128 // bytes
)

// grid is a table that is being put together. Its first column tells the rows apart.
type grid struct {
	columns []string
	rows    [][]string
	fixed   bool // the columns are those that the caller wants
}

const (
	indexColumn  = "(index)"
	valuesColumn = "Values"
)

// table draws what console.table is given as Node does: a row for each element or
// property, and a column for each property of these. What has none is printed as
// console.log does.
func table[V any](r Reader[V], args []V) string {
	if len(args) == 0 || !hasCells(r, args[0]) {
		return Format(r, args[:min(1, len(args))])
	}
	g := grid{columns: []string{indexColumn}}
	if len(args) > 1 && r.Kind(args[1]) == KindArray {
		g.fixed = true
		for i := range min(r.Len(args[1]), maxColumns) {
			g.columns = append(g.columns, cut(display(r, r.Index(args[1], i))))
		}
	}
	var values []string // of rows that are no objects, in the last column
	cells(r, args[0], maxRows, func(key string, v V) {
		row, value := []string{key}, ""
		if hasCells(r, v) {
			cells(r, v, maxColumns, func(key string, v V) { row = g.put(row, key, cell(r, v)) })
		} else {
			value = cell(r, v)
		}
		g.rows, values = append(g.rows, row), append(values, value)
	})
	if strings.Join(values, "") != "" {
		at := len(g.columns)
		g.columns = append(g.columns, valuesColumn)
		for i, value := range values {
			g.rows[i] = append(append(g.rows[i], make([]string, at-len(g.rows[i]))...), value)
		}
	}
	return g.String()
}

func hasCells[V any](r Reader[V], v V) bool {
	kind := r.Kind(v)
	return kind == KindArray || kind == KindObject && r.Class(v) == ""
}

// cells gives fn at most so many elements or properties.
func cells[V any](r Reader[V], v V, most int, fn func(key string, v V)) {
	if r.Kind(v) == KindArray {
		for i := range min(r.Len(v), most) {
			r.Check()
			fn(strconv.Itoa(i), r.Index(v, i))
		}
		return
	}
	keys := r.Keys(v)
	for _, key := range keys[:min(len(keys), most)] {
		r.Check()
		fn(cut(key), r.Get(v, key))
	}
}

// cell is a value in a table, on one line.
func cell[V any](r Reader[V], v V) string {
	text := display(r, v)
	if r.Kind(v) == runtime.KindString {
		text = "'" + text + "'"
	}
	return cut(strings.ReplaceAll(text, "\n", "\\n"))
}

func cut(text string) string {
	if len(text) <= maxCell {
		return text
	}
	return strings.ToValidUTF8(text[:maxCell], "") + "..."
}

// put puts a cell into a row, in the column of that name, which is added if there is
// room.
func (g *grid) put(row []string, column, cell string) []string {
	at := 1
	for ; at < len(g.columns) && g.columns[at] != column; at++ {
	}
	if at == len(g.columns) {
		if g.fixed || at > maxColumns {
			return row
		}
		g.columns = append(g.columns, column)
	}
	for len(row) <= at {
		row = append(row, "")
	}
	row[at] = cell
	return row
}

func (g *grid) String() string {
	widths := make([]int, len(g.columns))
	for _, row := range append(g.rows, g.columns) {
		for i, text := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(text))
		}
	}
	var b strings.Builder
	line := func(left, between, right string) {
		for _, width := range widths {
			b.WriteString(left + strings.Repeat("─", width+2))
			left = between
		}
		b.WriteString(right)
	}
	write := func(row []string) {
		for i, width := range widths {
			text := ""
			if i < len(row) {
				text = row[i]
			}
			b.WriteString("│ " + text + strings.Repeat(" ", width-utf8.RuneCountInString(text)) + " ")
		}
		b.WriteString("│\n")
	}
	line("┌", "┬", "┐\n")
	write(g.columns)
	line("├", "┼", "┤\n")
	for _, row := range g.rows {
		if b.Len() > runtime.MaxLineBytes {
			break
		}
		write(row)
	}
	line("└", "┴", "┘")
	return b.String()
}
