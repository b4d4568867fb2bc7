package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"
	"golang.org/x/term"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

const (
	// statusTime is how long a peer may take to say how it is.
	statusTime = 5 * time.Second
	// statusesAtOnce is how many peers are asked at once.
	statusesAtOnce = 16
	// connectTime is how long a connection to a peer may take, and as long again the
	// TLS on it.
	connectTime = 10 * time.Second
)

func peerCommand() *cli.Command {
	return &cli.Command{
		Name:     "peer",
		Category: hereOnly,
		Usage:    "the other servers that fazt @name works on",
		Subcommands: []*cli.Command{
			{
				Name:      "add",
				Usage:     "remember a server, by an API key made there",
				ArgsUsage: "<name>",
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "url", Usage: "the `URL` of its management API, such as https://admin.example.com"},
					&cli.StringFlag{Name: "token", Usage: "the API `KEY`, - for standard input; better $FAZT_TOKEN"},
					&cli.BoolFlag{Name: "default", Usage: "work on it when no peer is named"},
					&cli.BoolFlag{Name: "replace", Usage: "give the name of a known peer another address and key"},
					&cli.BoolFlag{Name: "no-check", Usage: "do not ask it first whether address and key are right"},
					dbFlag(),
				},
				Description: "fazt peer add zyt --url https://admin.example.com\n" +
					"fazt peer add zyt --url https://admin.example.com --token - < key.txt",
				Action: addPeer,
			},
			{
				Name:        "list",
				Usage:       "list the peers, and how each is now",
				Flags:       []cli.Flag{formatFlag(), dbFlag()},
				Description: "fazt peer list",
				Action:      peers,
			},
			{
				Name:        "default",
				Usage:       "work on a peer when none is named; @local: on the data file",
				ArgsUsage:   "<name>",
				Flags:       []cli.Flag{dbFlag()},
				Description: "fazt peer default zyt\nfazt peer default @local",
				Action:      setDefaultPeer,
			},
			{
				Name:        "remove",
				Usage:       "forget a peer and its key, which stays valid there",
				ArgsUsage:   "<name>",
				Flags:       []cli.Flag{dbFlag()},
				Description: "fazt peer remove zyt",
				Action:      removePeer,
			},
		},
	}
}

func statusCommand() *cli.Command {
	return &cli.Command{
		Name:        "status",
		Usage:       "say whether a server is there, and which version it is",
		Flags:       []cli.Flag{formatFlag(), dbFlag()},
		Description: "fazt status --format json\nfazt @zyt status",
		Action:      status,
	}
}

func addPeer(c *cli.Context) error {
	args, err := arguments(c, "<name>")
	if err != nil {
		return err
	}
	if c.String("url") == "" {
		return usagef("--url is missing; for example: %s", example(c.Command))
	}
	p := storage.Peer{Name: peerName(args[0]), URL: strings.TrimRight(c.String("url"), "/"), Default: c.Bool("default")}
	if err := checkPeerURL(p.URL); err != nil {
		return err
	}
	if p.Token, err = token(c); err != nil {
		return err
	}
	if err := storage.CheckPeer("peer add", p); err != nil {
		return err
	}
	data, err := ownData(c)
	if err != nil {
		return err
	}
	var health *api.Health
	if !c.Bool("no-check") {
		if health, err = checkPeer(c, p); err != nil {
			return fmt.Errorf("%w; nothing was added: see fazt peer add --help", err)
		}
	}
	return withServer(c.Context, data, commandOptions(c), func(server *fazt.Server) error {
		old, err := server.Store().Peer(c.Context, p.Name)
		switch {
		case err == nil && !c.Bool("replace"):
			return fmt.Errorf("there is a peer %s already, at %s; give another name, or --replace", p.Name, old.URL)
		case err == nil:
			p.Default = p.Default || old.Default
		case !isNotFound(err):
			return err
		}
		if err := server.Store().SetPeer(c.Context, p); err != nil {
			return err
		}
		runs := ""
		if health != nil {
			runs = ", fazt " + health.Version
		}
		_, err = fmt.Fprintf(c.App.Writer, "%s is %s%s\n", p.Name, p.URL, printable(runs))
		return err
	})
}

// peerName is a peer's name with or without the sign that it is called by.
func peerName(text string) string { return strings.TrimPrefix(text, "@") }

// token is the API key that the flag has, or else the environment, a person who is
// asked, or standard input. Others on the machine see what stands in a command line.
func token(c *cli.Context) (string, error) {
	if given := c.String("token"); given != "" && given != "-" {
		return given, nil
	}
	if given := os.Getenv("FAZT_TOKEN"); given != "" && c.String("token") == "" {
		return given, nil
	}
	if fd, ok := terminal(c.App.Reader); ok && c.String("token") == "" {
		fmt.Fprint(c.App.ErrWriter, "API key: ")
		text, err := term.ReadPassword(fd)
		fmt.Fprintln(c.App.ErrWriter)
		return strings.TrimSpace(string(text)), err
	}
	text, err := bufio.NewReader(io.LimitReader(c.App.Reader, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if text = strings.TrimSpace(text); text == "" {
		return "", usagef("there is no API key on standard input; pipe one in, set FAZT_TOKEN, or run this on a terminal; make one there with: fazt auth key create laptop --scopes admin")
	}
	return text, nil
}

// checkPeerURL refuses to send a key where others can read it on its way. A name
// can lead anywhere, so without TLS it is to be the address itself, and one that no
// packet leaves a private network for.
func checkPeerURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" {
		return nil // CheckPeer has more to say
	}
	host := u.Hostname()
	ip, err := netip.ParseAddr(host)
	if host == "localhost" || err == nil && (ip.IsLoopback() || ip.Unmap().IsPrivate() || ip.IsLinkLocalUnicast()) {
		return nil
	}
	return usagef("%s would send the API key unencrypted; give an https address, or a loopback or private IP address", text)
}

