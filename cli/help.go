package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// A command's Description holds its examples, one a line; the first is what a
// usage error shows.
func example(c *cli.Command) string {
	first, _, _ := strings.Cut(c.Description, "\n")
	return first
}

// printHelp prints what the command at the end of l does, or what the commands
// below it are.
func printHelp(w io.Writer, app *cli.App, l *line) error {
	usage, commands := app.Usage, app.Commands
	var examples string
	var flags []cli.Flag
	synopsis := l.name() + " <command>"
	if len(l.path) == 0 {
		synopsis = "fazt [@peer] <command>"
	}
	if len(l.path) > 0 {
		c := l.path[len(l.path)-1]
		usage, commands, examples, flags = c.Usage, c.Subcommands, c.Description, c.Flags
		if len(commands) == 0 || c.Action != nil {
			name := l.name()
			if takesPeer(c) {
				name = "fazt [@peer]" + strings.TrimPrefix(name, "fazt")
			}
			synopsis = strings.TrimSpace(name + " " + c.ArgsUsage)
		}
	} else {
		examples = "fazt dev ./my-app\nfazt app deploy ./my-app\nfazt serve"
	}
	if len(flags) > 0 {
		synopsis += " [flags]"
	}
	var b strings.Builder
	for _, line := range wrapped(l.name()+": "+usage, columns) {
		b.WriteString(line + "\n")
	}
	fmt.Fprintf(&b, "\nUsage:\n  %s\n", synopsis)
	section(&b, "Commands", commandRows(commands, ""))
	section(&b, "Flags", flagRows(flags))
	if examples != "" {
		b.WriteString("\nExamples:\n")
		for line := range strings.SplitSeq(examples, "\n") {
			b.WriteString("  " + continued(line) + "\n")
		}
	}
	if len(commands) > 0 {
		fmt.Fprintf(&b, "\nMore on one of them: %s <command> --help\n", l.name())
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// section writes rows of two columns under a title.
func section(b *strings.Builder, title string, rows [][2]string) {
	if len(rows) == 0 {
		return
	}
	width := 0
	for _, row := range rows {
		width = max(width, len(row[0]))
	}
	fmt.Fprintf(b, "\n%s:\n", title)
	indent := strings.Repeat(" ", width+4)
	for _, row := range rows {
		fmt.Fprintf(b, "  %-*s  %s\n", width, row[0], strings.Join(wrapped(row[1], columns-width-4), "\n"+indent))
	}
}

// columns is how wide help is: a terminal's usual width.
const columns = 80

// wrapped is text in lines of width columns, broken between words.
func wrapped(text string, width int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && utf8.RuneCountInString(line+" "+word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}

// continued breaks an example before a flag, as shells go on with a line, where it
// is too long for one.
func continued(example string) string {
	if utf8.RuneCountInString(example) <= columns-2 {
		return example
	}
	if i := strings.LastIndex(example[:columns-4], " --"); i > 0 {
		return example[:i] + " \\\n      " + example[i+1:]
	}
	return example
}

// commandRows lists the commands that can be run, groups opened.
func commandRows(commands []*cli.Command, prefix string) [][2]string {
	var rows [][2]string
	for _, c := range commands {
		if !isGroup(c) || c.Action != nil {
			rows = append(rows, [2]string{prefix + c.Name, c.Usage})
		}
		rows = append(rows, commandRows(c.Subcommands, prefix+c.Name+" ")...)
	}
	return rows
}

func flagRows(flags []cli.Flag) [][2]string {
	var rows [][2]string
	for _, f := range flags {
		if v, ok := f.(cli.VisibleFlag); ok && !v.IsVisible() {
			continue
		}
		doc := f.(cli.DocGenerationFlag)
		name, usage := "--"+f.Names()[0], doc.GetUsage()
		// The value's name stands in backquotes, as in package flag.
		if parts := strings.SplitN(usage, "`", 3); len(parts) == 3 {
			name += " " + parts[1]
			usage = strings.Join(parts, "")
		}
		for _, other := range f.Names()[1:] {
			name += ", -" + other
		}
		rows = append(rows, [2]string{name, usage})
	}
	return rows
}
