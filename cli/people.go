package cli

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

func setupCommand() *cli.Command {
	return &cli.Command{
		Name:     "setup",
		Category: hereOnly,
		Usage:    "print a link by which its first visitor becomes owner; good for a day",
		Flags:    []cli.Flag{urlFlag(), dbFlag()},
		Description: "fazt auth setup\n" +
			"fazt auth setup --url https://admin.example.com",
		Action: setup,
	}
}

func usersCommand() *cli.Command {
	return &cli.Command{
		Name:        "users",
		Usage:       "list the users",
		Flags:       []cli.Flag{formatFlag(), dbFlag()},
		Description: "fazt auth users",
		Action:      users,
	}
}

func userCommand() *cli.Command {
	return &cli.Command{
		Name:      "user",
		Usage:     "show a user, or change what they may do",
		ArgsUsage: "<id-or-email>",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "role", Usage: "give the `ROLE` owner, admin or user; with --app one of the app's own"},
			&cli.StringFlag{Name: "app", Usage: "the role is one in `APP` alone"},
			&cli.StringFlag{Name: "name", Usage: "set the user's `NAME`"},
			&cli.BoolFlag{Name: "password", Usage: "set a password, which is asked for, or read from standard input"},
			&cli.BoolFlag{Name: "delete", Usage: "remove the user; with --app the role there, or all of them"},
			yesFlag(), formatFlag(), dbFlag(),
		},
		Description: "fazt auth user ann@example.com\n" +
			"fazt auth user ann@example.com --role owner\n" +
			"fazt auth user ann@example.com --app notes --role editor\n" +
			"fazt auth user ann@example.com --password",
		Action: user,
	}
}

func inviteCommand() *cli.Command {
	return &cli.Command{
		Name:  "invite",
		Usage: "print a link by which people become users",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "role", Value: "user", Usage: "invite them as `ROLE`: owner, admin or user; default user"},
			&cli.IntFlag{Name: "uses", Value: 1, Usage: "invite `N` people, default 1"},
			expiresFlag("in a week"), urlFlag(), dbFlag(),
		},
		Description: "fazt auth invite\nfazt auth invite --role admin --expires 12h\nfazt auth invite revoke 3xk5w2qv7m4a6zpt",
		Action:      invite,
		Subcommands: []*cli.Command{{
			Name:        "revoke",
			Usage:       "end an invite",
			ArgsUsage:   "<id>",
			Flags:       []cli.Flag{dbFlag()},
			Description: "fazt auth invite revoke 3xk5w2qv7m4a6zpt",
			Action:      revokeInvite,
		}},
	}
}

// urlFlag says where browsers find the sign-in host.
func urlFlag() cli.Flag {
	return &cli.StringFlag{
		Name:   "url",
		Usage:  "the `URL` of the sign-in host; default the peer's, or of the server that last had the data file, else http://localhost:8080",
		Action: func(_ *cli.Context, text string) error { return checkLinkURL(text) },
	}
}

// checkLinkURL refuses what no link can begin with, before one is made: a set-up link
// ends those before it, and an invite can't be shown again.
func checkLinkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || strings.TrimSuffix(text, "/") != u.Scheme+"://"+u.Host {
		return usagef("--url %s is not the address of a host; give one such as https://admin.example.com", text)
	}
	return nil
}

// printLink prints a link to a path of a server's sign-in host: a peer's is where its
// management is.
func printLink(c *cli.Context, server api.Service, path string) error {
	base := c.String("url")
	if base == "" {
		known, err := managementOf(c.Context, server)
		if err != nil {
			return err
		}
		base = cmp.Or(known, "http://localhost:8080")
	}
	_, err := fmt.Fprintln(c.App.Writer, strings.TrimSuffix(base, "/")+path)
	return err
}

func setup(c *cli.Context) error {
	if _, err := arguments(c); err != nil {
		return err
	}
	return onOwnData(c, func(server *fazt.Server) error {
		path, err := server.CreateSetup(c.Context)
		if err != nil {
			return err
		}
		note(c.App.ErrWriter, "whoever opens this link first can make themselves owner; it is good for a day, and ends the ones before")
		return printLink(c, server, path)
	})
}

func users(c *cli.Context) error {
	return printList(c, func(server api.Service) (*storage.Table, error) {
		var list []api.User
		for total := 1; len(list) < total; {
			page, n, err := server.Users(c.Context, len(list), 1000)
			if err != nil {
				return nil, err
			}
			if list, total = append(list, page...), n; len(page) == 0 {
				break
			}
		}
		if len(list) == 0 {
			note(c.App.ErrWriter, "no users yet; the first one comes by: fazt auth setup")
		}
		table := &storage.Table{Columns: []string{"id", "email", "name", "role", "provider", "email_verified", "created_at", "last_login"}}
		for _, u := range list {
			table.Rows = append(table.Rows, []any{u.ID, u.Email, u.Name, u.Role, u.Provider, u.EmailVerified, u.CreatedAt, u.LastLogin})
		}
		return table, nil
	})
}

