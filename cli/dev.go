package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/frontdoor"
)

func devCommand() *cli.Command {
	return &cli.Command{
		Name:      "dev",
		Category:  hereOnly,
		Usage:     "serve directories on this machine, and again after each change",
		ArgsUsage: "[dir...]",
		Flags: []cli.Flag{
			addrFlag(),
			&cli.StringFlag{Name: "name", Usage: "the app's `NAME`, default the manifest's, else the directory's"},
			// Their variables are about the server's data, which this never touches.
			&cli.StringFlag{Name: "db", Usage: "data `FILE`, default .fazt/dev.db in the first directory"},
			&cli.StringFlag{Name: "key-file", Usage: "encrypt secrets by the key in `FILE`, default the data file's + .key", Hidden: true},
		},
		Description: "fazt dev ./my-app\nfazt dev ./shop ./blog  # several apps, each with its URL\nfazt dev --addr 127.0.0.1:9000",
		Action:      dev,
	}
}

func dev(c *cli.Context) error {
	dirs := c.Args().Slice()
	if len(dirs) == 0 {
		dirs = []string{"."}
	}
	if len(dirs) > 1 && c.String("name") != "" {
		return usagef("--name is for one directory; name each app in its fazt.json")
	}
	if err := checkAddr("addr", c.String("addr"), true); err != nil {
		return err
	}
	apps, err := openApps(dirs, c.String("name"))
	for _, d := range apps {
		defer d.watched.close()
	}
	if err != nil {
		return err
	}
	data, err := devData(c, dirs[0])
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if err := checkOutside(data, c.String("key-file"), dir); err != nil {
			return err
		}
	}
	l, err := devListener(c)
	if err != nil {
		return err
	}
	defer l.Close()
	only := apps[0].name
	if len(apps) > 1 {
		only = "" // each line says whose it is
	}
	out := newConsole(c.App.Writer, only)
	opt := fazt.Options{
		KeyFile: c.String("key-file"), Home: apps[0].name, Dev: true, Logger: slog.New(out),
		// Only this machine's programs get here, all from one address: a limit
		// would keep no stranger out, but spoil a load test of one's own app.
		// How many handlers run at once is bounded all the same.
		RateLimit: frontdoor.NoRateLimit,
	}
	return withServer(c.Context, data, opt, func(server *fazt.Server) error {
		return develop(c.Context, developments{server: server, c: c, data: data, out: out, apps: apps}, l)
	})
}

// openApps reads and watches the directories, for apps of different names. Close the
// watchers, those that come with an error too.
func openApps(dirs []string, name string) (apps []*development, err error) {
	byName := make(map[string]string)
	for _, dir := range dirs {
		if err := checkApp(dir); err != nil {
			return apps, err
		}
		watched, err := newWatcher(dir)
		if err != nil {
			return apps, err
		}
		d := &development{name: name, watched: watched}
		apps = append(apps, d)
		if d.last, err = watched.read(); err != nil {
			return apps, err
		}
		if d.name == "" {
			if d.name, err = d.last.appName(); err != nil {
				return apps, err
			}
		}
		d.name = strings.ToLower(d.name) // as it is deployed
		if other, ok := byName[d.name]; ok {
			return apps, fmt.Errorf("%s and %s are both named %s; give one of them another \"name\" in its fazt.json", other, dir, d.name)
		}
		byName[d.name] = dir
	}
	return apps, nil
}

// devData is where the data of development is: --db, or a directory of its own in
// the app's, which is neither deployed nor committed.
func devData(c *cli.Context, dir string) (location, error) {
	text := c.String("db")
	if text == "" {
		own := filepath.Join(dir, ".fazt")
		text = filepath.Join(own, "dev.db")
		if err := makeIgnored(own); err != nil {
			return "", fmt.Errorf("cannot keep data in %s: %w; name another data file with --db", own, err)
		}
	}
	data, err := parseLocation(text)
	if err == nil {
		data.warn(c)
	}
	return data, err
}

// makeIgnored makes a directory, if need be, that git leaves out.
func makeIgnored(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, ".gitignore"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil // as somebody wants it
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString("*\n")
	return errors.Join(err, f.Close())
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
