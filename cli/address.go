package cli

import (
	"context"
	"net"
	"net/url"
	"strings"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

// addressOf is a line that says where an app answers, as far as that is known: beside a
// peer's management, or beside that of the server that was last on the data file.
func addressOf(ctx context.Context, server api.Service, app string) (line string, err error) {
	management, err := managementOf(ctx, server)
	if err != nil {
		return "", err
	}
	if management == "" {
		_, port, _ := net.SplitHostPort(defaultAddr)
		return "  http://" + net.JoinHostPort(app+".localhost", port) + "/ while fazt serve runs\n", nil
	}
	if at := appAddress(management, app); at != "" {
		line = "  " + at + "\n"
	}
	return line, nil
}

// managementOf is where a peer's management is, or that of the server that was last on
// the data file; "" if there was none yet.
func managementOf(ctx context.Context, server api.Service) (management string, err error) {
	switch s := server.(type) {
	case *remote:
		management = s.peer.URL
	case *fazt.Server:
		err = s.Store().Read(ctx, func(tx storage.SQL) error {
			_, err := storage.Setting(tx, storage.ManagementURL, &management)
			return err
		})
	}
	return management, err
}

// appAddress is the address of an app of the server whose management is at a URL, or ""
// if that doesn't tell.
func appAddress(management, app string) string {
	u, err := url.Parse(management)
	if err != nil {
		return ""
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	switch domain, isAdmin := strings.CutPrefix(host, "admin."); {
	case host == "localhost" || ip != nil && ip.IsLoopback():
		host = app + ".localhost"
	case isAdmin:
		host = app + "." + domain
	default:
		return "" // management has a listener of its own
	}
	if port := u.Port(); port != "" {
		host = net.JoinHostPort(host, port)
	}
	return u.Scheme + "://" + host + "/"
}

// noteAddress keeps where the server's management is for those who work on the data
// file beside it.
func noteAddress(ctx context.Context, server *fazt.Server, management string) error {
	known, err := managementOf(ctx, server)
	if err != nil || known == management {
		return err
	}
	return server.Store().Write(ctx, func(tx storage.SQL) error {
		return storage.SetSetting(tx, storage.ManagementURL, management)
	})
}
