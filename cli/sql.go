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
	peer, err := onAPeer(c)
	if err != nil {
		return err
	}
	if !peer {
		return queryHere(c, args[0], limit, print)
	}
	return onService(c, func(server api.Service) error {
		t, err := server.Query(c.Context, api.Query{SQL: args[0], Limit: limit})
		if err != nil {
			return err
		}
		return printRows(c, print, &storage.Table{Columns: t.Columns, Rows: t.Rows, Truncated: t.Truncated})
	})
}

// queryHere reads the data file itself, beside a server that has it open and whatever
// that is doing.
func queryHere(c *cli.Context, query string, limit int, print func(*storage.Table) error) error {
	data, err := locate(c)
	if err != nil {
		return err
	}
	data.warn(c)
	if err := data.checkThere(); err != nil {
		return err
	}
	var table *storage.Table
	if data.isDatabase() {
		err = onOwnData(c, func(server *fazt.Server) (err error) {
			table, err = server.Store().Query(c.Context, query, limit)
			return err
		})
	} else {
		table, err = fazt.QueryFile(c.Context, string(data), query, limit)
	}
	if err != nil {
		return err
	}
	return printRows(c, print, table)
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
