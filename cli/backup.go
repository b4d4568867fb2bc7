package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt"
)

func backupCommand() *cli.Command {
	return &cli.Command{
		Name:        "backup",
		Category:    hereOnly,
		Usage:       "copy the data file, also beside a running server",
		ArgsUsage:   "<file>",
		Flags:       []cli.Flag{dbFlag()},
		Description: "fazt backup monday.db\nfazt backup /backups/$(date +%F).db --db /var/lib/fazt/data.db",
		Action:      backup,
	}
}

func restoreCommand() *cli.Command {
	return &cli.Command{
		Name:      "restore",
		Category:  hereOnly,
		Usage:     "make a backup the data file; stop the server first",
		ArgsUsage: "<file>",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "force", Usage: "replace a data file that is there"},
			dbFlag(),
		},
		Description: "fazt restore monday.db\nfazt restore monday.db --force",
		Action:      restore,
	}
}

func backup(c *cli.Context) error {
	args, err := arguments(c, "<file>")
	if err != nil {
		return err
	}
	path, err := existingDataFile(c)
	if err != nil {
		return err
	}
	progress, done := progressLine(c.App.ErrWriter, "copying")
	err = fazt.BackupFile(c.Context, path, args[0], progress)
	done()
	if err != nil {
		return err
	}
	warnOfKey(c, path)
	return printCopied(c, args[0], "saved in "+args[0])
}

func restore(c *cli.Context) error {
	args, err := arguments(c, "<file>")
	if err != nil {
		return err
	}
	path, err := dataFilePath(c)
	if err != nil {
		return err
	}
	if err := checkNoPipe(args[0]); err != nil {
		return err
	}
	progress, done := progressLine(c.App.ErrWriter, "copying")
	err = fazt.Restore(c.Context, args[0], path, c.Bool("force"), progress)
	done()
	if err != nil {
		return err
	}
	if err := printCopied(c, path, "restored to "+path); err != nil {
		return err
	}
	return warnOfLost(c, path)
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
