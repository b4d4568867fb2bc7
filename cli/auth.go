package cli

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt"
)

func authCommand() *cli.Command {
	return &cli.Command{
		Name:  "auth",
		Usage: "make API keys",
		Subcommands: []*cli.Command{{
			Name:  "key",
			Usage: "make API keys",
			Subcommands: []*cli.Command{{
				Name:      "create",
				Usage:     "make an API key and print it",
				ArgsUsage: "<name>",
				Flags: []cli.Flag{
					&cli.StringSliceFlag{Name: "scopes", Usage: "what the key may do: `LIST` of deploy, read, sql, admin"},
					dbFlag(),
				},
				Description: "fazt auth key create ci --scopes deploy,read",
				Action:      createKey,
			}},
		}},
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
	// A key opens the data file that it is in, so a new one would be a mistake.
	path, err := existingDataFile(c)
	if err != nil {
		return err
	}
	return withServer(c.Context, fazt.Options{DataFile: path}, func(server *fazt.Server) error {
		token, err := server.CreateKey(c.Context, args[0], scopes...)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(c.App.Writer, token); err != nil {
			return err
		}
		note(c.App.ErrWriter, "keep this key now: it is stored as a hash and cannot be shown again")
		return nil
	})
}
