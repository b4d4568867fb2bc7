package cli

import (
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

func authCommand() *cli.Command {
	return &cli.Command{
		Name:  "auth",
		Usage: "users, roles, invites, sessions, API keys and sign-in providers",
		Subcommands: []*cli.Command{
			setupCommand(), usersCommand(), userCommand(), inviteCommand(),
			{
				Name:        "invites",
				Usage:       "list the invites",
				Flags:       []cli.Flag{formatFlag(), dbFlag()},
				Description: "fazt auth invites",
				Action:      invites,
			},
			{
				Name:        "keys",
				Usage:       "list the API keys",
				Flags:       []cli.Flag{formatFlag(), dbFlag()},
				Description: "fazt auth keys",
				Action:      keys,
			},
			keyCommand(), sessionsCommand(), sessionCommand(), providersCommand(), providerCommand(),
		},
	}
}

func keyCommand() *cli.Command {
	return &cli.Command{
		Name:  "key",
		Usage: "make and revoke API keys",
		Subcommands: []*cli.Command{
			{
				Name:      "create",
				Usage:     "make an API key and print it",
				ArgsUsage: "<name>",
				Flags: []cli.Flag{
					&cli.StringSliceFlag{Name: "scopes", Usage: "what the key may do: `LIST` of deploy, read, sql, admin"},
					expiresFlag("never"),
					dbFlag(),
				},
				Description: "fazt auth key create ci --scopes deploy,read\nfazt auth key create laptop --scopes admin --expires 90d",
				Action:      createKey,
			},
			{
				Name:        "revoke",
				Usage:       "make an API key invalid at once",
				ArgsUsage:   "<id>",
				Flags:       []cli.Flag{dbFlag()},
				Description: "fazt auth key revoke 3xk5w2qv7m4a6zpt",
				Action:      revokeKey,
			},
		},
	}
}

func createKey(c *cli.Context) error {
	args, err := arguments(c, "<name>")
	if err != nil {
		return err
	}
	scopes := c.StringSlice("scopes")
	if len(scopes) == 0 {
		return usagef("--scopes is missing; for example: %s", example(c.Command))
	}
	expires, err := expiry(c, time.Now())
	if err != nil {
		return err
	}
	// A key opens the data file that it is in, so a new one would be a mistake.
	return onService(c, func(server api.Service) error {
		key, err := server.MakeKey(c.Context, api.NewKey{Name: args[0], Scopes: scopes, ExpiresAt: expires})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(c.App.Writer, key.Token); err != nil {
			return err
		}
		note(c.App.ErrWriter, "keep this key now: it is stored as a hash and cannot be shown again")
		return nil
	})
}

func keys(c *cli.Context) error {
	return printList(c, func(server api.Service) (*storage.Table, error) {
		list, err := server.Keys(c.Context)
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			note(c.App.ErrWriter, "no keys yet; make one with: fazt auth key create <name> --scopes deploy,read")
		}
		table := &storage.Table{Columns: []string{"id", "name", "scopes", "state", "created_at", "expires_at", "last_used", "created_by"}}
		for _, k := range list {
			table.Rows = append(table.Rows, []any{
				k.ID, k.Name, k.Scopes, keyState(k), k.CreatedAt, k.ExpiresAt, k.LastUsed, k.CreatedBy,
			})
		}
		return table, nil
	})
}

// keyState says whether a key is good. One whose maker is an admin no more is not,
// which only the server knows.
func keyState(k api.Key) string {
	switch {
	case !k.RevokedAt.IsZero():
		return "revoked"
	case !k.ExpiresAt.IsZero() && !k.ExpiresAt.After(time.Now()):
		return "expired"
	}
	return "good"
}

func revokeKey(c *cli.Context) error {
	return endOne(c, func(server api.Service, id string) error { return server.RevokeKey(c.Context, id) }, "revoked %s")
}

// when is a time in a table, or "" for none.
func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func expiresFlag(without string) cli.Flag {
	return &cli.StringFlag{Name: "expires", Usage: "end at or after `WHEN`: 12h, 30d or 2027-01-31; default " + without}
}
