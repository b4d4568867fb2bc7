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

// managedFront is a front with a listener for management beside it.
type managedFront struct {
	front
	admin net.Listener
}

// withAdmin opens --admin-addr, if it is given, beside a front. With an error it returns
// the front as it was.
func withAdmin(c *cli.Context, f front, opt fazt.Options) (front, error) {
	addr := c.String("admin-addr")
	if addr == "" {
		return f, nil
	}
	if err := checkAddr("admin-addr", addr, opt.Dev); err != nil {
		return f, err
	}
	l, err := listenFor(c.Context, "admin-addr", addr)
	if err != nil {
		return f, err
	}
	return managedFront{f, l}, nil
}

// serve ends with ctx, or when one of the two fails.
func (m managedFront) serve(ctx context.Context, server *fazt.Server, opt fazt.Options) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return m.front.serve(ctx, server, opt) })
	group.Go(func() error {
		opt.Logger.Info("managing", "url", m.adminURL()+"/")
		return server.ServeAdmin(ctx, m.admin)
	})
	return group.Wait()
}

func (m managedFront) close() {
	m.front.close()
	m.admin.Close()
}

func (m managedFront) signIn(opt fazt.Options) string {
	if opt.Domain != "" {
		return m.front.signIn(opt)
	}
	return m.adminURL()
}

// adminURL is where browsers find management: at the address that was given, or on this
// machine when that is every one.
func (m managedFront) adminURL() string {
	if addr := m.admin.Addr().(*net.TCPAddr); !addr.IP.IsUnspecified() {
		return "http://" + addr.String()
	}
	return fmt.Sprintf("http://localhost:%d", port(m.admin))
}
