package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/storage"
)

func completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Category:  hereOnly,
		Usage:     "print what makes a shell complete commands: bash, zsh or fish",
		ArgsUsage: "<shell>",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "words", Usage: "print what the last of the words after -- may become, as the scripts ask"},
			dbFlag(),
		},
		Description: "fazt completion fish > ~/.config/fish/completions/fazt.fish\n" +
			"source <(fazt completion bash)   # in ~/.bashrc\n" +
			"source <(fazt completion zsh)    # in ~/.zshrc, after compinit",
		Action: completion,
	}
}

// completion prints a shell's script, or, as the scripts ask, what the last of some
// words may become.
func completion(c *cli.Context) error {
	args := c.Args().Slice()
	switch _, err := arguments(c, "<shell>"); {
	case len(args) == 0:
		return usagef("<shell> is missing; give bash, zsh or fish")
	case err != nil && !c.Bool("words"):
		return err
	}
	s, ok := shells[args[0]]
	if !ok {
		return usagef("there is no completion for %s; give bash, zsh or fish", args[0])
	}
	if !c.Bool("words") {
		_, err := io.WriteString(c.App.Writer, s.script)
		return err
	}
	for _, candidate := range complete(c, args[1:]) {
		if _, err := fmt.Fprintln(c.App.Writer, s.line(candidate)); err != nil {
			return err
		}
	}
	return nil
}

// shell is how a shell is taught: a script that asks, and the lines that it wants.
type shell struct {
	script string
	line   func(candidate) string
}

// candidate is what a word may become, and what that is.
type candidate struct{ text, about string }

var shells = map[string]shell{
	// Bash breaks words at "=", and replaces what comes after it alone.
	"bash": {`_fazt() {
	local line="${COMP_LINE:0:COMP_POINT}" words last
	read -ra words <<< "$line"
	[[ $line == *[[:space:]] ]] && words+=("")
	last="${words[${#words[@]}-1]}"
	local IFS=$'\n'
	COMPREPLY=($("${words[0]}" completion bash --words -- "${words[@]:1}" 2>/dev/null))
	if [[ $last == *=* && $COMP_WORDBREAKS == *=* ]]; then
		COMPREPLY=("${COMPREPLY[@]#"${last%%=*}="}")
	fi
}
complete -o default -F _fazt fazt
`, func(c candidate) string { return c.text }},

	"zsh": {`#compdef fazt
_fazt() {
	local -a found
	found=("${(@f)$(fazt completion zsh --words -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
	if (( ${#found} )) && [[ -n ${found[1]} ]]; then
		_describe fazt found
	else
		_files
	fi
}
compdef _fazt fazt
`, func(c candidate) string { return strings.ReplaceAll(c.text, ":", `\:`) + ":" + c.about }},

	"fish": {`function __fazt_complete
	set -l words (commandline -opc)
	set -l current (commandline -ct)
	set -l found (fazt completion fish --words -- $words[2..-1] "$current" 2>/dev/null)
	if test (count $found) -gt 0
		printf '%s\n' $found
	else
		__fish_complete_path "$current"
	end
end
complete -c fazt -f -a '(__fazt_complete)'
`, func(c candidate) string { return c.text + "\t" + c.about }},
}

// complete returns what the last word may become. None means a file, or something
// that only a person knows.
func complete(c *cli.Context, words []string) []candidate {
	if len(words) == 0 {
		words = []string{""}
	}
	before, last := words[:len(words)-1], words[len(words)-1]
	if slices.Contains(before, "--") {
		return nil
	}
	var found []candidate
	at := findPlace(c.App, before)
	switch flag, _, hasValue := strings.Cut(last, "="); {
	case at.value != "":
		found = flagValues(at.value, "")
	case hasValue && strings.HasPrefix(flag, "-"):
		found = flagValues(strings.TrimLeft(flag, "-"), flag+"=")
	case len(before) == 0 && strings.HasPrefix(last, "@"):
		found = peerNames(c)
	case strings.HasPrefix(last, "-"):
		for _, row := range flagRows(at.flags) {
			name, _, _ := strings.Cut(row[0], " ")
			found = append(found, candidate{strings.TrimSuffix(name, ","), row[1]})
		}
		found = append(found, candidate{"--help", "say what the command does"})
	default:
		for _, command := range at.commands {
			if takesPeer(command) || !at.peer {
				found = append(found, candidate{command.Name, command.Usage})
			}
		}
	}
	return slices.DeleteFunc(found, func(f candidate) bool { return !strings.HasPrefix(f.text, last) })
}

// place is where in the tree of commands a line has come to.
type place struct {
	peer     bool           // it names one
	commands []*cli.Command // that the next word may name
	flags    []cli.Flag     // of the command
	value    string         // the flag whose value comes next, or ""
}

func findPlace(app *cli.App, words []string) place {
	at := place{commands: app.Commands}
	known := takesValue(app)
	for i, word := range words {
		switch name := strings.TrimLeft(word, "-"); {
		case at.value != "":
			at.value = ""
		case strings.HasPrefix(word, "-"):
			if known[name] {
				at.value = name
			}
		case i == 0 && strings.HasPrefix(word, "@"):
			at.peer = word != "@"+storage.LocalPeer
		case word == "help" && i == 0:
		default:
			j := slices.IndexFunc(at.commands, func(c *cli.Command) bool { return c.HasName(word) })
			if j < 0 {
				at.commands = nil // an argument
				continue
			}
			at.flags, at.commands = at.commands[j].Flags, at.commands[j].Subcommands
		}
	}
	return at
}

// flagValues are the values of flags that take one of a few.
func flagValues(flag, prefix string) (found []candidate) {
	for _, value := range map[string][]string{
		"format": {"table", "json", "csv"},
		"role":   {"owner", "admin", "user"},
		"scopes": {"deploy", "read", "sql", "admin"},
		"level":  {"debug", "info", "warn", "error"},
	}[flag] {
		found = append(found, candidate{prefix + value, ""})
	}
	return found
}

// peerNames are the peers of the data file. One that cannot be read has none: there
// is nowhere to say so.
func peerNames(c *cli.Context) []candidate {
	found := []candidate{{"@" + storage.LocalPeer, "this machine's data file"}}
	p, err := locate(c)
	if err != nil || p.checkThere() != nil {
		return found
	}
	_ = withServer(c.Context, p, commandOptions(c), func(server *fazt.Server) error {
		peers, err := server.Store().Peers(c.Context)
		for _, p := range peers {
			found = append(found, candidate{"@" + p.Name, p.URL})
		}
		return err
	})
	return found
}
