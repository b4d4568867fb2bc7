package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text writes the report for a terminal. Control characters in what was found are
// shown as escapes, so that they can't drive the terminal.
func (r *Report) Text(w io.Writer) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out bytes.Buffer
	fmt.Fprintln(&out, plain(r.Title))
	for _, line := range append(r.headline(), r.Notes...) {
		fmt.Fprintln(&out, plain(line))
	}
	if lines := r.summary(); len(lines) > 0 {
		fmt.Fprintln(&out)
		for _, line := range lines {
			fmt.Fprintln(&out, line)
		}
	}
	for _, t := range r.tables() {
		t.text(&out)
	}
	_, err := w.Write(out.Bytes())
	return err
}

// wide is a cell that has a line of its own below its row.
const wide = 60

// text writes the rows in columns. A long cell of prose goes below its row.
func (t table) text(out *bytes.Buffer) {
	fmt.Fprintf(out, "\n%s%s\n", t.title, parenthesised(plain(t.note)))
	rows := t.rows
	if t.numbers {
		rows = append([][]string{t.head}, rows...)
	}
	widths := make([]int, len(t.head))
	for _, row := range rows {
		for i, cell := range row {
			if n := utf8.RuneCountInString(plain(cell)); n <= wide || t.numbers {
				widths[i] = max(widths[i], n)
			}
		}
	}
	for _, row := range rows {
		var line strings.Builder
		var below []string
		for i, cell := range row {
			cell = plain(cell)
			n := utf8.RuneCountInString(cell)
			if n > widths[i] {
				below, cell, n = append(below, "    "+cell), "", 0
			}
			pad := strings.Repeat(" ", widths[i]-n)
			if t.numbers && i > 0 {
				cell, pad = pad+cell, ""
			}
			line.WriteString("  " + cell + pad)
		}
		fmt.Fprintln(out, strings.TrimRight(line.String(), " "))
		for _, cell := range below {
			fmt.Fprintln(out, cell)
		}
	}
}

func parenthesised(note string) string {
	if note == "" {
		return ""
	}
	return " (" + note + ")"
}

// plain is text on one line, without control characters. An escape character or an
// order of writing direction could show a reader something that isn't there.
func plain(s string) string {
	var b strings.Builder
	for _, c := range s {
		switch {
		case c == '\n', c == '\t':
			b.WriteByte(' ')
		case unicode.IsControl(c), unicode.Is(unicode.Cf, c):
			fmt.Fprintf(&b, "\\u%04x", c)
		default:
			b.WriteRune(c)
		}
	}
	return strings.TrimSpace(b.String())
}

// Markdown writes the report as GitHub's Markdown.
func (r *Report) Markdown(w io.Writer) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out bytes.Buffer
	fmt.Fprintf(&out, "# %s\n\n", marked(r.Title))
	if lines := r.summary(); len(lines) > 0 {
		for _, line := range lines {
			fmt.Fprintf(&out, "- %s\n", line)
		}
		fmt.Fprintln(&out)
	}
	r.about(&out)
	for _, t := range r.tables() {
		fmt.Fprintf(&out, "\n## %s\n\n", t.title)
		if t.note != "" {
			fmt.Fprintf(&out, "%s.\n\n", marked(strings.ToUpper(t.note[:1])+t.note[1:]))
		}
		t.markdown(&out)
	}
	_, err := w.Write(out.Bytes())
	return err
}

// Figures writes the measurements alone, as Markdown for another document: tables
// under captions, and the machine, the versions and the command that made them. Of
// latencies, it has those of the open loop, if there is one.
func (r *Report) Figures(w io.Writer) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out bytes.Buffer
	for _, t := range r.figuresOnly() {
		fmt.Fprintf(&out, "%s%s:\n\n", t.title, parenthesised(t.note))
		t.markdown(&out)
		fmt.Fprintln(&out)
	}
	r.about(&out)
	_, err := w.Write(out.Bytes())
	return err
}

func (r *Report) about(out *bytes.Buffer) {
	for _, note := range r.Notes {
		fmt.Fprintf(out, "%s\n", marked(note))
	}
	if len(r.Notes) > 0 {
		fmt.Fprintln(out)
	}
	lines := r.headline()
	fmt.Fprintf(out, "%s. %s.\n", marked(lines[0]), marked(lines[1]))
	if r.Command != "" {
		fmt.Fprintf(out, "\n```\n%s\n```\n", strings.ReplaceAll(plain(r.Command), "```", "'''"))
	}
}

func (t table) markdown(out *bytes.Buffer) {
	line := func(cells []string) {
		for _, cell := range cells {
			fmt.Fprintf(out, "| %s ", marked(cell))
		}
		fmt.Fprintln(out, "|")
	}
	line(t.head)
	for i := range t.head {
		if t.numbers && i > 0 {
			fmt.Fprint(out, "|--:")
		} else {
			fmt.Fprint(out, "|---")
		}
	}
	fmt.Fprintln(out, "|")
	for _, row := range t.rows {
		line(row)
	}
}

var markdownEscapes = strings.NewReplacer(
	`\`, `\\`, "|", `\|`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "#", `\#`, "~", `\~`,
)

// marked is text that Markdown takes as it is: no markup, no HTML, no end of a cell.
func marked(s string) string { return markdownEscapes.Replace(plain(s)) }
