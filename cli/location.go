package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/auth/passkey"
	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/postgres"
)

// location is where a command's data is: the path of a data file, or the URL of a
// database.
type location string

// aURL is what is taken for a URL and not for a path. A drive of Windows has one
// letter.
var aURL = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]+:/`)

// parseLocation checks that a command can work on what --db says.
func parseLocation(text string) (location, error) {
	if !aURL.MatchString(text) {
		if strings.Contains(text, "host=") || strings.Contains(text, "dbname=") {
			return "", usagef("--db takes no list of parameters; give postgres://user@host:5432/name, or the path of a data file")
		}
		return location(text), checkNoPipe(text)
	}
	if scheme, rest, _ := strings.Cut(text, ":"); !strings.HasPrefix(rest, "//") || scheme != "postgres" && scheme != "postgresql" {
		return "", usagef("--db %s:... is no kind of database that fazt knows; give postgres://user@host:5432/name, or the path of a data file", scheme)
	}
	return location(text), nil
}

// isDatabase reports whether the data is not in a file of this machine's.
func (p location) isDatabase() bool { return aURL.MatchString(string(p)) }

// String is the location as people see it, without a password.
func (p location) String() string {
	if !p.isDatabase() {
		return string(p)
	}
	scheme, user, _, rest := p.parts()
	if user != "" {
		user += "@"
	}
	return scheme + "://" + user + rest
}

// parts takes a URL apart: its user, password and rest, which has no query. There may be
// several hosts in it, which package net/url does not read.
func (p location) parts() (scheme, user, password, rest string) {
	scheme, rest, _ = strings.Cut(string(p), "://")
	// A password may have a ?, though it should be escaped: then the @ is behind it.
	at := strings.LastIndexByte(rest[:max(0, strings.IndexByte(rest+"?", '?'))], '@')
	if at < 0 {
		at = strings.IndexByte(rest, '@')
	}
	if at >= 0 {
		user, rest = rest[:at], rest[at+1:]
		user, password, _ = strings.Cut(user, ":")
	}
	rest, query, _ := strings.Cut(rest, "?")
	if values, err := url.ParseQuery(query); err == nil && values.Has("password") {
		password = values.Get("password")
	}
	return scheme, user, password, rest
}

// keyFile is where the key file is, or is to be; "" where there is none by default.
func (p location) keyFile(c *cli.Context) string {
	if key := c.String("key-file"); key != "" || p.isDatabase() {
		return key
	}
	return fazt.DefaultKeyFile(string(p))
}

// checkThere refuses a data file that is not there. Whether a database is there
// shows when it is asked.
func (p location) checkThere() error {
	if p.isDatabase() {
		return nil
	}
	if _, err := os.Stat(string(p)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no data file %s; run fazt serve or fazt app deploy first, or check --db", p)
	}
	return nil
}

// warn tells of a data file, and of its key file, that are not their owner's alone,
// and of a password that others on this machine can see.
func (p location) warn(c *cli.Context) {
	files := []struct{ what, path string }{{"key", p.keyFile(c)}}
	if !p.isDatabase() {
		files = append(files, struct{ what, path string }{"data", string(p)})
	} else if _, _, password, _ := p.parts(); password != "" && inArguments(string(p)) {
		note(c.App.ErrWriter, "warning: others on this machine can see the database's password in the list of processes; give the URL by FAZT_DB_PATH, or keep the password in ~/.pgpass")
	}
	for _, f := range files {
		// Windows has other means, and shows every file as readable by all.
		info, err := os.Stat(f.path)
		if err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o066 != 0 {
			note(c.App.ErrWriter, "warning: others on this machine can read or write the %s file; keep it to yourself with: chmod 600 %s", f.what, f.path)
		}
	}
}

// inArguments reports whether a text is a part of this process's command line.
func inArguments(text string) bool {
	for _, arg := range os.Args {
		if arg == text || arg == "--db="+text || arg == "-db="+text {
			return true
		}
	}
	return false
}

// locate is where the data is, or is to be.
func locate(c *cli.Context) (location, error) {
	if text := c.String("db"); text != "" {
		return parseLocation(text)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("cannot find the home directory: %w; name the data file with --db", err)
	}
	path := filepath.Join(home, ".fazt", "data.db")
	return location(path), checkNoPipe(path)
}

// checkNoPipe refuses a path that is there and cannot be a data file or a
// backup: to open a named pipe would be to wait for whoever writes into it.
func checkNoPipe(path string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file; name another", path)
	}
	return nil
}

// open makes options of what a location has. The store that it opens, if it is a
// database, is closed by close.
func (p location) open(ctx context.Context, opt fazt.Options) (_ fazt.Options, close func() error, err error) {
	if !p.isDatabase() {
		opt.DataFile = string(p)
		return opt, func() error { return nil }, nil
	}
	store, err := postgres.Open(ctx, string(p), postgres.Options{Logger: opt.Logger, Quotas: opt.Quotas})
	if err != nil {
		return opt, nil, err
	}
	opt.Store, opt.Quotas = store, storage.Quotas{}
	return opt, store.Close, nil
}

// withServer opens a location, lends the server to do, and closes it.
func withServer(ctx context.Context, p location, opt fazt.Options, do func(*fazt.Server) error) error {
	opt, closeStore, err := p.open(ctx, opt)
	if err != nil {
		return err
	}
	opt.Passkeys = passkey.New()
	server, err := fazt.New(ctx, opt)
	if err != nil {
		return errors.Join(err, closeStore())
	}
	return errors.Join(do(server), server.Close(), closeStore())
}
