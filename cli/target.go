package cli

import (
	"context"
	"log/slog"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

// target is the peer that a command line names: "" for none, [storage.LocalPeer] for
// the data file.
type target struct{}

func withTarget(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, target{}, name)
}

func targetOf(c *cli.Context) string {
	name, _ := c.Context.Value(target{}).(string)
	return name
}

// dbFlag is the flag of every command that works on data.
func dbFlag() cli.Flag {
	return &cli.StringFlag{
		Name:    "db",
		EnvVars: []string{"FAZT_DB_PATH"},
		Usage:   "data `FILE` or postgres:// URL, default $FAZT_DB_PATH, else ~/.fazt/data.db",
	}
}

// keyFileFlag is the flag of every command that opens the data file. It is shown where
// people look for it.
func keyFileFlag(hidden bool) cli.Flag {
	return &cli.StringFlag{
		Name:    "key-file",
		EnvVars: []string{"FAZT_KEY_FILE"},
		Usage:   "encrypt secrets by the key in `FILE`, default the data file's + .key",
		Hidden:  hidden,
	}
}

// ownLocation is where the data is, or is to be, for a command that works on it alone.
func ownLocation(c *cli.Context) (location, error) {
	if name := targetOf(c); name != "" && name != storage.LocalPeer {
		return "", usagef("%s works on this machine's data alone; leave out @%s, or run it there", c.Command.HelpName, name)
	}
	return locate(c)
}

// ownData is ownLocation for commands that open the data, which makes a data file, and
// its directory, if need be. It warns of one that is not its owner's alone.
func ownData(c *cli.Context) (location, error) {
	p, err := ownLocation(c)
	if err == nil {
		p.warn(c)
	}
	return p, err
}

// existingData is ownData for commands that must not make a data file.
func existingData(c *cli.Context) (location, error) {
	p, err := ownData(c)
	if err == nil {
		err = p.checkThere()
	}
	return p, err
}

// onService lends do the server that the command is about: the data file, which is
// to be there, or the peer that the line names, or else the default one.
func onService(c *cli.Context, do func(api.Service) error) error {
	return onNewService(c, location.checkThere, do)
}

// onNewService is onService for commands that may make the data file. Of its location
// check says first whether it may be used.
func onNewService(c *cli.Context, check func(location) error, do func(api.Service) error) error {
	p, err := locate(c)
	if err != nil {
		return err
	}
	p.warn(c)
	named := targetOf(c)
	if named == "" || named == storage.LocalPeer {
		err = check(p)
	} else if p.checkThere() != nil {
		err = noPeer(named)
	}
	if err != nil {
		return err
	}
	var peer *storage.Peer
	opt := commandOptions(c)
	opt.Deploy.KeepVersions = c.Int("keep-versions")
	err = withServer(c.Context, p, opt, func(server *fazt.Server) error {
		if peer, err = findPeer(c.Context, server.Store(), named); err != nil || peer != nil {
			return err
		}
		return do(server)
	})
	// The data file is closed by now: what is done on a peer may take long.
	if err != nil || peer == nil {
		return err
	}
	if named == "" && isTerminal(c.App.ErrWriter) {
		note(c.App.ErrWriter, "on @%s, the default peer; fazt @local is this machine's data file", peer.Name)
	}
	return onPeer(c, *peer, do)
}

// peerOf is the peer that a command is about, or nil if it is about the data file.
func peerOf(c *cli.Context) (peer *storage.Peer, err error) {
	named := targetOf(c)
	p, err := locate(c)
	if err != nil || named == storage.LocalPeer {
		return nil, err
	}
	if p.checkThere() != nil {
		if named != "" {
			return nil, noPeer(named)
		}
		return nil, nil
	}
	err = withServer(c.Context, p, commandOptions(c), func(server *fazt.Server) error {
		peer, err = findPeer(c.Context, server.Store(), named)
		return err
	})
	return peer, err
}

// commandOptions are those of a server that is there for one command: its error says what
// failed, in one line, and its log would say it a second time. --verbose has the log.
func commandOptions(c *cli.Context) fazt.Options {
	opt := fazt.Options{KeyFile: c.String("key-file"), Logger: slog.New(slog.DiscardHandler)}
	if c.Bool("verbose") {
		opt.Logger = slog.New(slog.NewTextHandler(c.App.ErrWriter, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	return opt
}

// onOwnData lends do a server on the data that is there, for what only the owner
// of the machine may do.
func onOwnData(c *cli.Context, do func(*fazt.Server) error) error {
	p, err := existingData(c)
	if err != nil {
		return err
	}
	return withServer(c.Context, p, commandOptions(c), do)
}
