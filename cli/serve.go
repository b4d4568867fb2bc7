package cli

import (
	"log/slog"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt"
)

func serveCommand() *cli.Command {
	return &cli.Command{
		Name:  "serve",
		Usage: "serve the apps in the data file",
		Flags: []cli.Flag{
			addrFlag(),
			&cli.StringFlag{Name: "domain", Usage: "own host `NAME`; apps answer below it, as app.NAME"},
			dbFlag(),
			&cli.BoolFlag{Name: "dev", Usage: "show handlers' errors to visitors and offer the dev sign-in; loopback only"},
		},
		Description: "fazt serve\nfazt serve --addr 127.0.0.1:9000 --domain example.com",
		Action:      serve,
	}
}

func serve(c *cli.Context) error {
	if _, err := arguments(c); err != nil {
		return err
	}
	addr, dev := c.String("addr"), c.Bool("dev")
	if err := checkAddr(addr, dev); err != nil {
		return err
	}
	path, err := dataFile(c)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(c.App.ErrWriter, nil))
	opt := fazt.Options{DataFile: path, Domain: c.String("domain"), Dev: dev, Logger: log}
	// The port first: when another server has it, the data file stays untouched.
	l, err := listen(c.Context, addr)
	if err != nil {
		return err
	}
	defer l.Close()
	return withServer(c.Context, opt, func(server *fazt.Server) error {
		log.Info("serving", "url", "http://"+l.Addr().String()+"/", "data_file", path)
		err := server.Serve(c.Context, l)
		if err == nil {
			log.Info("stopped; every request was answered")
		}
		return err
	})
}
