package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth/passkey"
	"github.com/fazt-sh/fazt/storage"
)

// Exit codes of [Run].
const (
	ExitOK     = 0
	ExitFailed = 1
	ExitUsage  = 2 // the command line makes no sense
)

// endWithin is how long a command may take to end after a signal: more than the
// 10 s that a server drains and the 10 s that it waits for handlers after, less
// than the 90 s after which systemd kills.
const endWithin = 25 * time.Second

// Main carries out the process's command line and returns the exit code. An
// interrupt or SIGTERM ends the work in good order, or after 25 s without; a
// second one ends it at once.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return ended(ctx, os.Stderr, func() int { return Run(ctx, os.Args[1:], os.Stdout, os.Stderr) })
}

// ended returns run's exit code, but does not wait for it longer than endWithin
// after ctx has ended: not everything that blocks heeds a context, such as a
// write to a pipe that nobody reads.
func ended(ctx context.Context, stderr io.Writer, run func() int) int {
	code := make(chan int, 1)
	go func() { code <- run() }()
	select {
	case c := <-code:
		return c
	case <-ctx.Done():
	}
	select {
	case c := <-code:
		return c
	case <-time.After(endWithin):
		told := make(chan struct{})
		go func() {
			defer close(told)
			note(stderr, "fazt: still busy %v after the signal to stop; given up", endWithin)
		}()
		select {
		case <-told:
		case <-time.After(logFlushTime): // that is what blocks
		}
		return ExitFailed
	}
}

// Run carries out a command line, without the program's name, and returns the
// exit code. When ctx ends, a server drains and Run returns 0. Run neither
// installs signal handlers nor exits the process.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	err := run(ctx, args, stdout, stderr)
	if err == nil {
		return ExitOK
	}
	note(stderr, "fazt: %s", oneLine(err))
	if _, ok := errors.AsType[usageError](err); ok {
		return ExitUsage
	}
	return ExitFailed
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	app := newApp(stdout, stderr)
	line, err := parse(app, args)
	if err != nil {
		return err
	}
	if line.help {
		return printHelp(stdout, app, line)
	}
	return app.RunContext(ctx, line.arranged())
}

// note prints a line beside the result, on stderr. All that is printed there goes
// through it, but for what slog quotes: texts hold file names, and these may hold
// a terminal's escape sequences.
func note(w io.Writer, format string, args ...any) {
	fmt.Fprintln(w, printable(fmt.Sprintf(format, args...)))
}

// oneLine prints an error without its own "fazt: ", which Run gives once, and
// with joined errors side by side.
func oneLine(err error) string {
	text := strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
	text = strings.TrimPrefix(text, "fazt: ")
	return strings.ReplaceAll(text, ": fazt: ", ": ")
}

func newApp(stdout, stderr io.Writer) *cli.App {
	app := &cli.App{
		Name:  "fazt",
		Usage: "serve folders as apps, with storage and sign-in",
		Commands: []*cli.Command{
			devCommand(), serveCommand(), appCommand(), sqlCommand(), authCommand(), backupCommand(), restoreCommand(),
			{
				Name:        "version",
				Usage:       "print the version",
				Description: "fazt version",
				Action: func(c *cli.Context) error {
					if _, err := arguments(c); err != nil {
						return err
					}
					_, err := fmt.Fprintf(c.App.Writer, "fazt %s\n", fazt.Version)
					return err
				},
			},
		},
		Writer:    stdout,
		ErrWriter: stderr,
		// Help and errors are ours to print, and nothing but main may exit.
		HideHelp:       true,
		HideVersion:    true,
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError:   onUsageError,
	}
	each(app.Commands, func(c *cli.Command) {
		c.HideHelp = true
		c.OnUsageError = onUsageError
		if takesFlag(c, "db") && !takesFlag(c, "key-file") {
			c.Flags = append(c.Flags, keyFileFlag(true)) // whoever opens the data file needs it
		}
	})
	return app
}

// each visits commands and all below them.
func each(commands []*cli.Command, visit func(*cli.Command)) {
	for _, c := range commands {
		visit(c)
		each(c.Subcommands, visit)
	}
}

// usageError is a mistake in the command line, not in the world.
type usageError struct{ error }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

func onUsageError(c *cli.Context, err error, _ bool) error {
	return usagef("%w; see: %s --help", err, c.Command.HelpName)
}

// arguments returns the command's arguments, exactly as many as names says.
func arguments(c *cli.Context, names ...string) ([]string, error) {
	args := c.Args().Slice()
	if len(args) < len(names) {
		return nil, usagef("%s is missing; for example: %s", names[len(args)], example(c.Command))
	}
	if len(args) > len(names) {
		return nil, usagef("unexpected argument %q; see: %s --help", args[len(names)], c.Command.HelpName)
	}
	return args, nil
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

func takesFlag(c *cli.Command, name string) bool {
	return slices.ContainsFunc(c.Flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) })
}

// dataFilePath is where the data file is, or is to be.
func dataFilePath(c *cli.Context) (string, error) {
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
	if err != nil {
		return "", err
	}
	// Windows has other means, and shows every file as readable by all.
	info, err := os.Stat(path)
	if err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o066 != 0 {
		note(c.App.ErrWriter, "warning: others on this machine can read or write the data file; keep it to yourself with: chmod 600 %s", path)
	}
	return path, nil
}

// existingDataFile is dataFile for commands that must not make one.
func existingDataFile(c *cli.Context) (string, error) {
	path, err := dataFile(c)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no data file %s; run fazt serve or fazt app deploy first, or check --db", path)
	}
	return path, nil
}

// onService lends do the server that the command is about.
func onService(c *cli.Context, do func(api.Service) error) error {
	return onDataFile(c, func(s *fazt.Server) error { return do(s) })
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

// printList prints the table that get makes, as --format has it.
func printList(c *cli.Context, get func(api.Service) (*storage.Table, error)) error {
	if _, err := arguments(c); err != nil {
		return err
	}
	print, err := printer(c)
	if err != nil {
		return err
	}
	return onService(c, func(server api.Service) error {
		table, err := get(server)
		if err != nil {
			return err
		}
		return print(table)
	})
}

// endOne ends what the only argument, an id, is of, and says so.
func endOne(c *cli.Context, end func(server api.Service, id string) error, done string) error {
	args, err := arguments(c, "<id>")
	if err != nil {
		return err
	}
	return onService(c, func(server api.Service) error {
		if err := end(server, args[0]); err != nil {
			return err
		}
		_, err := fmt.Fprintf(c.App.Writer, done+"\n", args[0])
		return err
	})
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
