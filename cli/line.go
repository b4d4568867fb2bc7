package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt/internal/site"

	"github.com/fazt-sh/fazt/storage"
)

// line is a command line taken apart. The library underneath wants all flags
// before all arguments; people write them anywhere.
type line struct {
	peer  string         // "@zyt" without the sign; "" when none is named
	path  []*cli.Command // "app", "deploy"
	flags []string       // "--name=value"
	args  []string
	help  bool
}

// arranged is the line as the library wants it.
func (l *line) arranged() []string {
	out := []string{"fazt"}
	for _, c := range l.path {
		out = append(out, c.Name)
	}
	out = append(out, l.flags...)
	return append(append(out, "--"), l.args...)
}

// neverEmpty are flags to which an empty value, such as a variable's that is not set,
// would give another meaning than the one that was meant.
var neverEmpty = []string{"db", "format", "token", "url", "addr", "domain", "role", "app", "user"}

// parse takes args apart. A word after a flag is the flag's value if any
// command has a flag of that name that takes one; the tree gives no name two
// meanings.
func parse(app *cli.App, args []string) (*line, error) {
	hasValues := takesValue(app)
	if len(args) == 1 && (args[0] == "--version" || args[0] == "-version") {
		args = []string{"version"}
	}
	l := &line{}
	var words, names []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			l.args = args[i+1:]
			break
		}
		if len(arg) < 2 || arg[0] != '-' {
			words = append(words, arg)
			continue
		}
		flag := strings.TrimPrefix(arg[1:], "-")
		name, _, hasValue := strings.Cut(flag, "=")
		names = append(names, name)
		if hasValues[name] && !hasValue {
			if i++; i == len(args) {
				return nil, usagef("--%s needs a value", name)
			}
			flag += "=" + args[i]
		}
		if hasValues[name] && slices.Contains(neverEmpty, name) && strings.HasSuffix(flag, "=") {
			return nil, usagef("--%s is empty; give a value, or leave it out", name)
		}
		l.flags = append(l.flags, "--"+flag)
	}
	if len(words) > 0 && strings.HasPrefix(words[0], "@") {
		if l.peer, words = words[0][1:], words[1:]; l.peer == "" {
			return nil, usagef("@ is not followed by a peer's name; see: fazt peer list")
		}
	}
	words, err := l.resolve(app.Commands, words)
	if err != nil {
		return nil, err
	}
	l.args = append(words, l.args...)
	if err := l.settleTarget(slices.Contains(names, "db")); err != nil {
		return nil, err
	}
	if err := l.checkFlags(names); err != nil {
		return nil, err
	}
	if l.peer != "" && len(l.path) == 0 && !l.help {
		return nil, usagef("@%s is not followed by a command; for example: fazt @%s status", l.peer, l.peer)
	}
	// A group is not a command by itself, unless it has something to do.
	l.help = l.help || len(l.path) == 0 || isGroup(l.path[len(l.path)-1]) && l.path[len(l.path)-1].Action == nil
	return l, nil
}

// takesValue says of every flag's name whether a value follows.
func takesValue(app *cli.App) map[string]bool {
	takes := map[string]bool{"help": false, "h": false}
	each(app.Commands, func(c *cli.Command) {
		for _, f := range c.Flags {
			for _, name := range f.Names() {
				takes[name] = f.(cli.DocGenerationFlag).TakesValue()
			}
		}
	})
	return takes
}

// settleTarget refuses a peer for what is done on this machine alone. A data file
// that the line names is what it is about, whichever peer is the default.
func (l *line) settleTarget(namesFile bool) error {
	if len(l.path) == 0 {
		return nil
	}
	c := l.path[len(l.path)-1]
	if l.peer != "" && l.peer != storage.LocalPeer && !takesPeer(c) {
		return usagef("%s works on this machine alone; leave out @%s", l.name(), l.peer)
	}
	if l.peer == "" && namesFile {
		l.peer = storage.LocalPeer
	}
	return nil
}

func isGroup(c *cli.Command) bool { return len(c.Subcommands) > 0 }

// resolve finds the command that words begin with and returns the other words.
func (l *line) resolve(commands []*cli.Command, words []string) ([]string, error) {
	if len(words) > 0 && words[0] == "help" {
		l.help = true
		words = words[1:]
	}
	for len(commands) > 0 {
		if len(words) == 0 {
			return nil, nil
		}
		i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(words[0]) })
		if i < 0 {
			return nil, l.unknownCommand(commands, words[0])
		}
		l.path = append(l.path, commands[i])
		commands, words = commands[i].Subcommands, words[1:]
	}
	return words, nil
}

// checkFlags refuses flags that the command does not have.
func (l *line) checkFlags(given []string) error {
	var known []string
	if len(l.path) > 0 {
		for _, f := range l.path[len(l.path)-1].Flags {
			known = append(known, f.Names()...)
		}
	}
	for _, name := range given {
		switch {
		case name == "help" || name == "h":
			l.help = true
		case !slices.Contains(known, name) && !l.help:
			for i, k := range known {
				known[i] = "--" + k
			}
			return l.unknown("flag", "--"+name, known)
		}
	}
	return nil
}

// unknownCommand names the command that may have been meant: one below of just that
// name, or the nearest of those that could stand there.
func (l *line) unknownCommand(commands []*cli.Command, given string) error {
	for _, row := range commandRows(commands, "") {
		if path := row[0]; slices.Contains(strings.Fields(path), given) {
			return usagef("unknown command %q; did you mean %s?", given, path)
		}
	}
	var names []string
	for _, c := range commands {
		names = append(names, c.Name)
	}
	return l.unknown("command", given, names)
}

func (l *line) unknown(what, given string, known []string) error {
	hint := "see: " + l.name() + " --help"
	if near := nearest(given, known); near != "" {
		hint = fmt.Sprintf("did you mean %s?", near)
	}
	return usagef("unknown %s %q; %s", what, given, hint)
}

// name is the command as it is typed, such as "fazt app deploy".
func (l *line) name() string {
	name := "fazt"
	for _, c := range l.path {
		name += " " + c.Name
	}
	return name
}

// nearest returns the candidate with the fewest edits to given, or "" when
// none is near enough to be what was meant.
func nearest(given string, candidates []string) string {
	best, fewest := "", 1+max(1, len(strings.TrimLeft(given, "-"))/2)
	for _, c := range candidates {
		if d := site.Distance(given, c); d < fewest {
			best, fewest = c, d
		}
	}
	return best
}
