package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

func providersCommand() *cli.Command {
	return &cli.Command{
		Name:        "providers",
		Usage:       "list the sites by which people sign in",
		Flags:       []cli.Flag{formatFlag(), dbFlag()},
		Description: "fazt auth providers",
		Action:      providers,
	}
}

func providerCommand() *cli.Command {
	return &cli.Command{
		Name:      "provider",
		Usage:     "have people sign in by Google, GitHub or any OpenID Connect issuer",
		ArgsUsage: "<name>",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "client-id", Usage: "the `ID` that the provider knows this server by"},
			&cli.StringFlag{Name: "client-secret", Usage: "its `SECRET`; shells keep what is typed: better $FAZT_CLIENT_SECRET"},
			&cli.StringFlag{Name: "client-secret-file", Usage: "read the secret from `FILE`, - for standard input"},
			&cli.StringFlag{Name: "issuer", Usage: "the provider's `URL`, for one that is not known by its name"},
			&cli.BoolFlag{Name: "enable", Usage: "put it on the sign-in page"},
			&cli.BoolFlag{Name: "disable", Usage: "take it off"},
			&cli.BoolFlag{Name: "remove", Usage: "remove it with its secret"},
			urlFlag(), yesFlag(), formatFlag(), dbFlag(),
		},
		Description: "fazt auth provider google --client-id 12.apps.googleusercontent.com --client-secret-file secret\n" +
			"fazt auth provider work --issuer https://id.example.com --client-id fazt --client-secret-file -\n" +
			"fazt auth provider google --disable",
		Action: provider,
	}
}

func providers(c *cli.Context) error {
	if _, err := arguments(c); err != nil {
		return err
	}
	return showProviders(c, "")
}

// showProviders prints all providers, or the one of a name.
func showProviders(c *cli.Context, name string) error {
	print, err := printer(c)
	if err != nil {
		return err
	}
	return onService(c, func(server api.Service) error {
		list, err := server.Providers(c.Context)
		if err != nil {
			return err
		}
		table := &storage.Table{Columns: []string{"name", "label", "enabled", "issuer", "client_id", "redirect_path"}}
		for _, p := range list {
			if name == "" || p.Name == name {
				table.Rows = append(table.Rows, []any{p.Name, p.Label, p.Enabled, p.Issuer, p.ClientID, p.RedirectPath})
			}
		}
		switch {
		case name != "" && len(table.Rows) == 0:
			return fmt.Errorf("there is no provider %s yet; make it with: fazt auth provider %s --client-id ID --client-secret-file FILE", name, name)
		case len(table.Rows) == 0:
			note(c.App.ErrWriter, "no providers yet; make one with: fazt auth provider google --client-id ID --client-secret-file FILE")
		}
		return print(table)
	})
}

func provider(c *cli.Context) error {
	args, err := arguments(c, "<name>")
	if err != nil {
		return err
	}
	name := args[0]
	config := api.ProviderConfig{Issuer: c.String("issuer"), ClientID: c.String("client-id")}
	if config.ClientSecret, err = clientSecret(c); err != nil {
		return err
	}
	switch enable, disable := c.Bool("enable"), c.Bool("disable"); {
	case enable && disable:
		return usagef("--enable and --disable are both given; give one")
	case enable || disable:
		config.Enabled = &enable
	}
	changes := config != (api.ProviderConfig{})
	switch {
	case c.Bool("remove") && changes:
		return usagef("--remove stands with no other change")
	case c.Bool("remove"):
		return removeProvider(c, name)
	case !changes:
		return showProviders(c, name)
	}
	return onService(c, func(server api.Service) error {
		p, err := server.SetProvider(c.Context, name, config)
		if err != nil {
			return err
		}
		if !p.Enabled {
			_, err := fmt.Fprintf(c.App.Writer, "%s is off\n", p.Name)
			return err
		}
		note(c.App.ErrWriter, "%s is on; register this redirect URL there:", p.Label)
		return printLink(c, server, p.RedirectPath)
	})
}

// clientSecret is the secret that the flags or the environment have. The
// environment's is for a client that the command line names: it may be there by
// chance.
func clientSecret(c *cli.Context) (string, error) {
	given, file := c.String("client-secret"), c.String("client-secret-file")
	switch {
	case given != "" && file != "":
		return "", usagef("--client-secret and --client-secret-file are both given; give one")
	case given != "":
		return given, nil
	case file == "" && c.String("client-id") != "":
		return os.Getenv("FAZT_CLIENT_SECRET"), nil
	case file == "":
		return "", nil
	}
	var from io.Reader = c.App.Reader
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", fmt.Errorf("--client-secret-file: %w; give a file that this user may read, or - for standard input", err)
		}
		defer f.Close()
		from = f
	}
	text, err := io.ReadAll(io.LimitReader(from, 8192))
	if err != nil {
		return "", err
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" {
		if file == "-" {
			file = "standard input"
		}
		return "", fmt.Errorf("there is no secret in %s; put the one there that the provider gave you, and nothing else", file)
	}
	return secret, nil
}

func removeProvider(c *cli.Context, name string) error {
	if err := confirm(c, fmt.Sprintf("remove the provider %s with its secret; who signs in by it alone can't any more", name)); err != nil {
		return err
	}
	return onService(c, func(server api.Service) error {
		if err := server.RemoveProvider(c.Context, name); err != nil {
			return err
		}
		_, err := fmt.Fprintf(c.App.Writer, "removed %s\n", name)
		return err
	})
}