func peers(c *cli.Context) error {
	if _, err := arguments(c); err != nil {
		return err
	}
	print, err := printer(c)
	if err != nil {
		return err
	}
	data, err := ownData(c)
	if err != nil {
		return err
	}
	var list []storage.Peer
	if data.checkThere() == nil { // who has never had a data file has no peers
		if err := onOwnData(c, func(server *fazt.Server) (err error) {
			list, err = server.Store().Peers(c.Context)
			return err
		}); err != nil {
			return err
		}
	}
	if len(list) == 0 {
		note(c.App.ErrWriter, "no peers yet; add one with: %s", "fazt peer add <name> --url https://admin.example.com")
	}
	table := &storage.Table{Columns: []string{"name", "url", "default", "status", "version"}, Rows: make([][]any, len(list))}
	var group errgroup.Group
	group.SetLimit(statusesAtOnce)
	for i, p := range list {
		group.Go(func() error {
			state, version := "ok", ""
			if health, err := checkPeer(c, p); err != nil {
				state = oneLine(err)
			} else {
				state, version = health.Status, health.Version
			}
			table.Rows[i] = []any{p.Name, p.URL, p.Default, state, version}
			return nil
		})
	}
	_ = group.Wait() // what fails is a state
	return print(table)
}

// checkPeer asks a peer how it is, and whether it takes the key.
func checkPeer(c *cli.Context, p storage.Peer) (*api.Health, error) {
	ctx, cancel := context.WithTimeout(c.Context, statusTime)
	defer cancel()
	client := newClient(c, p)
	defer client.HTTP.CloseIdleConnections()
	health, err := client.Health(ctx)
	if err == nil && health.Version == "" {
		err = &api.AnswerError{URL: p.URL, Status: http.StatusOK}
	}
	if err == nil {
		// A key of any scope is good, though it may not read this.
		_, err = client.Limits(ctx)
		if e, ok := errors.AsType[*api.Error](err); ok && e.Status == http.StatusForbidden {
			err = nil
		}
	}
	if err != nil {
		return nil, explainPeer(c.Context, p, health, err)
	}
	return health, nil
}

func status(c *cli.Context) error {
	if _, err := arguments(c); err != nil {
		return err
	}
	print, err := printer(c)
	if err != nil {
		return err
	}
	return onService(c, func(server api.Service) error {
		health, err := server.Health(c.Context)
		if err != nil {
			return err
		}
		name, where := storage.LocalPeer, ""
		if r, ok := server.(*remote); ok {
			name, where = r.peer.Name, r.URL
		} else {
			p, err := locate(c)
			if err != nil {
				return err
			}
			where = p.String()
		}
		return print(&storage.Table{
			Columns: []string{"name", "url", "status", "version", "uptime"},
			Rows:    [][]any{{name, where, health.Status, health.Version, health.Uptime}},
		})
	})
}

func setDefaultPeer(c *cli.Context) error {
	args, err := arguments(c, "<name>")
	if err != nil {
		return err
	}
	name := peerName(args[0])
	if p, err := locate(c); err != nil || p.checkThere() != nil && name != storage.LocalPeer {
		return cmp.Or(err, noPeer(name))
	}
	return onOwnData(c, func(server *fazt.Server) error {
		if name == storage.LocalPeer {
			if err := server.Store().SetDefaultPeer(c.Context, ""); err != nil {
				return err
			}
			_, err := fmt.Fprintln(c.App.Writer, "commands work on this machine's data file")
			return err
		}
		if err := server.Store().SetDefaultPeer(c.Context, name); err != nil {
			return missingPeer(name, err)
		}
		_, err := fmt.Fprintf(c.App.Writer, "commands work on %s; fazt @local is this machine's data file\n", name)
		return err
	})
}

func removePeer(c *cli.Context) error {
	args, err := arguments(c, "<name>")
	if err != nil {
		return err
	}
	name := peerName(args[0])
	return onOwnData(c, func(server *fazt.Server) error {
		if err := server.Store().RemovePeer(c.Context, name); err != nil {
			return missingPeer(name, err)
		}
		_, err := fmt.Fprintf(c.App.Writer, "removed %s; its API key is valid there until it is revoked\n", name)
		return err
	})
}

func isNotFound(err error) bool {
	e, ok := errors.AsType[*storage.Error](err)
	return ok && e.Code == storage.CodeNotFound
}

func noPeer(name string) error {
	return fmt.Errorf("there is no peer %s; see: fazt peer list, or add it with: fazt peer add %s --url https://admin.example.com", name, name)
}

// missingPeer is err, or noPeer if it says just that.
func missingPeer(name string, err error) error {
	if isNotFound(err) {
		return noPeer(name)
	}
	return err
}

// findPeer is the peer that a command is about, by its name, or the default one, or
// nil if it is about the data file.
func findPeer(ctx context.Context, peers storage.Peers, name string) (*storage.Peer, error) {
	if name == storage.LocalPeer {
		return nil, nil
	}
	p, err := peers.Peer(ctx, name)
	switch {
	case err == nil:
		return &p, nil
	case name == "" && isNotFound(err):
		return nil, nil
	}
	return nil, missingPeer(name, err)
}
