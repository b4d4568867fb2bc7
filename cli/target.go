package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth/passkey"
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

// dbFlag is the flag of every command that works on a data file.
func dbFlag() cli.Flag {
	return &cli.StringFlag{
		Name:    "db",
		EnvVars: []string{"FAZT_DB_PATH"},
		Usage:   "data `FILE`, default $FAZT_DB_PATH, else ~/.fazt/data.db",
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

// dataFilePath is where the data file is, or is to be, for a command that works on
// it alone.
func dataFilePath(c *cli.Context) (string, error) {
	if name := targetOf(c); name != "" && name != storage.LocalPeer {
		return "", usagef("%s works on this machine's data file alone; leave out @%s, or run it there", c.Command.HelpName, name)
	}
	return locate(c)
}

// locate is where the data file is, or is to be.
func locate(c *cli.Context) (string, error) {
	if path := c.String("db"); path != "" {
		return path, checkNoPipe(path)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("cannot find the home directory: %w; name the data file with --db", err)
	}
	path := filepath.Join(home, ".fazt", "data.db")
	return path, checkNoPipe(path)
}

// checkNoPipe refuses a path that is there and cannot be a data file or a
// backup: to open a named pipe would be to wait for whoever writes into it.
func checkNoPipe(path string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file; name another", path)
	}
	return nil
}

// dataFile is dataFilePath for commands that open the file, which makes it, and
// its directory, if need be. It warns of a file that is not its owner's alone.
func dataFile(c *cli.Context) (string, error) {
	path, err := dataFilePath(c)
	if err == nil {
		warnOfMode(c, path)
	}
	return path, err
}

// warnOfMode warns of a data file, and of its key file, that are not their owner's
// alone.
func warnOfMode(c *cli.Context, path string) {
	for _, f := range []struct{ what, path string }{{"data", path}, {"key", keyFilePath(c, path)}} {
		// Windows has other means, and shows every file as readable by all.
		info, err := os.Stat(f.path)
		if err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o066 != 0 {
			note(c.App.ErrWriter, "warning: others on this machine can read or write the %s file; keep it to yourself with: chmod 600 %s", f.what, f.path)
		}
	}
}

// existingDataFile is dataFile for commands that must not make one.
func existingDataFile(c *cli.Context) (string, error) {
	path, err := dataFile(c)
	if err == nil {
		err = checkThere(path)
	}
	return path, err
}

// checkThere refuses a data file that is not there.
func checkThere(path string) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no data file %s; run fazt serve or fazt app deploy first, or check --db", path)
	}
	return nil
}

// onService lends do the server that the command is about: the data file, which is
// to be there, or the peer that the line names, or else the default one.
func onService(c *cli.Context, do func(api.Service) error) error {
	return onNewService(c, checkThere, do)
}

// onNewService is onService for commands that may make the data file. Of its path
// check says first whether it may be used.
func onNewService(c *cli.Context, check func(path string) error, do func(api.Service) error) error {
	path, err := locate(c)
	if err != nil {
		return err
	}
	warnOfMode(c, path)
	named := targetOf(c)
	if named == "" || named == storage.LocalPeer {
		err = check(path)
	} else if _, statErr := os.Stat(path); errors.Is(statErr, fs.ErrNotExist) {
		err = noPeer(named)
	}
	if err != nil {
		return err
	}
	var peer *storage.Peer
	opt := fazt.Options{DataFile: path, KeyFile: c.String("key-file"), Deploy: fazt.DeployLimits{KeepVersions: c.Int("keep-versions")}}
	err = withServer(c.Context, opt, func(server *fazt.Server) error {
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
	path, err := locate(c)
	if err != nil || named == storage.LocalPeer {
		return nil, err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if named != "" {
			return nil, noPeer(named)
		}
		return nil, nil
	}
	err = withServer(c.Context, fazt.Options{DataFile: path, KeyFile: c.String("key-file")}, func(server *fazt.Server) error {
		peer, err = findPeer(c.Context, server.Store(), named)
		return err
	})
	return peer, err
}

// onDataFile lends do a server on a data file that is there, for what only the owner
// of the machine may do.
func onDataFile(c *cli.Context, do func(*fazt.Server) error) error {
	path, err := existingDataFile(c)
	if err != nil {
		return err
	}
	return withServer(c.Context, fazt.Options{DataFile: path, KeyFile: c.String("key-file")}, do)
}

// withServer opens the data file, lends the server to do, and closes it.
func withServer(ctx context.Context, opt fazt.Options, do func(*fazt.Server) error) error {
	opt.Passkeys = passkey.New()
	server, err := fazt.New(ctx, opt)
	if err != nil {
		return err
	}
	return errors.Join(do(server), server.Close())
}
