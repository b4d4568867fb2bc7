package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

func envCommand() *cli.Command {
	return &cli.Command{
		Name:  "env",
		Usage: "set what an app's handler finds in fazt.env",
		Subcommands: []*cli.Command{
			{
				Name:      "set",
				Usage:     "set variables; a NAME without a value is asked for, or read from standard input",
				ArgsUsage: "<app> <NAME[=value]>...",
				Flags:     []cli.Flag{dbFlag(), keyFileFlag(false)},
				Description: "fazt app env set my-app GREETING=hello LANG=en\n" +
					"fazt app env set my-app API_KEY < key.txt",
				Action: setEnv,
			},
			{
				Name:        "list",
				Usage:       "list an app's variables, without their values",
				ArgsUsage:   "<app>",
				Flags:       []cli.Flag{formatFlag(), dbFlag()},
				Description: "fazt app env list my-app",
				Action:      listEnv,
			},
			{
				Name:        "unset",
				Usage:       "remove a variable",
				ArgsUsage:   "<app> <NAME>",
				Flags:       []cli.Flag{dbFlag()},
				Description: "fazt app env unset my-app API_KEY",
				Action:      unsetEnv,
			},
			{
				Name:        "import",
				Usage:       "set the variables in a .env file; - is standard input",
				ArgsUsage:   "<app> <file>",
				Flags:       []cli.Flag{dbFlag(), keyFileFlag(false)},
				Description: "fazt app env import my-app .env",
				Action:      importEnv,
			},
			{
				Name:     "lost",
				Category: hereOnly,
				Usage:    "list what can't be read without the key file that was used, or give it up",
				Flags: []cli.Flag{
					&cli.BoolFlag{Name: "forget", Usage: "remove it, so that the server starts again"},
					yesFlag(), formatFlag(), dbFlag(), keyFileFlag(false),
				},
				Description: "fazt app env lost\nfazt app env lost --forget",
				Action:      lostEnv,
			},
		},
	}
}

func setEnv(c *cli.Context) error {
	args := c.Args().Slice()
	if len(args) < 2 {
		_, err := arguments(c, "<app>", "<NAME[=value]>")
		return err
	}
	vars := map[string]string{}
	for _, arg := range args[1:] {
		name, value, ok := strings.Cut(arg, "=")
		if _, twice := vars[name]; twice {
			return usagef("%s is given twice", name)
		}
		if !ok {
			if len(args) > 2 {
				return usagef("%s has no value; give one as %s=value, or set it alone to have it read from standard input", name, name)
			}
			var err error
			if value, err = readValue(c, name); err != nil {
				return err
			}
		}
		vars[name] = value
	}
	return saveEnv(c, args[0], vars)
}

// readValue asks for the value of a variable, without showing it, or reads it from
// standard input, without the line's end. So it never stands in the command line, which
// others can read.
func readValue(c *cli.Context, name string) (string, error) {
	if fd, ok := terminal(c.App.Reader); ok {
		fmt.Fprint(c.App.ErrWriter, printable(name+": "))
		b, err := term.ReadPassword(fd)
		fmt.Fprintln(c.App.ErrWriter)
		return string(b), err
	}
	text, err := readText(c.App.Reader)
	return strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r"), err
}

// readText reads all of r, up to what variables may have together.
func readText(r io.Reader) (string, error) {
	const most = 1 << 20
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && len(b) > most {
		err = errors.New("it is longer than 1 MiB")
	}
	return string(b), err
}

func saveEnv(c *cli.Context, app string, vars map[string]string) error {
	return onService(c, func(server api.Service) error {
		if err := server.SetEnv(c.Context, app, vars); err != nil {
			return err
		}
		_, err := fmt.Fprintf(c.App.Writer, "set %s of %s; its next request has them\n", count(len(vars), "variable"), app)
		return err
	})
}

func listEnv(c *cli.Context) error {
	args, err := arguments(c, "<app>")
	if err != nil {
		return err
	}
	print, err := printer(c)
	if err != nil {
		return err
	}
	return onService(c, func(server api.Service) error {
		list, err := server.Env(c.Context, args[0])
		if err != nil {
			return err
		}
		if len(list) == 0 {
			note(c.App.ErrWriter, "no variables yet; set one with: fazt app env set %s NAME=value", args[0])
		}
		table := &storage.Table{Columns: []string{"name", "updated_at"}}
		for _, v := range list {
			table.Rows = append(table.Rows, []any{v.Name, when(v.UpdatedAt)})
		}
		return print(table)
	})
}

func unsetEnv(c *cli.Context) error {
	args, err := arguments(c, "<app>", "<NAME>")
	if err != nil {
		return err
	}
	return onService(c, func(server api.Service) error {
		if err := server.UnsetEnv(c.Context, args[0], args[1]); err != nil {
			return err
		}
		_, err := fmt.Fprintf(c.App.Writer, "removed %s from %s\n", args[1], args[0])
		return err
	})
}

