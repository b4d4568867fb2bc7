package cli

import (
	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt"
)

func sqlCommand() *cli.Command {
	return &cli.Command{
		Name:      "sql",
		Category:  hereOnly,
		Usage:     "query the data file, read-only",
		ArgsUsage: "<query>",
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "limit", Value: 100, Usage: "print at most `N` rows, default 100"},
			formatFlag(),
			dbFlag(),
		},
		Description: "fazt sql \"select name, version from apps\"\nfazt sql \"select * from docs\" --limit 1000 --format csv > docs.csv",
		Action:      query,
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
	path, err := existingDataFile(c)
	if err != nil {
		return err
	}
	table, err := fazt.QueryFile(c.Context, path, args[0], limit)
	if err != nil {
		return err
	}
	if err := print(table); err != nil {
		return err
	}
	if table.Truncated {
		note(c.App.ErrWriter, "truncated to %s; see more with --limit", count(len(table.Rows), "row"))
	}
	return nil
}
