package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/backups"
	"github.com/fazt-sh/fazt/storage/postgres"
)

func backupCommand() *cli.Command {
	return &cli.Command{
		Name:        "backup",
		Usage:       "copy everything to a new file, of a running server too",
		ArgsUsage:   "<file>",
		Flags:       []cli.Flag{dbFlag()},
		Description: "fazt backup monday.db\nfazt backup /backups/$(date +%F).db --db /var/lib/fazt/data.db\nfazt @zyt backup zyt.db",
		Action:      backup,
	}
}

func restoreCommand() *cli.Command {
	return &cli.Command{
		Name:      "restore",
		Category:  hereOnly,
		Usage:     "make a backup the data file, or fill an empty database; stop the server first",
		ArgsUsage: "<file>",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "force", Usage: "replace a data file that is there"},
			formatFlag(),
			dbFlag(),
		},
		Description: "fazt restore monday.db\nfazt restore monday.db --force\nfazt restore monday.db --db postgres://fazt@db.internal/fazt",
		Action:      restore,
	}
}

func backup(c *cli.Context) error {
	args, err := arguments(c, "<file>")
	if err != nil {
		return err
	}
	remote, err := onAPeer(c)
	if err != nil {
		return err
	}
	progress, done := progressLine(c.App.ErrWriter, "copying")
	if remote {
		err = onService(c, func(server api.Service) error { return server.Backup(c.Context, args[0], progress) })
	} else {
		err = backupHere(c, args[0], progress)
	}
	done()
	if c.Context.Err() != nil && err != nil {
		return fmt.Errorf("interrupted; nothing is left of %s", args[0])
	}
	if err != nil {
		return err
	}
	if data, err := locate(c); err == nil && !remote {
		warnOfKey(c, data)
	}
	return printCopied(c, args[0], "saved in "+args[0])
}

// backupHere copies a data file as it is. A server on it would bring it up to date
// first, and the copy that one makes before that is the one to go back to.
func backupHere(c *cli.Context, file string, progress func(done, total int64)) error {
	data, err := locate(c)
	if err != nil {
		return err
	}
	data.warn(c)
	if err := data.checkThere(); err != nil {
		return err
	}
	if data.isDatabase() {
		return onOwnData(c, func(server *fazt.Server) error { return server.Store().Backup(c.Context, file, progress) })
	}
	return fazt.BackupFile(c.Context, string(data), file, progress)
}

// onAPeer reports whether the command is about a peer: the one that the line names,
// or the default one.
func onAPeer(c *cli.Context) (bool, error) {
	if named := targetOf(c); named != "" {
		return named != storage.LocalPeer, nil
	}
	data, err := locate(c)
	if err != nil {
		return false, err
	}
	if data.isDatabase() {
		peer, err := peerOf(c)
		return peer != nil, err
	}
	table, err := fazt.QueryFile(c.Context, string(data), "SELECT 1 FROM peers WHERE is_default = 1", 1)
	return err == nil && len(table.Rows) > 0, nil // a data file without that table has none
}

// backupFlags say which backups a server makes by itself.
func backupFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "backup-to", Usage: "make backups in `DIR`, which is for them alone"},
		&cli.DurationFlag{Name: "backup-every", Usage: fmt.Sprintf("make one each `DURATION`, default %dh", backups.DefaultEvery/time.Hour)},
		&cli.IntFlag{Name: "backup-keep", Usage: fmt.Sprintf("keep the newest `N`, default %d", backups.DefaultKeep)},
	}
}

