package cli

import (
	"context"
	"fmt"
	"net"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"github.com/fazt-sh/fazt"
)

func adminFlag() cli.Flag {
	return &cli.StringFlag{Name: "admin-addr", Usage: "manage and sign in at `HOST:PORT` without a domain"}
}

// adminListener opens --admin-addr, or returns nil without it.
func adminListener(c *cli.Context, loopback bool) (net.Listener, error) {
	addr := c.String("admin-addr")
	if addr == "" {
		return nil, nil
	}
	if err := checkAddr("admin-addr", addr, loopback); err != nil {
		return nil, err
	}
	return listen(c.Context, addr)
}

// serveBoth serves visitors, and on admin unless that is nil, until ctx ends or one of
// them fails.
func serveBoth(ctx context.Context, visitors func(context.Context) error, server *fazt.Server, admin net.Listener) error {
	if admin == nil {
		return visitors(ctx)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return visitors(ctx) })
	group.Go(func() error { return server.ServeAdmin(ctx, admin) })
	return group.Wait()
}

// adminURL is where browsers find a listener for management: at the address that it was
// given, or on this machine when that is every one.
func adminURL(admin net.Listener) string {
	addr := admin.Addr().(*net.TCPAddr)
	if !addr.IP.IsUnspecified() {
		return "http://" + addr.String()
	}
	return fmt.Sprintf("http://localhost:%d", addr.Port)
}