func importEnv(c *cli.Context) error {
	args, err := arguments(c, "<app>", "<file>")
	if err != nil {
		return err
	}
	var text string
	if args[1] == "-" {
		text, err = readText(c.App.Reader)
	} else if err = checkNoPipe(args[1]); err == nil {
		var f *os.File
		if f, err = os.Open(args[1]); err == nil {
			text, err = readText(f)
			f.Close()
		}
	}
	if err != nil {
		return fmt.Errorf("%w; give a file with a line NAME=value for each variable, or - for standard input", err)
	}
	vars, err := parseEnv(text)
	if err != nil {
		return fmt.Errorf("%s: %w", args[1], err)
	}
	if len(vars) == 0 {
		return fmt.Errorf("%s has no variables; a line is NAME=value", args[1])
	}
	return saveEnv(c, args[0], vars)
}

func lostEnv(c *cli.Context) (err error) {
	if _, err := arguments(c); err != nil {
		return err
	}
	print, err := printer(c)
	if err != nil {
		return err
	}
	data, err := existingData(c)
	if err != nil {
		return err
	}
	opt, closeStore, err := data.open(c.Context, fazt.Options{KeyFile: c.String("key-file")})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeStore()) }()
	lost, err := fazt.LostSecrets(c.Context, opt)
	if err != nil {
		return err
	}
	if len(lost) == 0 {
		note(c.App.ErrWriter, "nothing is lost: what is stored opens by the key file")
		return nil
	}
	if c.Bool("forget") {
		if err := confirmHere(c, "remove "+strings.Join(lost, ", ")+" for ever"); err != nil {
			return err
		}
		if lost, err = fazt.ForgetSecrets(c.Context, opt); err != nil {
			return err
		}
	}
	table := &storage.Table{Columns: []string{"lost"}}
	for _, name := range lost {
		table.Rows = append(table.Rows, []any{name})
	}
	return print(table)
}

// warnOfLost names what a data file that was restored has lost with its key.
func warnOfLost(c *cli.Context, data location) error {
	lost, err := fazt.LostSecrets(c.Context, fazt.Options{DataFile: string(data), KeyFile: c.String("key-file")})
	if err == nil && len(lost) > 0 {
		note(c.App.ErrWriter, "warning: the key file that these are encrypted by is not here: %s; put it at %s before the server starts, or give them up with: fazt app env lost --forget",
			strings.Join(lost, ", "), data.keyFile(c))
	}
	return err
}

// warnOfKey says what a copy of the data file has not.
func warnOfKey(c *cli.Context, data location) {
	if key := data.keyFile(c); exists(key) {
		note(c.App.ErrWriter, "secrets are encrypted by the key in %s, which is not in the copy; keep a copy of it somewhere else", key)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// parseEnv reads a .env file: a line is NAME=value or export NAME=value, # begins a
// comment. A value may stand in ' ', where everything is itself, or in " ", where \n,
// \r, \t, \", \\ and \$ are what they usually are; either may have several lines.
// Nothing is replaced in values. An error has the line, and nothing of what is in it:
// that may be a secret.
func parseEnv(text string) (map[string]string, error) {
	vars := map[string]string{}
	text = strings.TrimPrefix(strings.ReplaceAll(text, "\r\n", "\n"), "\ufeff")
	for number := 1; text != ""; {
		line, rest, _ := strings.Cut(text, "\n")
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || trimmed[0] == '#' {
			text, number = rest, number+1
			continue
		}
		name, value, ok := strings.Cut(text, "=")
		name = strings.TrimSpace(name)
		if export, found := strings.CutPrefix(name, "export "); found {
			name = strings.TrimSpace(export)
		}
		if !ok || strings.Contains(name, "\n") {
			return nil, fmt.Errorf("line %d: is not NAME=value", number)
		}
		if storage.CheckEnvName("", name) != nil {
			return nil, fmt.Errorf("line %d: what is before = is not a name of letters, digits and underscores", number)
		}
		if _, twice := vars[name]; twice {
			return nil, fmt.Errorf("line %d: %s is there twice", number, name)
		}
		parsed, rest, err := parseValue(value)
		if err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", number, name, err)
		}
		vars[name] = parsed
		number += strings.Count(text[:len(text)-len(rest)], "\n")
		text = rest
	}
	return vars, nil
}

// parseValue reads the value that text begins with, and its line to the end.
func parseValue(text string) (value, rest string, err error) {
	text = strings.TrimLeft(text, " \t")
	if text == "" || text[0] != '\'' && text[0] != '"' {
		line, rest, _ := strings.Cut(text, "\n")
		if strings.HasPrefix(line, "#") {
			line = ""
		}
		for _, comment := range []string{" #", "\t#"} {
			line, _, _ = strings.Cut(line, comment)
		}
		return strings.TrimSpace(line), rest, nil
	}
	var b strings.Builder
	quote := text[0]
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == quote:
			after, rest, _ := strings.Cut(text[i+1:], "\n")
			if after = strings.TrimSpace(after); after != "" && after[0] != '#' {
				return "", "", errors.New("there is more after the closing quote")
			}
			return b.String(), rest, nil
		case c == '\\' && quote == '"' && i+1 < len(text):
			i++
			switch text[i] {
			case 'n':
				b.WriteByte('\n')
			case 'r':
				b.WriteByte('\r')
			case 't':
				b.WriteByte('\t')
			case '"', '\\', '$':
				b.WriteByte(text[i])
			default:
				b.WriteString(text[i-1 : i+1])
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", "", errors.New("the quote does not end")
}
