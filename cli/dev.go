package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/frontdoor"
	"github.com/fazt-sh/fazt/runtime"
)

func devCommand() *cli.Command {
	return &cli.Command{
		Name:      "dev",
		Category:  hereOnly,
		Usage:     "serve a directory on this machine, and again after each change",
		ArgsUsage: "[dir]",
		Flags: []cli.Flag{
			addrFlag(),
			&cli.StringFlag{Name: "name", Usage: "the app's `NAME`, default the manifest's, else the directory's"},
			dbFlag(),
		},
		Description: "fazt dev ./my-app\nfazt dev --addr 127.0.0.1:9000\n" +
			"fazt dev ./my-app --db ./dev.db  # a data file of its own, apart from what fazt serve serves",
		Action: dev,
	}
}

func dev(c *cli.Context) error {
	dir := "."
	if c.Args().Present() {
		args, err := arguments(c, "<dir>")
		if err != nil {
			return err
		}
		dir = args[0]
	}
	if err := checkAddr("addr", c.String("addr"), true); err != nil {
		return err
	}
	if err := checkApp(dir); err != nil {
		return err
	}
	watched, err := newWatcher(dir)
	if err != nil {
		return err
	}
	defer watched.close()
	first, err := watched.read()
	if err != nil {
		return err
	}
	name := c.String("name")
	if name == "" {
		if name, err = first.appName(); err != nil {
			return err
		}
	}
	name = strings.ToLower(name) // as it is deployed
	path, err := dataFile(c)
	if err != nil {
		return err
	}
	if err := checkOutside(path, c.String("key-file"), dir); err != nil {
		return err
	}
	l, err := devListener(c)
	if err != nil {
		return err
	}
	defer l.Close()
	out := newConsole(c.App.Writer, name)
	opt := fazt.Options{
		DataFile: path, KeyFile: c.String("key-file"), Home: name, Dev: true, Logger: slog.New(out),
		// Only this machine's programs get here, all from one address: a limit
		// would keep no stranger out, but spoil a load test of one's own app.
		// How many handlers run at once is bounded all the same.
		RateLimit: frontdoor.NoRateLimit,
	}
	return withServer(c.Context, opt, func(server *fazt.Server) error {
		d := &development{server: server, dataFile: path, name: name, out: out, watched: watched}
		return d.run(c.Context, l, first)
	})
}

// devListener opens --addr, or without it the default port or one near.
func devListener(c *cli.Context) (net.Listener, error) {
	if c.IsSet("addr") {
		return listen(c.Context, c.String("addr"))
	}
	l, err := listen(c.Context, near()...)
	if err == nil && l.Addr().String() != defaultAddr {
		note(c.App.ErrWriter, "%s is in use; listening on %s", defaultAddr, l.Addr())
	}
	return l, err
}

// development keeps a running app at the state of its directory.
type development struct {
	server   *fazt.Server
	dataFile string
	name     string
	out      *console
	watched  *watcher
	version  int  // that is served; 0 is none of ours yet
	noted    bool // that a git-ignored private/ is deployed
}

// run serves on l and redeploys until ctx ends.
func (d *development) run(ctx context.Context, l net.Listener, first *source) error {
	made, err := d.server.Deploy(ctx, d.name, first)
	if _, mendable := errors.AsType[*runtime.Error](err); err != nil && !mendable {
		return err // unlike JavaScript that is being worked on
	}
	fmt.Fprintf(d.out, "\n  %s is at %s\n  Sign in there, or at %s, as anybody.\n  Saving a file deploys it; Ctrl+C stops.\n\n",
		d.out.paint(bold, d.name), d.out.paint(bold, appURL(d.name, l)), devSignInURL(l))
	d.report(made, err)
	if err := d.notePrivate(ctx, first, made); err != nil {
		return err
	}

	ctx, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() {
		defer stop()
		served <- d.server.Serve(ctx, l)
	}()
	err = d.follow(ctx, first)
	stop()
	return errors.Join(err, <-served)
}

// follow redeploys after each change. It returns nil when ctx ends.
func (d *development) follow(ctx context.Context, last *source) error {
	for {
		err := d.watched.wait(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		now, err := d.watched.read()
		if err != nil {
			d.report(nil, err)
			continue
		}
		if now.same(last) {
			now.close()
			continue
		}
		last.close()
		last = now
		made, err := d.server.Deploy(ctx, d.name, now)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, fs.ErrNotExist):
			continue // removed since it was listed, so there is an event to come
		}
		d.report(made, err)
		if err := d.notePrivate(ctx, now, made); err != nil && ctx.Err() == nil {
			d.report(nil, err)
		}
	}
}

// notePrivate says once that a git-ignored private/ is deployed, where others
// than dev may serve it: a data file with more apps is hardly dev's own.
func (d *development) notePrivate(ctx context.Context, s *source, made *api.Deployment) error {
	if d.noted || !s.privateIgnored || made == nil {
		return nil
	}
	apps, err := d.server.Apps(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(apps, func(a api.App) bool { return a.Name != d.name }) {
		d.noted = true
		d.out.event(time.Now(), dim, "note", "private/ is git-ignored, and now in "+d.dataFile+" beside other apps; --db gives dev a data file of its own")
	}
	return nil
}

// report prints how a deploy went.
func (d *development) report(made *api.Deployment, err error) {
	if err == nil {
		d.version = made.Version
		d.out.event(time.Now(), green, "ok", deployed(made))
		return
	}
	text := describe(err)
	if d.version > 0 {
		text += fmt.Sprintf("\nversion %d stays", d.version)
	}
	d.out.event(time.Now(), red, "error", text)
}
