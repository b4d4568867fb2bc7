package cli

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt/internal/site"
)

// templates are the apps that one may begin with, a directory each.
//
//go:embed all:templates
var templates embed.FS

func createCommand() *cli.Command {
	return &cli.Command{
		Name:        "create",
		Category:    hereOnly,
		Usage:       "make a directory with an app to begin with",
		ArgsUsage:   "<name>",
		Flags:       []cli.Flag{&cli.StringFlag{Name: "template", Value: "static", Usage: "begin with `TEMPLATE`: " + strings.Join(templateNames(), " or ") + ", default static"}},
		Description: "fazt app create my-app\nfazt app create my-app --template api",
		Action:      create,
	}
}

func templateNames() (names []string) {
	entries, _ := templates.ReadDir("templates") // they are in the program
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func create(c *cli.Context) error {
	args, err := arguments(c, "<name>")
	if err != nil {
		return err
	}
	name, err := site.CleanName(args[0])
	if err != nil {
		return usageError{err}
	}
	files, err := fs.Sub(templates, "templates/"+c.String("template"))
	if err == nil {
		_, err = fs.Stat(files, ".")
	}
	if err != nil {
		return usagef("there is no template %q; give %s", c.String("template"), strings.Join(templateNames(), " or "))
	}
	// Made here, and not before, so that nothing of anybody's is written over.
	if err := os.Mkdir(name, 0o777); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already; give another name", name)
	} else if err != nil {
		return err
	}
	if err := os.CopyFS(name, files); err != nil {
		return errors.Join(err, os.RemoveAll(name))
	}
	_, err = fmt.Fprintf(c.App.Writer, "%s is made; see it with: fazt dev ./%s\n", name, name)
	return err
}
