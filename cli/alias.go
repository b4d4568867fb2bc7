package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

// aliasCommands are those of fazt app that are about host labels.
func aliasCommands() []*cli.Command {
	return []*cli.Command{
		{
			Name:      "link",
			Usage:     "lead a host label to an app, or to a URL",
			ArgsUsage: "<label> <app or URL>",
			Flags: []cli.Flag{
				&cli.IntFlag{Name: "version", Usage: "serve version `N` of the app, default the current one"},
				dbFlag(),
			},
			Description: "fazt app link shop my-shop\nfazt app link preview my-app --version 3\nfazt app link old https://example.com/new",
			Action:      link,
		},
		{
			Name:        "unlink",
			Usage:       "remove an alias",
			ArgsUsage:   "<label>",
			Flags:       []cli.Flag{dbFlag()},
			Description: "fazt app unlink preview",
			Action:      unlink,
		},
		{
			Name:        "reserve",
			Usage:       "let a host label lead nowhere",
			ArgsUsage:   "<label>",
			Flags:       []cli.Flag{dbFlag()},
			Description: "fazt app reserve status",
			Action:      reserve,
		},
		{
			Name:        "swap",
			Usage:       "exchange what two aliases lead to, at one moment",
			ArgsUsage:   "<label> <label>",
			Flags:       []cli.Flag{dbFlag()},
			Description: "fazt app swap shop preview",
			Action:      swap,
		},
		{
			Name:        "split",
			Usage:       "share a label's visitors out among apps, in percent",
			ArgsUsage:   "<label> <app[@version]=percent> ...",
			Flags:       []cli.Flag{dbFlag()},
			Description: "fazt app split shop my-shop=90 new-shop=10\nfazt app split shop my-shop=95 my-shop@7=5",
			Action:      split,
		},
		{
			Name:        "aliases",
			Usage:       "list where host labels lead",
			Flags:       []cli.Flag{formatFlag(), dbFlag()},
			Description: "fazt app aliases",
			Action:      aliases,
		},
	}
}

func link(c *cli.Context) error {
	args, err := arguments(c, "<label>", "<app or URL>")
	if err != nil {
		return err
	}
	a := api.Alias{Label: args[0], Type: api.AliasApp, Targets: []api.AliasTarget{{AppID: args[1], Version: c.Int("version")}}}
	if strings.Contains(args[1], "://") {
		if c.IsSet("version") {
			return usagef("--version belongs to an app, and %s is a URL", args[1])
		}
		a = api.Alias{Label: args[0], Type: api.AliasRedirect, URL: args[1]}
	}
	if c.IsSet("version") && c.Int("version") < 1 {
		return usagef("--version %d is none; see the app's versions with: fazt app versions <name>", c.Int("version"))
	}
	return setAlias(c, a)
}

func reserve(c *cli.Context) error {
	args, err := arguments(c, "<label>")
	if err != nil {
		return err
	}
	return setAlias(c, api.Alias{Label: args[0], Type: api.AliasReserved})
}

func split(c *cli.Context) error {
	args := c.Args().Slice()
	if len(args) < 2 {
		return usagef("<label> and <app=percent> are wanted; for example: %s", example(c.Command))
	}
	a := api.Alias{Label: args[0], Type: api.AliasSplit}
	for _, text := range args[1:] {
		t, err := splitTarget(text)
		if err != nil {
			return err
		}
		a.Targets = append(a.Targets, t)
	}
	return setAlias(c, a)
}

// splitTarget reads one of a split, such as my-app@3=10.
func splitTarget(text string) (t api.AliasTarget, err error) {
	name, percent, ok := strings.Cut(text, "=")
	if t.Weight, err = strconv.Atoi(strings.TrimSuffix(percent, "%")); !ok || err != nil {
		return t, usagef("%q is not app=percent; give one such as my-app=90, or my-app@3=10 for a version", text)
	}
	name, version, versioned := strings.Cut(name, "@")
	if versioned {
		if t.Version, err = strconv.Atoi(version); err != nil || t.Version < 1 {
			return t, usagef("%q names no version; give one such as my-app@3=10", text)
		}
	}
	t.AppID = name
	return t, nil
}

func setAlias(c *cli.Context, a api.Alias) error {
	return onService(c, func(server api.Service) error {
		made, err := server.SetAlias(c.Context, a)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.App.Writer, "%s %s\n", made.Label, leadsTo(made))
		return err
	})
}

// leadsTo says where an alias leads, in a sentence without its subject.
func leadsTo(a *api.Alias) string {
	switch a.Type {
	case api.AliasReserved:
		return "leads nowhere"
	case api.AliasRedirect:
		return "redirects to " + a.URL
	}
	return "leads to " + targets(a)
}

// targets are what an alias leads to, as the command line takes them.
func targets(a *api.Alias) string {
	texts := []string{}
	for _, t := range a.Targets {
		text := t.App
		if t.Version > 0 {
			text += "@" + strconv.Itoa(t.Version)
		}
		if a.Type == api.AliasSplit {
			text += "=" + strconv.Itoa(t.Weight)
		}
		if t.AppID == "" {
			text += " (removed)"
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, " ")
}

func unlink(c *cli.Context) error {
	args, err := arguments(c, "<label>")
	if err != nil {
		return err
	}
	return onService(c, func(server api.Service) error {
		if err := server.RemoveAlias(c.Context, args[0]); err != nil {
			return err
		}
		_, err := fmt.Fprintf(c.App.Writer, "%s is no alias any more\n", args[0])
		return err
	})
}

func swap(c *cli.Context) error {
	args, err := arguments(c, "<label>", "<label>")
	if err != nil {
		return err
	}
	return onService(c, func(server api.Service) error {
		if err := server.SwapAliases(c.Context, args[0], args[1]); err != nil {
			return err
		}
		_, err := fmt.Fprintf(c.App.Writer, "swapped %s and %s\n", args[0], args[1])
		return err
	})
}

func aliases(c *cli.Context) error {
	return printList(c, func(server api.Service) (*storage.Table, error) {
		list, err := server.Aliases(c.Context)
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			note(c.App.ErrWriter, "no aliases yet; make one with: fazt app link <label> <app>")
		}
		table := &storage.Table{Columns: []string{"subdomain", "type", "url", "targets"}}
		for _, a := range list {
			table.Rows = append(table.Rows, []any{a.Label, a.Type, a.URL, shown{targets(&a), a.Targets}})
		}
		return table, nil
	})
}
