package gaps

import (
	"fmt"
	"io"
	"strings"
)

// WriteMarkdown writes the account for people: a line with the numbers, the open gaps
// each with its text, and a list of the resolved ones.
func (t *Tracker) WriteMarkdown(w io.Writer) error {
	all := t.Gaps()
	open := 0
	for open < len(all) && all[open].Status == Open {
		open++
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Gaps\n\n%s.\n", count(all[:open], len(all)-open))
	for _, g := range all[:open] {
		fmt.Fprintf(&b, "\n## %s: %s\n\n", g.Severity, inline(g.ID))
		if g.Description != "" {
			fmt.Fprintf(&b, "%s\n\n", quote(g.Description))
		}
		fmt.Fprintf(&b, "- Category: %s\n- Found by: %s\n", inline(g.Category), inline(g.FoundBy))
		if g.Fix != "" {
			fmt.Fprintf(&b, "- How to fix: %s\n", inline(g.Fix))
		}
		if g.Reopened > 0 {
			fmt.Fprintf(&b, "- It was resolved before: %d times\n", g.Reopened)
		}
	}
	if open < len(all) {
		b.WriteString("\n## Resolved\n\n")
	}
	for _, g := range all[open:] {
		fmt.Fprintf(&b, "- %s: %s\n", g.Severity, inline(g.ID))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func count(open []Gap, resolved int) string {
	var parts []string
	for _, s := range severities {
		n := 0
		for _, g := range open {
			if g.Severity == s {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	text := "None is open"
	if len(parts) > 0 {
		text = "Open: " + strings.Join(parts, ", ")
	}
	return fmt.Sprintf("%s; resolved: %d", text, resolved)
}

// inline makes a text one line that Markdown shows as it is.
func inline(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "<", "&lt;", "[", `\[`, "|", `\|`).Replace(s)
}

// quote shows a text with its lines: what a check said, an answer of a server among it,
// is no Markdown.
func quote(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return "    " + strings.Join(lines, "\n    ")
}
