package cli

import (
	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

func sessionsCommand() *cli.Command {
	return &cli.Command{
		Name:  "sessions",
		Usage: "list who is signed in, and where",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "user", Usage: "only those of `USER`, by id or e-mail"},
			formatFlag(), dbFlag(),
		},
		Description: "fazt auth sessions\nfazt auth sessions --user ann@example.com",
		Action:      sessions,
	}
}

func sessionCommand() *cli.Command {
	return &cli.Command{
		Name:  "session",
		Usage: "end sessions",
		Subcommands: []*cli.Command{{
			Name:        "end",
			Usage:       "sign somebody out of one session, and of the apps that it came to",
			ArgsUsage:   "<id>",
			Flags:       []cli.Flag{dbFlag()},
			Description: "fazt auth session end 3xk5w2qv7m4a6zpt",
			Action:      endSession,
		}},
	}
}

func sessions(c *cli.Context) error {
	return printList(c, func(server api.Service) (*storage.Table, error) {
		list, err := server.Sessions(c.Context, c.String("user"))
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			note(c.App.ErrWriter, "nobody is signed in")
		}
		table := &storage.Table{Columns: []string{"id", "email", "host", "addr", "created_at", "last_used", "expires_at", "user_id"}}
		for _, s := range list {
			table.Rows = append(table.Rows, []any{s.ID, s.Email, s.Host, s.Addr, s.CreatedAt, s.LastUsed, s.ExpiresAt, s.UserID})
		}
		return table, nil
	})
}

func endSession(c *cli.Context) error {
	return endOne(c, func(server api.Service, id string) error { return server.EndSession(c.Context, id) }, "ended %s; other servers on the data see it within a second")
}
