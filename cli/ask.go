package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"
)

func yesFlag() cli.Flag {
	return &cli.BoolFlag{Name: "yes", Usage: "do not ask before something is destroyed"}
}

// confirm asks on a terminal whether something is to be destroyed. Elsewhere --yes
// says so.
func confirm(c *cli.Context, what string) error {
	if c.Bool("yes") {
		return nil
	}
	peer, err := peerOf(c)
	if err != nil {
		return err
	}
	if peer != nil {
		what += " (on @" + peer.Name + ")"
	}
	return confirmHere(c, what)
}

// confirmHere is confirm for what is on this machine, and may be in the way of finding
// out about peers.
func confirmHere(c *cli.Context, what string) error {
	if c.Bool("yes") {
		return nil
	}
	if _, ok := terminal(c.App.Reader); !ok {
		return usagef("this would %s; say that you mean it with --yes", what)
	}
	fmt.Fprintf(c.App.ErrWriter, "%s? [y/N] ", printable(what))
	line, err := bufio.NewReader(c.App.Reader).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if answer := strings.ToLower(strings.TrimSpace(line)); answer != "y" && answer != "yes" {
		return errors.New("nothing was changed")
	}
	return nil
}

// terminal is the descriptor of a reader that a person types into.
func terminal(r io.Reader) (fd int, ok bool) {
	f, ok := r.(*os.File)
	if !ok {
		return 0, false
	}
	fd = int(f.Fd())
	return fd, term.IsTerminal(fd)
}

// readPassword asks for a password twice, without showing it, or reads it from
// standard input up to the end of the line. It never stands in the command line,
// which others can read.
func readPassword(c *cli.Context, prompt string) (string, error) {
	fd, ok := terminal(c.App.Reader)
	if !ok {
		line, err := bufio.NewReader(io.LimitReader(c.App.Reader, 4096)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			return "", errors.New("there is no password on standard input; pipe one in, or run this on a terminal")
		}
		return line, nil
	}
	var typed [2]string
	for i, text := range []string{prompt, "Once more: "} {
		fmt.Fprint(c.App.ErrWriter, printable(text))
		b, err := term.ReadPassword(fd)
		fmt.Fprintln(c.App.ErrWriter)
		if err != nil {
			return "", err
		}
		typed[i] = string(b)
	}
	if typed[0] != typed[1] {
		return "", errors.New("the two are not the same; nothing was changed")
	}
	if typed[0] == "" {
		return "", errors.New("the password is empty; nothing was changed")
	}
	return typed[0], nil
}
