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

func deployCommand() *cli.Command {
	return &cli.Command{
		Name:        "deploy",
		Usage:       "make a directory the current version of an app, built if need be",
		ArgsUsage:   "[dir]",
		Flags:       append(deployFlags(), dbFlag()),
		Description: "fazt app deploy ./my-app\nfazt app deploy ./site/dist --name site --spa",
		Action:      deploy,
	}
}

func deployFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "name", Usage: "the app's `NAME`, default the manifest's, else the directory's"},
		&cli.BoolFlag{Name: "spa", Usage: "answer paths without a file with index.html"},
		&cli.BoolFlag{Name: "no-build", Usage: "leave the build script of package.json alone"},
		&cli.BoolFlag{Name: "include-private", Usage: "deploy private/ even if git ignores it"},
		keepFlag(),
	}
}

// keepFlag says how many versions are kept, for whoever makes one on a data file. A
// peer has its own setting.
func keepFlag() cli.Flag {
	return &cli.IntFlag{Name: "keep-versions", EnvVars: []string{"FAZT_KEEP_VERSIONS"},
		Usage: "keep `N` versions of an app, default $FAZT_KEEP_VERSIONS, else 10"}
}

func deploy(c *cli.Context) error {
	dir, err := appDir(c)
	if err != nil {
		return err
	}
	if err := checkApp(dir); err != nil {
		return err
	}
	plan, err := planToBuild(c, dir, dir)
	if err != nil {
		return err
	}
	return deployDir(c, dir, "", plan, api.Source{})
}

// appDir is the argument, or without one the directory that the command is run in, if that
// is an app's.
func appDir(c *cli.Context) (string, error) {
	args, err := arguments(c, "[dir]")
	if err != nil {
		return "", err
	}
	if args[0] != "" {
		return args[0], nil
	}
	for _, name := range []string{"fazt.json", "manifest.json", "api", "index.html"} {
		if _, err := os.Stat(name); err == nil {
			return ".", nil
		}
	}
	return "", usagef("<dir> is missing, and there is no fazt.json, manifest.json, api/ or index.html here; for example: %s", example(c.Command))
}

// planToBuild is planBuild for a deploy. That --no-build leaves something undone is
// not done without a word.
func planToBuild(c *cli.Context, dir, title string) (*build, error) {
	plan, err := planBuild(dir)
	if c.Bool("no-build") {
		if plan != nil || err != nil {
			note(c.App.ErrWriter, "%s is deployed as it is: its build script is not run", title)
		}
		return nil, nil
	}
	return plan, err
}

// deployDir deploys a directory, or what its build makes. Where neither the command
// line nor a manifest has a name, it is called as given, or as the directory.
func deployDir(c *cli.Context, dir, called string, plan *build, from api.Source) error {
	s, err := readApp(c, dir, plan)
	if err != nil {
		return err
	}
	defer s.close()
	s.called, s.from = called, from.URL
	name := c.String("name")
	if name == "" {
		if name, err = s.appName(); err != nil {
			return err
		}
	}
	app, made, err := bundleApp(c, s, true)
	if err != nil {
		return err
	}
	tellBundle(c, made)
	opts := []api.DeployOption{api.From(from)}
	if c.IsSet("spa") {
		opts = append(opts, api.SPA(c.Bool("spa")))
	}
	check := func(data location) error { return checkOutside(data, c.String("key-file"), dir) }
	return onNewService(c, check, func(server api.Service) error {
		bar := newProgress(c, server)
		made, err := server.Deploy(c.Context, name, app, append(opts, api.Progress(bar.tell))...)
		bar.end()
		if err != nil {
			return interrupted(c, server, name, err)
		}
		s.tellLeft(c)
		tellWarnings(c, made.Warnings)
		at, err := addressOf(c.Context, server, made.App)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.App.Writer, "%s: %s\n%s", made.App, deployed(made), at)
		return err
	})
}

// interrupted is the error of a deploy, in plainer words where a signal has ended it here
// before there was anything to serve. Whether a peer has gone on, nobody here knows.
func interrupted(c *cli.Context, server api.Service, name string, err error) error {
	if _, ok := server.(*remote); ok || c.Context.Err() == nil {
		return err
	}
	if e, ok := errors.AsType[*storage.Error](err); ok && e.Op == "publish" {
		return err
	}
	return fmt.Errorf("interrupted; %s is as it was", name)
}

