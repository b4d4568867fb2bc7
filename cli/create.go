package cli

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt/examples"
	"github.com/fazt-sh/fazt/internal/site"
)

// templateFiles are directories of files that templates are made of.
//
//go:embed all:templates
var templateFiles embed.FS

// templates are the apps that one may begin with: directories whose files they have.
var templates = []template{
	{"static", []string{"templates/static"}},
	{"api", []string{"templates/items", "templates/api"}},
	{"typescript", []string{"templates/items", "templates/typescript"}},
	{"guestbook", []string{"guestbook"}},
	{"uploads", []string{"uploads"}},
}

type template struct {
	name string
	dirs []string // of templateFiles, or of the examples
}

// copyTo copies the template's files into a directory that is there.
func (t template) copyTo(dir string) error {
	for _, d := range t.dirs {
		from, err := fs.Sub(templateFiles, d)
		if !strings.HasPrefix(d, "templates/") {
			from, err = fs.Sub(examples.Apps, d)
		}
		if err != nil {
			return err
		}
		if err := os.CopyFS(dir, from); err != nil {
			return err
		}
	}
	return nil
}

func createCommand() *cli.Command {
	return &cli.Command{
		Name:        "create",
		Category:    hereOnly,
		Usage:       "make a directory with an app to begin with",
		ArgsUsage:   "<name>",
		Flags:       []cli.Flag{&cli.StringFlag{Name: "template", Value: "static", Usage: "begin with `TEMPLATE`, default static: " + templateNames()}},
		Description: "fazt app create my-app\nfazt app create my-app --template guestbook",
		Action:      create,
	}
}

// templateNames are those that there are, to be read in a sentence.
func templateNames() string {
	var names []string
	for _, t := range templates {
		names = append(names, t.name)
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
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
	i := slices.IndexFunc(templates, func(t template) bool { return t.name == c.String("template") })
	if i < 0 {
		return usagef("there is no template %q; give %s", c.String("template"), templateNames())
	}
	// Made here, and not before, so that nothing of anybody's is written over.
	if err := os.Mkdir(name, 0o777); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already; give another name", name)
	} else if err != nil {
		return err
	}
	if err := templates[i].copyTo(name); err != nil {
		return errors.Join(err, os.RemoveAll(name))
	}
	_, err = fmt.Fprintf(c.App.Writer, "%s is made; see it with: fazt dev ./%s\n", name, name)
	return err
}
