package cli

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

func sqlCommand() *cli.Command {
	return &cli.Command{
		Name:      "sql",
		Usage:     "query the data, or change it with --write",
		ArgsUsage: "<query>",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "write", Usage: "run one INSERT, UPDATE or DELETE; for owners, and audited"},
			&cli.IntFlag{Name: "limit", Value: 100, Usage: "print at most `N` rows, default 100"},
			formatFlag(),
			dbFlag(),
		},
		Description: "fazt sql \"select name, version from apps\"\n" +
			"fazt sql \"select * from docs\" --limit 1000 --format csv > docs.csv\n" +
			"fazt sql --write \"delete from logs where level = 'debug'\"",
		Action: query,
	}
}

func query(c *cli.Context) error {
	args, err := arguments(c, "<query>")
	if err != nil {
		return err
	}
	limit := c.Int("limit")
	if limit < 1 {
		return usagef("--limit %d is not a positive number", limit)
	}
	print, err := printer(c)
	if err != nil {
		return err
	}
	if c.Bool("write") {
		return write(c, args[0])
	}
	if here, err := isHere(c); err != nil || here != "" {
		if err != nil {
			return err
		}
		// The file itself is read, beside a server that has it open and whatever that
		// is doing.
		table, err := fazt.QueryFile(c.Context, here, args[0], limit)
		if err != nil {
			return err
		}
		return printRows(c, print, table)
	}
	return onService(c, func(server api.Service) error {
		t, err := server.Query(c.Context, api.Query{SQL: args[0], Limit: limit})
		if err != nil {
			return err
		}
		return printRows(c, print, &storage.Table{Columns: t.Columns, Rows: t.Rows, Truncated: t.Truncated})
	})
}

// isHere is the path of the data file if the command is about that, and "" if it is
// about a peer.
func isHere(c *cli.Context) (path string, err error) {
	switch targetOf(c) {
	case storage.LocalPeer:
		return existingDataFile(c)
	case "":
	default:
		return "", nil
	}
	if path, err = existingDataFile(c); err != nil {
		return "", err
	}
	// A data file that has no peers yet, or can't be read, is what the query is about.
	if table, err := fazt.QueryFile(c.Context, path, "SELECT 1 FROM peers WHERE is_default = 1", 1); err == nil && len(table.Rows) > 0 {
		return "", nil
	}
	return path, nil
}

// printRows prints a table, and says if it is not all.
func printRows(c *cli.Context, print func(*storage.Table) error, table *storage.Table) error {
	if err := print(table); err != nil {
		return err
	}
	if table.Truncated {
		note(c.App.ErrWriter, "truncated to %s; see more with --limit", count(len(table.Rows), "row"))
	}
	return nil
}

// write runs a statement that changes data.
func write(c *cli.Context, statement string) error {
	return onService(c, func(server api.Service) error {
		done, err := server.Exec(c.Context, statement)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.App.Writer, "changed %s\n", count(int(done.Rows), "row"))
		return err
	})
}
