package cli

import (
	"time"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

func auditCommand() *cli.Command {
	return &cli.Command{
		Name:  "audit",
		Usage: "list who changed what, when and from where",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "since", Usage: "leave out what is older than `TIME`: 24h, 7d, 2006-01-02, or 2006-01-02T15:04:05Z"},
			&cli.StringFlag{Name: "action", Usage: "only `ACTION`: app.publish, or app for all of its kind"},
			&cli.StringFlag{Name: "actor", Usage: "only what `WHO` did: a user or key by id or name, or local"},
			&cli.IntFlag{Name: "lines", Aliases: []string{"n"}, Value: 100, Usage: "print the newest `N` lines, default 100"},
			formatFlag(), dbFlag(),
		},
		Description: "fazt audit\nfazt audit --since 24h --action app --actor ann@example.com",
		Action:      audit,
	}
}

func audit(c *cli.Context) error {
	since, err := sinceOf(c, time.Now())
	if err != nil {
		return err
	}
	lines := c.Int("lines")
	if lines < 1 {
		return usagef("--lines %d is not a number of lines; give 1 or more", lines)
	}
	return printList(c, func(server api.Service) (*storage.Table, error) {
		table := &storage.Table{Columns: []string{"time", "action", "target", "actor", "details"}}
		q := api.AuditQuery{Since: since, Action: c.String("action"), Actor: c.String("actor")}
		for len(table.Rows) < lines {
			q.Offset, q.Limit = len(table.Rows), min(lines-len(table.Rows), 1000)
			list, total, err := server.Audit(c.Context, q)
			if err != nil {
				return nil, err
			}
			for _, e := range list {
				who := e.Actor.Name
				if who == "" {
					who = string(e.Actor.Kind)
				}
				if e.Actor.Addr != "" {
					who += " from " + e.Actor.Addr
				}
				table.Rows = append(table.Rows, []any{e.Time, e.Action, e.Target, shown{who, e.Actor}, shown{string(e.Details), e.Details}})
			}
			if len(list) == 0 || len(table.Rows) >= total {
				break
			}
		}
		if len(table.Rows) == 0 {
			note(c.App.ErrWriter, "there are no such changes")
		}
		return table, nil
	})
}