// backupOptions is what the flags say of backups.
func backupOptions(c *cli.Context) (opt backups.Options, err error) {
	opt = backups.Options{Dir: c.String("backup-to"), Every: c.Duration("backup-every"), Keep: c.Int("backup-keep")}
	for _, name := range []string{"backup-every", "backup-keep"} {
		if c.IsSet(name) && opt.Dir == "" {
			return opt, usagef("--%s is without --backup-to; say in which directory backups are to be", name)
		}
	}
	switch {
	case c.IsSet("backup-every") && opt.Every < backups.MinEvery:
		return opt, usagef("--backup-every %v is too short; give %v at least, such as 24h", opt.Every, backups.MinEvery)
	case c.IsSet("backup-keep") && opt.Keep < 1:
		return opt, usagef("--backup-keep %d is not 1 or more", opt.Keep)
	case opt.Dir != "":
		opt.Dir, err = filepath.Abs(opt.Dir)
	}
	return opt, err
}

func restore(c *cli.Context) error {
	args, err := arguments(c, "<file>")
	if err != nil {
		return err
	}
	data, err := ownLocation(c)
	if err != nil {
		return err
	}
	if err := checkNoPipe(args[0]); err != nil {
		return err
	}
	if data.isDatabase() {
		return restoreToDatabase(c, args[0], data)
	}
	progress, done := progressLine(c.App.ErrWriter, "copying")
	err = fazt.Restore(c.Context, args[0], string(data), c.Bool("force"), progress)
	done()
	if c.Context.Err() != nil && err != nil {
		return fmt.Errorf("interrupted; %s is as it was", data)
	}
	if err != nil {
		return err
	}
	if err := printCopied(c, string(data), "restored to "+data.String()); err != nil {
		return err
	}
	return warnOfLost(c, data)
}

// restoreToDatabase puts a backup into an empty database, and prints what has arrived.
func restoreToDatabase(c *cli.Context, backup string, data location) (err error) {
	if c.Bool("force") {
		return usagef("--force replaces a data file, and no database; make an empty one, and name that")
	}
	print, err := printer(c)
	if err != nil {
		return err
	}
	data.warn(c)
	store, err := postgres.Open(c.Context, string(data), postgres.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	progress, done := rowsLine(c.App.ErrWriter)
	counts, err := fazt.RestoreTo(c.Context, backup, store, progress)
	done()
	if c.Context.Err() != nil && err != nil && storage.CodeOf(err) != storage.CodeUncertain {
		return fmt.Errorf("interrupted; nothing was put into %s", data)
	}
	if err != nil {
		return err
	}
	table := &storage.Table{Columns: []string{"table", "rows", "sum"}}
	for _, n := range counts {
		table.Rows = append(table.Rows, []any{n.Table, n.Rows, n.Hash()})
	}
	if err := print(table); err != nil {
		return err
	}
	note(c.App.ErrWriter, "restored to %s: what has arrived is what was sent, row by row", data)
	note(c.App.ErrWriter, "secrets are encrypted by the key file that the data was used with; give each server that file by --key-file")
	return nil
}

// rowsLine is progressLine for rows, of which nobody knows how many there are.
func rowsLine(w io.Writer) (progress func(rows int64), end func()) {
	if !takesColor(w) {
		return nil, func() {}
	}
	return func(rows int64) { fmt.Fprintf(w, "\r\x1b[Kmoving: %d rows", rows) }, func() { fmt.Fprint(w, "\r\x1b[K") }
}

// printCopied says what a copy came to.
func printCopied(c *cli.Context, file, what string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "%s: %s, checked\n", what, size(info.Size()))
	return err
}

// progressLine returns a function that shows on a terminal how far a copy is, in
// one line that it writes over, and one that takes that line away. Elsewhere
// they do nothing.
func progressLine(w io.Writer, what string) (progress func(done, total int64), end func()) {
	if !takesColor(w) {
		return nil, func() {}
	}
	last := int64(-1)
	progress = func(done, total int64) {
		if percent := 100 * done / max(total, 1); percent != last {
			last = percent
			fmt.Fprintf(w, "\r\x1b[K%s %s of %s, %d%%", what, size(done), size(total), percent)
			if done == total {
				fmt.Fprint(w, "\r\x1b[Kchecking the copy")
			}
		}
	}
	return progress, func() { fmt.Fprint(w, "\r\x1b[K") }
}
