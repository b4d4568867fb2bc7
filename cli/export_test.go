package cli

import (
	"context"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt"
)

// These are opened to the tests.
var (
	LabelOf = labelOf
	Ended   = ended

	ListenError = listenError
)

const (
	EndWithin     = endWithin
	LogQueueBytes = logQueueBytes
)

// LogQueue is a writer that never blocks.
type LogQueue = logQueue

func NewLogQueue(w io.Writer) *LogQueue { return newLogQueue(w) }

// Close writes what waits.
func (q *LogQueue) Close() { q.close() }

func ReadSource(dir string, private bool) (fsys fs.FS, privateIgnored bool, left []string, err error) {
	s, err := readSource(dir, private)
	if err != nil {
		return nil, false, nil, err
	}
	return s, s.privateIgnored, s.left, nil
}

func Arrange(args []string) (arranged []string, help bool, err error) {
	l, err := parse(newApp(io.Discard, io.Discard), args)
	if err != nil {
		return nil, false, err
	}
	return l.arranged()[1:], l.help, nil
}

// Commands are all that can be run, such as "app deploy", with the arguments
// that each takes.
func Commands() map[string]string {
	takes := make(map[string]string)
	var add func(prefix string, commands []*cli.Command)
	add = func(prefix string, commands []*cli.Command) {
		for _, c := range commands {
			if c.Action != nil {
				takes[prefix+c.Name] = c.ArgsUsage
			}
			add(prefix+c.Name+" ", c.Subcommands)
		}
	}
	add("", newApp(io.Discard, io.Discard).Commands)
	return takes
}

// FlagKinds are, by the name of a flag, what commands take by it: "value" or "none".
func FlagKinds() map[string][]string {
	kinds := make(map[string][]string)
	each(newApp(io.Discard, io.Discard).Commands, func(c *cli.Command) {
		for _, f := range c.Flags {
			for _, name := range f.Names() {
				kind := "none"
				if f.(cli.DocGenerationFlag).TakesValue() {
					kind = "value"
				}
				if !slices.Contains(kinds[name], kind) {
					kinds[name] = append(kinds[name], kind)
				}
			}
		}
	})
	return kinds
}

// TakesPeer reports whether a command, such as "app deploy", works on peers.
func TakesPeer(command string) bool {
	l, err := parse(newApp(io.Discard, io.Discard), strings.Fields(command))
	return err == nil && takesPeer(l.path[len(l.path)-1])
}

// ServeOptions are those that fazt serve makes of its flags.
func ServeOptions(flags string) (opt fazt.Options, err error) {
	app := newApp(io.Discard, io.Discard)
	app.Command("serve").Action = func(c *cli.Context) (err error) {
		opt, err = serveOptions(c)
		return err
	}
	l, err := parse(app, append([]string{"serve"}, strings.Fields(flags)...))
	if err != nil {
		return opt, err
	}
	return opt, app.RunContext(context.Background(), l.arranged())
}

// WatchHeap returns what looks after memory that a burst has left.
func WatchHeap() (look func()) {
	var heap heapWatch
	return heap.look
}

// SpareProcessor gives Go one processor more than handlers may use at once.
func SpareProcessor() (slots int) { return spareProcessor() }

var LimitFor = limitFor
