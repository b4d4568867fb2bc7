package cli

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

func logsCommand() *cli.Command {
	return &cli.Command{
		Name:      "logs",
		Usage:     "print what an app's handler has logged",
		ArgsUsage: "<name>",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "go on with new lines until Ctrl+C"},
			&cli.IntFlag{Name: "lines", Aliases: []string{"n"}, Value: 100, Usage: "print the newest `N` lines, default 100"},
			&cli.StringFlag{Name: "format", Value: "table", Usage: "print a `FORMAT`: table, json (an object a line) or csv; default table"},
			dbFlag(),
		},
		Description: "fazt app logs my-app\nfazt app logs my-app -f -n 20\nfazt app logs my-app --format json > log.jsonl",
		Action:      logs,
	}
}

func logs(c *cli.Context) error {
	args, err := arguments(c, "<name>")
	if err != nil {
		return err
	}
	n := c.Int("lines")
	if n < 1 || n > storage.LogLines {
		return usagef("--lines %d is not from 1 to %d", n, storage.LogLines)
	}
	print, err := logPrinter(c)
	if err != nil {
		return err
	}
	return onService(c, func(server api.Service) error {
		lines, err := server.Logs(c.Context, args[0], api.LogQuery{Newest: true, Limit: n})
		if err != nil {
			return err
		}
		if err := print(lines); err != nil {
			return err
		}
		if c.Bool("follow") {
			err = followLogs(c.Context, server, args[0], lines, print)
		} else if len(lines) == 0 {
			note(c.App.ErrWriter, "nothing yet; a handler logs with console.log, and the newest %d lines are kept for %d days", storage.LogLines, storage.LogAge/(24*time.Hour))
		}
		return err
	})
}

// followLogs prints the lines that come after shown, until ctx ends. It asks the
// data file, since another process serves the app.
func followLogs(ctx context.Context, logs api.Logs, app string, shown []api.LogLine, print func([]api.LogLine) error) error {
	var after int64
	if len(shown) > 0 {
		after = shown[len(shown)-1].ID
	}
	err := api.Follow(ctx, logs, app, after, print)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// logPrinter returns the function that prints lines in the format asked for.
func logPrinter(c *cli.Context) (func([]api.LogLine) error, error) {
	var write func(io.Writer, []api.LogLine) error
	switch format := c.String("format"); format {
	case "table":
		out := newConsole(c.App.Writer, "")
		write = func(w io.Writer, lines []api.LogLine) error { return writeLog(w, lines, out.paint) }
	case "json":
		write = writeLogJSON
	case "csv":
		header := []string{"id", "time", "level", "text", "request_id"}
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

// writeLog writes lines for a person: when, how bad, what, and of which request.
// Further lines of a text stand below its first.
func writeLog(w io.Writer, lines []api.LogLine, paint func(style, string) string) error {
	indent := strings.Repeat(" ", len(time.DateTime)+len("  error  "))
	for _, l := range lines {
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
		_, err := fmt.Fprintf(w, "%s  %s  %s\n", paint(dim, l.Time.Local().Format(time.DateTime)), paint(levelStyle(l.Level), fmt.Sprintf("%-5s", l.Level)), text)
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
		rows = append(rows, []string{strconv.FormatInt(l.ID, 10), l.Time.Format(time.RFC3339Nano), l.Level, l.Text, l.RequestID})
	}
	return out.WriteAll(rows)
}
