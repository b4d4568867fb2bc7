package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

func appCommand() *cli.Command {
	return &cli.Command{
		Name:  "app",
		Usage: "deploy, list, watch and remove apps",
		Subcommands: append([]*cli.Command{
			deployCommand(),
			installCommand(),
			{
				Name:        "list",
				Usage:       "list the apps",
				Flags:       []cli.Flag{formatFlag(), dbFlag()},
				Description: "fazt app list",
				Action:      list,
			},
			infoCommand(),
			logsCommand(),
			envCommand(),
			versionsCommand(),
			rollbackCommand(),
			filesCommand(),
			pullCommand(),
			{
				Name:      "remove",
				Usage:     "remove an app with all of its data",
				ArgsUsage: "<name>",
				Flags: []cli.Flag{
					&cli.BoolFlag{Name: "keep-data", Usage: "keep the data for the next deploy under this name"},
					yesFlag(), dbFlag(),
				},
				Description: "fazt app remove my-app\nfazt app remove my-app --keep-data --yes",
				Action:      remove,
			},
			{
				Name:      "set",
				Usage:     "change an app's title, tags or visibility",
				ArgsUsage: "<name>",
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "title", Usage: "call it `TITLE` where people see it; '' is none"},
					&cli.StringFlag{Name: "tags", Usage: "sort it under `TAGS`, such as work,notes; '' is none"},
					&cli.StringFlag{Name: "visibility", Usage: "make it `VISIBILITY`: public, or unlisted for no visitor's list"},
					dbFlag(),
				},
				Description: "fazt app set my-app --title 'My app' --tags work,notes\nfazt app set my-app --visibility unlisted",
				Action:      set,
			},
			createCommand(),
			validateCommand(),
		}, aliasCommands()...),
	}
}

// short is a command below app that is typed often, at the top of the tree.
func short(name string) *cli.Command {
	command := appCommand().Command(name)
	command.Usage = "short for: fazt app " + name
	command.Description = strings.ReplaceAll(command.Description, "fazt app ", "fazt ")
	return command
}

// deployed says what a deploy made.
func deployed(d *api.Deployment) string {
	return fmt.Sprintf("version %d, %s", d.Version, contents(d))
}

func contents(d *api.Deployment) string {
	text := count(d.Files, "file") + ", " + size(d.Size)
	if d.Engine != "" {
		text += ", handler on " + d.Engine
		if d.EngineReason != "" {
			text += " (" + d.EngineReason + ")"
		}
	}
	return text
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func size(bytes int64) string {
	const kB, MB = 1000, 1000 * 1000
	switch {
	case bytes < kB:
		return fmt.Sprintf("%d B", bytes)
	case bytes < MB:
		return fmt.Sprintf("%.1f kB", float64(bytes)/kB)
	}
	return fmt.Sprintf("%.1f MB", float64(bytes)/MB)
}

func list(c *cli.Context) error {
	return printList(c, func(server api.Service) (*storage.Table, error) {
		apps, err := server.Apps(c.Context)
		if err != nil {
			return nil, err
		}
		if len(apps) == 0 {
			note(c.App.ErrWriter, "no apps yet; deploy one with: fazt app deploy <dir>")
		}
		table := &storage.Table{Columns: []string{"name", "version", "file_count", "size_bytes", "engine", "deployed_at"}}
		for _, a := range apps {
			table.Rows = append(table.Rows, []any{a.Name, a.Version, a.Files, a.Size, a.Engine, a.DeployedAt})
		}
		return table, nil
	})
}

func set(c *cli.Context) error {
	args, err := arguments(c, "<name>")
	if err != nil {
		return err
	}
	var change api.AppChange
	given := func(name string, field **string) {
		if text := c.String(name); c.IsSet(name) {
			*field = &text
		}
	}
	given("title", &change.Title)
	given("visibility", &change.Visibility)
	if c.IsSet("tags") {
		tags := strings.FieldsFunc(c.String("tags"), func(r rune) bool { return r == ',' })
		for i := range tags {
			tags[i] = strings.TrimSpace(tags[i])
		}
		change.Tags = &tags
	}
	if change == (api.AppChange{}) {
		return usagef("there is nothing to change; for example: %s", example(c.Command))
	}
	return onService(c, func(server api.Service) error {
		app, err := server.ChangeApp(c.Context, args[0], change)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.App.Writer, "%s is changed\n", app.Name)
		return err
	})
}

func remove(c *cli.Context) error {
	args, err := arguments(c, "<name>")
	if err != nil {
		return err
	}
	keep := c.Bool("keep-data")
	return onService(c, func(server api.Service) error {
		app, err := server.AppInfo(c.Context, args[0])
		if err != nil {
			return err
		}
		what := fmt.Sprintf("remove %s with its versions, its log and %s of data", app.Name, size(app.Usage.Used))
		if keep {
			what = fmt.Sprintf("remove %s with its versions, and keep its data", app.Name)
		}
		if err := confirm(c, what); err != nil {
			return err
		}
		if err := server.RemoveApp(c.Context, args[0], api.Removal{KeepData: keep}); err != nil {
			return err
		}
		text := "removed %s and its data\n"
		if keep {
			text = "removed %s; its data waits for the next deploy under that name\n"
		}
		_, err = fmt.Fprintf(c.App.Writer, text, app.Name)
		noteOrphans(c, server, app.Name)
		return err
	})
}

// noteOrphans says which aliases lead to an app that is removed: their visitors get 404.
func noteOrphans(c *cli.Context, server api.Service, app string) {
	list, err := server.Aliases(c.Context) // for whom a key may not list them, the app is removed all the same
	if err != nil {
		return
	}
	for _, a := range list {
		if slices.ContainsFunc(a.Targets, func(t api.AliasTarget) bool { return t.App == app }) {
			note(c.App.ErrWriter, "the alias %s still leads to %s, and answers 404 for it; see: fazt app unlink %s", a.Label, app, a.Label)
		}
	}
}
