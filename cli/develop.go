package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"slices"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
)

// developments are the apps of one fazt dev.
type developments struct {
	server *fazt.Server
	c      *cli.Context
	data   location
	out    *console
	apps   []*development
}

// development keeps a running app at the state of its directory.
type development struct {
	*developments
	name    string
	watched *watcher
	last    *source // what was deployed, or could not be
	version int     // that is served; 0 is none of ours yet
	noted   bool    // that a git-ignored private/ is deployed
}

// develop serves all on l and redeploys them until ctx ends.
func develop(ctx context.Context, all developments, l net.Listener) error {
	out := all.out
	fmt.Fprintln(out)
	for _, d := range all.apps {
		d.developments = &all
		fmt.Fprintf(out, "  %s is at %s\n", out.paint(bold, d.name), out.paint(bold, appURL(d.name, l)))
	}
	fmt.Fprintf(out, "  Sign in there, or at %s, as anybody.\n  Saving a file deploys it; Ctrl+C stops.\n\n", devSignInURL(l))
	for _, d := range all.apps {
		made, err := d.deploy(ctx, true)
		if err != nil && (!errors.Is(err, fazt.ErrInvalidApp) || len(d.last.files) == 0) {
			return err // unlike what is being worked on
		}
		d.report(ctx, made, err)
		d.noteBuild()
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return all.server.Serve(ctx, l) })
	for _, d := range all.apps {
		group.Go(func() error { return d.follow(ctx) })
	}
	return group.Wait()
}

// deploy deploys what was read last, bundled if need be. The first time packages are
// installed, too.
func (d *development) deploy(ctx context.Context, first bool) (*api.Deployment, error) {
	app, made, err := bundleApp(d.c, d.last, first)
	if err != nil {
		// By a deploy that fails for it, the app's pages hear of it.
		_, _ = d.server.Deploy(ctx, d.name, unreadable{err})
		return nil, err
	}
	deployed, err := d.server.Deploy(ctx, d.name, app)
	if made != nil && err == nil {
		deployed.Warnings = append(made.Warnings, deployed.Warnings...)
	}
	return deployed, err
}

// unreadable is an app that cannot be read.
type unreadable struct{ err error }

func (u unreadable) Open(string) (fs.File, error) { return nil, u.err }

// follow redeploys after each change. It returns nil when ctx ends.
func (d *development) follow(ctx context.Context) error {
	for {
		if err := d.watched.wait(ctx); ctx.Err() != nil {
			return nil
		} else if err != nil {
			return err
		}
		d.update(ctx)
	}
}

// What could be a save that is half done, a mistake or a file that has become empty, is
// looked at again after halfSaved, for as long as it changes, but no longer than
// halfSavedAtMost.
const (
	halfSaved       = 200 * time.Millisecond
	halfSavedAtMost = 3 * time.Second
)

// update deploys the directory if it has changed.
func (d *development) update(ctx context.Context) {
	var failed error
	for began := time.Now(); ; {
		now, err := d.watched.read()
		if err == nil && now.same(d.last) {
			now.close()
			break
		}
		patient := time.Since(began) < halfSavedAtMost
		switch {
		case err != nil && failed != nil:
			patient = false // it is not there, and was not before
		case err == nil && patient && failed == nil && now.emptied(d.last):
			now.close()
			failed = errHalfSaved
		case err == nil:
			d.last.close()
			d.last = now
			made, deployErr := d.deploy(ctx, false)
			if err = deployErr; err == nil {
				d.report(ctx, made, nil)
				return
			}
		}
		if err != nil {
			failed = err
		}
		if !patient {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(halfSaved):
		}
		if ctx.Err() != nil {
			return
		}
	}
	if failed != nil && failed != errHalfSaved && ctx.Err() == nil {
		d.report(ctx, nil, failed)
	}
}

// errHalfSaved stands for a file that has become empty, which editors write after.
var errHalfSaved = errors.New("a file is empty")

// emptied reports whether a file has lost all that it had.
func (s *source) emptied(before *source) bool {
	for name, f := range s.files {
		if was, ok := before.files[name]; ok && f.Size() == 0 && was.Size() > 0 {
			return true
		}
	}
	return false
}

// report prints how a deploy went.
func (d *development) report(ctx context.Context, made *api.Deployment, err error) {
	of := ""
	if len(d.apps) > 1 {
		of = d.name + ": "
	}
	if err == nil {
		d.version = made.Version
		d.out.event(time.Now(), green, "ok", of+deployed(made))
		for _, w := range made.Warnings {
			d.out.event(time.Now(), yellow, "warn", of+w)
		}
		d.notePrivate(ctx)
		return
	}
	text := of + describe(err)
	if d.version > 0 {
		text += fmt.Sprintf("\nversion %d stays", d.version)
	}
	d.out.event(time.Now(), red, "error", text)
}

// noteBuild says that a build script is not run: the page of a framework's sources is blank.
func (d *development) noteBuild() {
	if plan, err := planBuild(d.last.dir); err != nil || plan == nil {
		return // a deploy says what is wrong with a package.json
	}
	of := ""
	if len(d.apps) > 1 {
		of = d.name + ": "
	}
	d.out.event(time.Now(), yellow, "warn", of+"this is the folder as it is, and a deploy builds it first; run its own dev server beside this one, and have that pass /api on to here: docs/dev.md")
}

// notePrivate says once that a git-ignored private/ is deployed, where others
// than dev may serve it: a data file with more apps is hardly dev's own.
func (d *development) notePrivate(ctx context.Context) {
	if d.noted || !d.last.privateIgnored {
		return
	}
	apps, err := d.server.Apps(ctx)
	if err != nil {
		return // the next deploy may say so
	}
	own := func(name string) bool {
		return slices.ContainsFunc(d.apps, func(o *development) bool { return o.name == name })
	}
	if slices.ContainsFunc(apps, func(a api.App) bool { return !own(a.Name) }) {
		d.noted = true
		d.out.event(time.Now(), dim, "note", "private/ is git-ignored, and now in "+d.data.String()+" beside other apps; leave out --db, or name a data file of its own")
	}
}
