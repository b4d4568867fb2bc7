package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

func appCommand() *cli.Command {
	return &cli.Command{
		Name:  "app",
		Usage: "deploy, list, watch and remove apps",
		Subcommands: []*cli.Command{
			{
				Name:      "deploy",
				Usage:     "make a directory the current version of an app",
				ArgsUsage: "<dir>",
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "name", Usage: "the app's `NAME`, default the manifest's, else the directory's"},
					&cli.BoolFlag{Name: "spa", Usage: "answer paths without a file with index.html"},
					&cli.BoolFlag{Name: "include-private", Usage: "deploy private/ even if git ignores it"},
					dbFlag(),
				},
				Description: "fazt app deploy ./my-app\nfazt app deploy ./site/dist --name site --spa",
				Action:      deploy,
			},
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
			{
				Name:      "remove",
				Usage:     "remove an app with all of its data",
				ArgsUsage: "<name>",
				Flags: []cli.Flag{
					&cli.BoolFlag{Name: "keep-data", Usage: "keep the data for the next deploy under this name"},
					dbFlag(),
				},
				Description: "fazt app remove my-app\nfazt app remove my-app --keep-data",
				Action:      remove,
			},
			{
				Name:        "validate",
				Usage:       "check a directory as a deploy would, and change nothing",
				ArgsUsage:   "<dir>",
				Description: "fazt app validate ./my-app",
				Action:      validate,
			},
		},
	}
}

func deploy(c *cli.Context) error {
	args, err := arguments(c, "<dir>")
	if err != nil {
		return err
	}
	dir := args[0]
	s, name, err := readApp(c, dir, c.Bool("include-private"))
	if err != nil {
		return err
	}
	path, err := dataFile(c)
	if err != nil {
		return err
	}
	if err := checkOutside(path, dir); err != nil {
		return err
	}
	var opts []api.DeployOption
	if c.IsSet("spa") {
		opts = append(opts, api.SPA(c.Bool("spa")))
	}
	return withServer(c.Context, fazt.Options{DataFile: path, KeyFile: c.String("key-file")}, func(server *fazt.Server) error {
		made, err := server.Deploy(c.Context, name, s, opts...)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.App.Writer, "%s: %s\n", made.App, deployed(made))
		return err
	})
}

// readApp reads what of dir is deployed, and under which name.
func readApp(c *cli.Context, dir string, private bool) (s *source, name string, err error) {
	if err := checkApp(dir); err != nil {
		return nil, "", err
	}
	if s, err = readSource(dir, private); err != nil {
		return nil, "", err
	}
	if s.privateIgnored && !private {
		note(c.App.ErrWriter, "warning: private/ is git-ignored and left out; deploy it with --include-private")
	}
	if name = c.String("name"); name == "" {
		name, err = s.appName()
	}
	return s, name, err
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
		table := &storage.Table{Columns: []string{"name", "version", "files", "bytes", "engine", "deployed"}}
		for _, a := range apps {
			table.Rows = append(table.Rows, []any{a.Name, int64(a.Version), int64(a.Files), a.Size, a.Engine, a.DeployedAt.UTC().Format(time.RFC3339)})
		}
		return table, nil
	})
}

func remove(c *cli.Context) error {
	args, err := arguments(c, "<name>")
	if err != nil {
		return err
	}
	keep := c.Bool("keep-data")
	return onService(c, func(server api.Service) error {
		if err := server.RemoveApp(c.Context, args[0], api.Removal{KeepData: keep}); err != nil {
			return err
		}
		text := "removed %s and its data\n"
		if keep {
			text = "removed %s; its data waits for the next deploy under that name\n"
		}
		_, err := fmt.Fprintf(c.App.Writer, text, args[0])
		return err
	})
}

// validate deploys to a data file that is thrown away: what it finds is what a
// deploy finds.
func validate(c *cli.Context) (err error) {
	args, err := arguments(c, "<dir>")
	if err != nil {
		return err
	}
	s, name, err := readApp(c, args[0], true)
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "fazt-validate-")
	if err != nil {
		return fmt.Errorf("cannot make a scratch directory: %w; set TMPDIR to one that is writable", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	opt := fazt.Options{DataFile: filepath.Join(scratch, "data.db")}
	return withServer(c.Context, opt, func(server *fazt.Server) error {
		made, err := server.Deploy(c.Context, name, s)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.App.Writer, "%s is valid: %s\n", made.App, contents(made))
		return err
	})
}