// readApp reads what of a directory is deployed: it as it is, or what its build makes.
func readApp(c *cli.Context, dir string, plan *build) (*source, error) {
	private := c.Bool("include-private")
	s, err := readSource(dir, private)
	if err != nil {
		return nil, err
	}
	if plan != nil {
		s.close()
		output, err := plan.run(c)
		if err != nil {
			return nil, err
		}
		if s, err = readBuilt(dir, output, private); err != nil {
			return nil, err
		}
	}
	if s.privateIgnored && !private {
		note(c.App.ErrWriter, "warning: private/ is git-ignored and left out; deploy it with --include-private")
	}
	return s, nil
}

// tellLeft says how much was left out, and with --verbose what.
func (s *source) tellLeft(c *cli.Context) {
	switch n := len(s.left); {
	case n == 0:
	case c.Bool("verbose"):
		for _, name := range s.left {
			note(c.App.ErrWriter, "left out: %s", name)
		}
	case n == 1:
		note(c.App.ErrWriter, "left out: %s", s.left[0])
	default:
		note(c.App.ErrWriter, "left out: %s and %d more, which --verbose names", s.left[0], n-1)
	}
}

func tellWarnings(c *cli.Context, warnings []string) {
	for _, w := range warnings {
		note(c.App.ErrWriter, "warning: %s", w)
	}
}

// progress is a line on a terminal that says how far a deploy is.
type progress struct {
	c     *cli.Context
	doing string
	shown time.Time
	on    bool // a line stands there
}

func newProgress(c *cli.Context, server api.Service) *progress {
	doing := "storing"
	if _, ok := server.(*remote); ok {
		doing = "sending"
	}
	return &progress{c: c, doing: doing, shown: time.Now()}
}

// tell shows how far it is, ten times a second at most. What is quick shows nothing.
func (p *progress) tell(done, total int64) {
	if !isTerminal(p.c.App.ErrWriter) || time.Since(p.shown) < 100*time.Millisecond {
		return
	}
	p.shown, p.on = time.Now(), true
	text := fmt.Sprintf("%s %s of %s", p.doing, size(done), size(total))
	if done == total && p.doing == "sending" {
		text = "sent; the server stores it"
	}
	fmt.Fprintf(p.c.App.ErrWriter, "\r\x1b[K%s", text)
}

func (p *progress) end() {
	if p.on {
		fmt.Fprint(p.c.App.ErrWriter, "\r\x1b[K")
	}
}

func validateCommand() *cli.Command {
	return &cli.Command{
		Name:        "validate",
		Category:    hereOnly,
		Usage:       "check a directory as a deploy would, and change nothing",
		ArgsUsage:   "[dir]",
		Description: "fazt app validate ./my-app",
		Action:      validate,
	}
}

// validate deploys to a data file that is thrown away: what it finds is what a
// deploy finds.
func validate(c *cli.Context) (err error) {
	dir, err := appDir(c)
	if err != nil {
		return err
	}
	if err := checkApp(dir); err != nil {
		return err
	}
	s, err := readSource(dir, true)
	if err != nil {
		return err
	}
	defer s.close()
	name, err := s.appName()
	if err != nil {
		return err
	}
	if plan, err := planBuild(dir); err != nil {
		note(c.App.ErrWriter, "warning: %v", err)
	} else if plan != nil {
		note(c.App.ErrWriter, "warning: this is the folder as it is; a deploy runs the build script of its package.json first")
	}
	app, bundled, err := bundleApp(c, s, false)
	if err != nil {
		return err
	}
	tellBundle(c, bundled)
	scratch, err := os.MkdirTemp("", "fazt-validate-")
	if err != nil {
		return fmt.Errorf("cannot make a scratch directory: %w; set TMPDIR to one that is writable", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	opt := fazt.Options{}
	return withServer(c.Context, location(filepath.Join(scratch, "data.db")), opt, func(server *fazt.Server) error {
		made, err := server.Deploy(c.Context, name, app)
		if err != nil {
			return err
		}
		s.tellLeft(c)
		tellWarnings(c, made.Warnings)
		_, err = fmt.Fprintf(c.App.Writer, "%s is valid: %s\n", made.App, contents(made))
		return err
	})
}
