package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"
)

const defaultAddr = "127.0.0.1:8080"

func addrFlag() cli.Flag {
	return &cli.StringFlag{Name: "addr", Value: defaultAddr, Usage: "listen on `HOST:PORT`, default " + defaultAddr}
}

// listen opens the first of addrs that is not in use, and says what to do when
// it cannot.
func listen(ctx context.Context, addrs ...string) (net.Listener, error) {
	return listenFor(ctx, "addr", addrs...)
}

// listenFor is listen for the addresses of a flag.
func listenFor(ctx context.Context, flag string, addrs ...string) (l net.Listener, err error) {
	var config net.ListenConfig
	for _, addr := range addrs {
		l, err = config.Listen(ctx, "tcp", addr)
		switch {
		case err == nil:
			return l, nil
		case !errors.Is(err, syscall.EADDRINUSE):
			return nil, listenError(flag, addr, err)
		}
	}
	return nil, fmt.Errorf("%s is in use; stop the program that uses it, or choose another with --%s", strings.Join(addrs, ", "), flag)
}

func listenError(flag, addr string, err error) error {
	if errors.Is(err, syscall.EACCES) {
		return fmt.Errorf("cannot listen on %s: permission denied, since ports below 1024 are the system's; "+
			"give a systemd unit AmbientCapabilities=CAP_NET_BIND_SERVICE, or run: sudo setcap cap_net_bind_service=+ep \"$(which fazt)\", "+
			"or choose another with --%s and put a proxy in front", addr, flag)
	}
	return fmt.Errorf("cannot listen on %s: %w; choose another address with --%s", addr, err, flag)
}

// near are the addresses that dev tries when --addr is not given.
func near() []string {
	var addrs []string
	for port := 8080; port < 8100; port++ {
		addrs = append(addrs, fmt.Sprintf("127.0.0.1:%d", port))
	}
	return addrs
}

// checkAddr refuses what is not a host and a port, and with loopback set what
// other machines could reach.
func checkAddr(flag, addr string, loopback bool) error {
	if err := checkHostPort(flag, addr, defaultAddr); err != nil {
		return err
	}
	host, _, _ := net.SplitHostPort(addr)
	if ip, err := netip.ParseAddr(host); loopback && host != "localhost" && (err != nil || !ip.Unmap().IsLoopback()) {
		return usagef("--%s %s is not on this machine alone, and development shows an app's inside; give one such as %s", flag, addr, defaultAddr)
	}
	return nil
}

func checkHostPort(flag, addr, example string) error {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return usagef("--%s %s is not HOST:PORT; give one such as %s", flag, addr, example)
	}
	return nil
}

// appURL is where browsers of this machine find an app.
func appURL(app string, l net.Listener) string {
	return fmt.Sprintf("http://%s.localhost:%d/", app, l.Addr().(*net.TCPAddr).Port)
}
