package cli

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

func logsCommand() *cli.Command {
	return &cli.Command{
		Name:      "logs",
		Usage:     "print what handlers have logged, of all apps if none is named",
		ArgsUsage: "[app...]",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "go on with new lines until Ctrl+C"},
			&cli.IntFlag{Name: "lines", Aliases: []string{"n"}, Value: 100, Usage: "print the newest `N` lines, default 100, all with --since"},
			&cli.StringFlag{Name: "since", Usage: "leave out what is older than `TIME`: 10m, 24h, 7d, 2026-01-02, or 2026-01-02T15:04:05Z"},
			&cli.StringFlag{Name: "level", Usage: "leave out what is below `LEVEL`: debug, info, warn or error"},
			&cli.StringFlag{Name: "grep", Usage: "leave out what does not have `TEXT`, letter by letter"},
			&cli.StringFlag{Name: "format", Value: "table", Usage: "print a `FORMAT`: table, json (an object a line) or csv; default table"},
			dbFlag(),
		},
		Description: "fazt app logs my-app\nfazt app logs my-app -f -n 20\nfazt app logs --since 10m --level warn\n" +
			"fazt app logs my-app --grep timeout --format json > log.jsonl",
		Action: logs,
	}
}

func logs(c *cli.Context) error {
	q, err := logQuery(c, time.Now())
	if err != nil {
		return err
	}
	print, err := logPrinter(c, len(q.Apps) != 1)
	if err != nil {
		return err
	}
	return onService(c, func(server api.Service) error {
		lines, more, next, err := api.Recent(c.Context, server, q)
		if err != nil {
			return err
		}
		if more && c.IsSet("since") && !c.IsSet("lines") {
			note(c.App.ErrWriter, "only the newest %d lines; for older ones narrow it with --level, --grep or an app", q.Limit)
		}
		if err := print(lines); err != nil {
			return err
		}
		switch {
		case c.Bool("follow"):
			err = server.FollowLogs(c.Context, next, print)
			if c.Context.Err() != nil && errors.Is(err, c.Context.Err()) {
				return nil
			}
		case len(lines) == 0 && (c.IsSet("since") || c.IsSet("level") || c.IsSet("grep")):
			note(c.App.ErrWriter, "no line is like that; the newest %d lines of an app are kept for %d days", storage.LogLines, storage.LogAge/(24*time.Hour))
		case len(lines) == 0:
			note(c.App.ErrWriter, "nothing yet; a handler logs with console.log, and the newest %d lines are kept for %d days", storage.LogLines, storage.LogAge/(24*time.Hour))
		}
		return err
	})
}

// logQuery is what the flags ask for.
func logQuery(c *cli.Context, now time.Time) (q api.LogQuery, err error) {
	q = api.LogQuery{Apps: c.Args().Slice(), Limit: c.Int("lines"), Level: c.String("level"), Contains: c.String("grep")}
	if q.Limit < 1 || q.Limit > storage.LogLines {
		return q, usagef("--lines %d is not from 1 to %d", q.Limit, storage.LogLines)
	}
	if q.Level != "" && !slices.Contains(storage.LogLevels(), q.Level) {
		return q, usagef("--level %s is unknown; give %s", q.Level, strings.Join(storage.LogLevels(), ", "))
	}
	if q.Since, err = sinceOf(c, now); err != nil {
		return q, err
	}
	if c.IsSet("since") && !c.IsSet("lines") {
		q.Limit = storage.LogLines
	}
	return q, nil
}

// logPrinter returns the function that prints lines in the format asked for. With
// several apps, a table says whose a line is.
func logPrinter(c *cli.Context, several bool) (func([]api.LogLine) error, error) {
	var write func(io.Writer, []api.LogLine) error
	switch format := c.String("format"); format {
	case "table":
		out := newConsole(c.App.Writer, "")
		write = func(w io.Writer, lines []api.LogLine) error { return writeLog(w, lines, several, out.paint) }
	case "json":
		write = writeLogJSON
	case "csv":
		header := []string{"id", "app", "time", "level", "text", "request_id"}
		write = func(w io.Writer, lines []api.LogLine) error {
			err := writeLogCSV(w, header, lines)
			header = nil
			return err
		}
	default:
		return nil, usagef("--format %s is unknown; give table, json or csv", format)
	}
	return func(lines []api.LogLine) error {
		w := bufio.NewWriter(c.App.Writer)
		if err := write(w, lines); err != nil {
			return err
		}
		return w.Flush()
	}, nil
}

// logTime is how a time is printed for a person, in the zone of this machine.
const logTime = "2006-01-02 15:04:05Z07:00"

// writeLog writes lines for a person: when, how bad, whose if there are several
// apps, what, and of which request. Further lines of a text stand below its first.
func writeLog(w io.Writer, lines []api.LogLine, several bool, paint func(style, string) string) error {
	for _, l := range lines {
		at := l.Time.Local().Format(logTime)
		whose := ""
		if several {
			whose = fmt.Sprintf("%-12s  ", printable(l.App))
		}
		indent := strings.Repeat(" ", len(at)+len("  error  ")+utf8.RuneCountInString(whose))
		first, rest, _ := strings.Cut(strings.TrimRight(l.Text, "\n"), "\n")
		text := printable(first)
		if l.RequestID != "" {
			text += "  " + paint(dim, printable(l.RequestID))
		}
		if rest != "" {
			for line := range strings.SplitSeq(rest, "\n") {
				text += "\n" + indent + printable(line)
			}
		}
		_, err := fmt.Fprintf(w, "%s  %s  %s%s\n", paint(dim, at), paint(levelStyle(l.Level), fmt.Sprintf("%-5s", l.Level)), whose, text)
		if err != nil {
			return err
		}
	}
	return nil
}

func levelStyle(level string) style {
	switch level {
	case "error":
		return red
	case "warn":
		return yellow
	case "debug":
		return dim
	}
	return plain
}

// writeLogJSON writes an object a line.
func writeLogJSON(w io.Writer, lines []api.LogLine) error {
	for _, l := range lines {
		text, err := jsonText(l)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(w, text+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// writeLogCSV writes rows, below a header if there is one.
func writeLogCSV(w io.Writer, header []string, lines []api.LogLine) error {
	out := csv.NewWriter(w)
	rows := make([][]string, 0, len(lines)+1)
	if header != nil {
		rows = append(rows, header)
	}
	for _, l := range lines {
		rows = append(rows, []string{strconv.FormatInt(l.ID, 10), l.App, l.Time.Format(time.RFC3339Nano), l.Level, l.Text, l.RequestID})
	}
	return out.WriteAll(rows)
}
