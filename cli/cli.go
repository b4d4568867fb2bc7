package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
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
	text := oneLine(err)
	if ctx.Err() != nil {
		text = strings.ReplaceAll(text, context.Canceled.Error(), "stopped by a signal")
	}
	note(stderr, "fazt: %s", text)
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
	return app.RunContext(withTarget(ctx, line.peer), line.arranged())
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
			devCommand(), serveCommand(), appCommand(), short("deploy"), short("list"), short("logs"), short("rollback"), typesCommand(),
			sqlCommand(), auditCommand(), authCommand(), peerCommand(), statusCommand(),
			backupCommand(), restoreCommand(), completionCommand(),
			{
				Name:        "version",
				Category:    hereOnly,
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
		if isGroup(c) && c.Category == hereOnly {
			each(c.Subcommands, func(sub *cli.Command) { sub.Category = hereOnly })
		}
		if c.Action != nil && !hasFlag(c, "verbose") {
			c.Flags = append(c.Flags, verboseFlag())
		}
		if hasFlag(c, "db") && !hasFlag(c, "key-file") {
			c.Flags = append(c.Flags, keyFileFlag(true)) // whoever opens the data file needs it
		}
		c.HideHelp = true
		c.OnUsageError = onUsageError
	})
	return app
}

func hasFlag(c *cli.Command, name string) bool {
	return slices.ContainsFunc(c.Flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) })
}

// each visits commands and all below them.
func each(commands []*cli.Command, visit func(*cli.Command)) {
	for _, c := range commands {
		visit(c)
		each(c.Subcommands, visit)
	}
}

// verboseFlag is every command's, unless it has one of its own.
func verboseFlag() cli.Flag {
	return &cli.BoolFlag{Name: "verbose", Usage: "say more on stderr: what is asked of a peer, and what is left out"}
}

// hereOnly is the category of commands that work on this machine alone, and refuse
// the name of a peer. Those below a group of it are, too.
const hereOnly = "on this machine alone"

// takesPeer reports whether a command works on peers, too.
func takesPeer(c *cli.Command) bool { return c.Category != hereOnly }

// usageError is a mistake in the command line, not in the world.
type usageError struct{ error }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// badValue is what the library says of a value that it can't read.
var badValue = regexp.MustCompile(`^invalid (?:boolean )?value "(.*)" for (?:flag )?-([a-z-]+): `)

// onUsageError says what a flag takes, where the library says that it can't parse it.
func onUsageError(c *cli.Context, err error, _ bool) error {
	if m := badValue.FindStringSubmatch(err.Error()); m != nil {
		for _, f := range c.Command.Flags {
			if slices.Contains(f.Names(), m[2]) {
				return usagef("--%s %s is not %s; see: %s --help", m[2], m[1], valueOf(f), c.Command.HelpName)
			}
		}
	}
	return usagef("%w; see: %s --help", err, c.Command.HelpName)
}

// valueOf is what a flag takes.
func valueOf(f cli.Flag) string {
	switch f.(type) {
	case *cli.DurationFlag:
		return "a length of time, such as 24h or 90m"
	case *cli.BoolFlag:
		return "true or false; give none for true"
	}
	return "a whole number"
}

// arguments returns the command's arguments, one for each name. One whose name is in
// brackets, such as [dir], may be left out, and is "" then.
func arguments(c *cli.Context, names ...string) ([]string, error) {
	args := c.Args().Slice()
	if len(args) < len(names) && !strings.HasPrefix(names[len(args)], "[") {
		return nil, usagef("%s is missing; for example: %s", names[len(args)], example(c.Command))
	}
	if len(args) > len(names) {
		return nil, usagef("unexpected argument %q; see: %s --help", args[len(names)], c.Command.HelpName)
	}
	return append(args, make([]string, len(names)-len(args))...), nil
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