func user(c *cli.Context) error {
	args, err := arguments(c, "<id-or-email>")
	if err != nil {
		return err
	}
	print, err := printer(c)
	if err != nil {
		return err
	}
	id, app := args[0], c.String("app")
	switch {
	case c.Bool("delete") && (c.IsSet("name") || c.Bool("password") || app == "" && c.IsSet("role")):
		return usagef("--delete stands with no other change; see: fazt auth user --help")
	case app != "" && !c.Bool("delete") && c.String("role") == "":
		return usagef("--app needs the --role that the user is to have there; for example: fazt auth user %s --app %s --role editor", id, app)
	case c.Bool("delete") && app == "":
		if err := confirm(c, fmt.Sprintf("remove the user %s with their sessions, ways to sign in, roles and keys", id)); err != nil {
			return err
		}
	}
	if c.Bool("password") {
		if err := setPassword(c, id); err != nil {
			return err
		}
	}
	return onService(c, func(server api.Service) error {
		if err := changeUser(c, server, id); err != nil {
			return err
		}
		if c.Bool("delete") && app == "" {
			_, err := fmt.Fprintf(c.App.Writer, "removed %s; what apps have stored for them stays there, out of reach\n", id)
			return err
		}
		u, err := server.User(c.Context, id)
		if err != nil {
			return err
		}
		return print(userTable(u))
	})
}

// setPassword asks for a password and gives it to a user.
func setPassword(c *cli.Context, id string) error {
	peer, err := peerOf(c)
	if err != nil {
		return err
	}
	if peer != nil {
		return usagef("a password is set on the machine of the server alone; run it there, or say @local instead of @%s", peer.Name)
	}
	password, err := readPassword(c, "New password for "+id+": ")
	if err != nil {
		return err
	}
	return onOwnData(c, func(server *fazt.Server) error { return server.SetPassword(c.Context, id, password) })
}

// changeUser does what the other flags of the command say.
func changeUser(c *cli.Context, server api.Service, id string) error {
	app, role := c.String("app"), c.String("role")
	switch {
	case c.Bool("delete") && app != "":
		return server.RemoveAppRole(c.Context, app, id, role)
	case c.Bool("delete"):
		return server.RemoveUser(c.Context, id)
	case app != "":
		if err := server.SetAppRole(c.Context, app, id, role); err != nil {
			return err
		}
	}
	var change api.UserChange
	if name := c.String("name"); c.IsSet("name") {
		change.Name = &name
	}
	if app == "" && c.IsSet("role") {
		change.Role = &role
	}
	if change == (api.UserChange{}) {
		return nil
	}
	_, err := server.ChangeUser(c.Context, id, change)
	return err
}

// userTable is one user in a row.
func userTable(u *api.User) *storage.Table {
	var roles []string
	for _, r := range u.AppRoles {
		app := r.App
		if app == "" { // removed, and its data kept
			app = r.AppID
		}
		roles = append(roles, app+":"+r.Role)
	}
	return &storage.Table{
		Columns: []string{"id", "email", "name", "role", "app_roles", "provider", "email_verified", "created_at", "last_login"},
		Rows:    [][]any{{u.ID, u.Email, u.Name, u.Role, shown{strings.Join(roles, " "), u.AppRoles}, u.Provider, u.EmailVerified, u.CreatedAt, u.LastLogin}},
	}
}

func invite(c *cli.Context) error {
	if _, err := arguments(c); err != nil {
		return err
	}
	if n := c.Int("uses"); n < 1 {
		return usagef("--uses %d is not a positive number", n)
	}
	expires, err := expiry(c, time.Now())
	if err != nil {
		return err
	}
	return onService(c, func(server api.Service) error {
		in, err := server.MakeInvite(c.Context, api.NewInvite{Role: c.String("role"), Uses: c.Int("uses"), ExpiresAt: expires})
		if err != nil {
			return err
		}
		note(c.App.ErrWriter, "for %s to join as %s, until %s; it cannot be shown again", persons(in.Uses), in.Role, when(in.ExpiresAt))
		return printLink(c, server, in.Path)
	})
}

func persons(n int) string {
	if n == 1 {
		return "one person"
	}
	return fmt.Sprintf("%d people", n)
}

func invites(c *cli.Context) error {
	return printList(c, func(server api.Service) (*storage.Table, error) {
		list, err := server.Invites(c.Context)
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			note(c.App.ErrWriter, "no invites; make one with: fazt auth invite")
		}
		table := &storage.Table{Columns: []string{"id", "role", "uses", "uses_left", "created_at", "expires_at", "created_by"}}
		for _, in := range list {
			table.Rows = append(table.Rows, []any{in.ID, in.Role, in.Uses, in.UsesLeft, in.CreatedAt, in.ExpiresAt, in.CreatedBy})
		}
		return table, nil
	})
}

func revokeInvite(c *cli.Context) error {
	return endOne(c, func(server api.Service, id string) error { return server.RevokeInvite(c.Context, id) }, "revoked %s")
}
