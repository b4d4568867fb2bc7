package cli

import (
	"bufio"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt/storage"
)

func formatFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "format", EnvVars: []string{"FAZT_FORMAT"},
		Usage: "print a `FORMAT`: table, json or csv; default $FAZT_FORMAT, else table on a terminal and json elsewhere",
	}
}

// formatOf is the format that a table is to be printed in.
func formatOf(c *cli.Context) string {
	switch format := c.String("format"); {
	case format != "":
		return format
	case isTerminal(c.App.Writer):
		return "table"
	}
	return "json"
}

// printer returns the function that prints a table in the format asked for.
func printer(c *cli.Context) (func(*storage.Table) error, error) {
	var write func(io.Writer, *storage.Table) error
	switch format := formatOf(c); format {
	case "table":
		write = writeTable
	case "json":
		write = writeJSON
	case "csv":
		write = writeCSV
	default:
		return nil, usagef("--format %s is unknown; give table, json or csv", format)
	}
	return func(t *storage.Table) error {
		w := bufio.NewWriter(c.App.Writer)
		if err := write(w, t); err != nil {
			return err
		}
		return w.Flush()
	}, nil
}

// oneRow keeps a cell from breaking its row.
var oneRow = strings.NewReplacer("\n", `\n`, "\r", `\r`, "\t", `\t`)

// writeTable writes aligned columns, numbers to the right.
func writeTable(w io.Writer, t *storage.Table) error {
	rows := make([][]string, 0, len(t.Rows)+1)
	heads := make([]string, len(t.Columns))
	for i, name := range t.Columns { // whoever writes a query names them, and so does a peer
		heads[i] = printable(oneRow.Replace(name))
	}
	rows = append(rows, heads)
	right := make([]bool, len(t.Columns))
	for i := range right {
		right[i] = len(t.Rows) > 0
	}
	for _, row := range t.Rows {
		cells := make([]string, len(row))
		for i, v := range row {
			cells[i] = printable(oneRow.Replace(text(v, "NULL")))
			right[i] = right[i] && isNumber(v)
		}
		rows = append(rows, cells)
	}
	widths := make([]int, len(t.Columns))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if right[i] {
				cell = space + cell
			} else {
				cell += space
			}
			line.WriteString(cell + "  ")
		}
		if _, err := io.WriteString(w, strings.TrimRight(line.String(), " ")+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// writeJSON writes an array of objects, a row each, keys in column order. Bytes
// are base64.
func writeJSON(w io.Writer, t *storage.Table) error {
	seen := make(map[string]bool)
	for _, name := range t.Columns {
		if seen[name] {
			return fmt.Errorf("two columns are named %s, which JSON cannot tell apart; rename one with AS", name)
		}
		seen[name] = true
	}
	objects := make([]string, len(t.Rows))
	for i, row := range t.Rows {
		fields := make([]string, len(row))
		for j, v := range row {
			key, err := jsonText(t.Columns[j])
			if err != nil {
				return err
			}
			if at, ok := v.(time.Time); ok && at.IsZero() {
				v = nil
			}
			value, err := jsonText(v)
			if err != nil {
				return fmt.Errorf("row %d, column %s: %w", i+1, t.Columns[j], err)
			}
			fields[j] = key + ":" + value
		}
		objects[i] = "\n  {" + strings.Join(fields, ",") + "}"
	}
	_, err := io.WriteString(w, "["+strings.Join(objects, ",")+"\n]\n")
	return err
}

// printJSON prints one thing as an object, as the management API has it.
func printJSON(c *cli.Context, v any) error {
	text, err := jsonText(v)
	if err == nil {
		_, err = fmt.Fprintln(c.App.Writer, text)
	}
	return err
}

// jsonText is v in JSON, with <, > and & as they are. Of the control characters
// it escapes those too that JSON lets stand: a terminal takes U+009B for the
// beginning of an escape sequence.
func jsonText(v any) (string, error) {
	var b strings.Builder
	encode := json.NewEncoder(&b)
	encode.SetEscapeHTML(false)
	err := encode.Encode(v)
	text := strings.TrimSuffix(b.String(), "\n")
	if !strings.ContainsFunc(text, unicode.IsControl) {
		return text, err
	}
	b.Reset()
	for _, r := range text {
		if unicode.IsControl(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String(), err
}

// writeCSV writes a header and the rows, as RFC 4180 but with bare line feeds.
// NULL is empty; bytes are base64.
func writeCSV(w io.Writer, t *storage.Table) error {
	out := csv.NewWriter(w)
	heads := make([]string, len(t.Columns))
	for i, name := range t.Columns {
		heads[i] = plainText(name)
	}
	if err := out.Write(heads); err != nil {
		return err
	}
	for _, row := range t.Rows {
		cells := make([]string, len(row))
		for i, v := range row {
			if b, ok := v.(bool); ok {
				cells[i] = strconv.FormatBool(b)
			} else {
				cells[i] = plainText(text(v, ""))
			}
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// plainText is text without what a terminal takes for a command: of the control
// characters only line breaks and tabs are left.
func plainText(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ReplaceAll(text, "\r\n", "\n"))
}

// shown is a cell that is text for people and something else in JSON.
type shown struct {
	text  string
	value any
}

// String follows [fmt.Stringer].
func (s shown) String() string { return s.text }

// MarshalJSON follows [json.Marshaler].
func (s shown) MarshalJSON() ([]byte, error) { return json.Marshal(s.value) }

// text is a cell as text. SQLite's cells are nil, int64, float64, string or bytes;
// those of lists may be whatever a field of the management API is: their JSON is the
// API's.
func text(v any, null string) string {
	switch v := v.(type) {
	case nil:
		return null
	case string:
		return v
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case []string:
		return strings.Join(v, ",")
	case time.Time:
		if v.IsZero() {
			return ""
		}
		return v.UTC().Format(time.RFC3339)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	}
	return fmt.Sprint(v)
}

func isNumber(v any) bool {
	switch v.(type) {
	case nil, int, int64, float64:
		return true
	}
	return false
}
