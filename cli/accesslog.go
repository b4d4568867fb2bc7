package cli

import (
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt/frontdoor"
)

func accessLogFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "access-log", Usage: "write a line for each request to `FILE`; - is stdout"},
		&cli.StringFlag{Name: "access-log-format", Value: string(frontdoor.AccessJSON), Usage: "`FORMAT` of its lines: json, the default, or common"},
	}
}

// openAccessLog is nil without the flag. To close it is to write what waits.
func openAccessLog(c *cli.Context, log *slog.Logger) (access *frontdoor.AccessLog, close func(), err error) {
	path, format := c.String("access-log"), frontdoor.AccessFormat(c.String("access-log-format"))
	switch {
	case format != frontdoor.AccessJSON && format != frontdoor.AccessCommon:
		return nil, nil, usagef("--access-log-format %s is unknown; give json or common", format)
	case path == "" && c.IsSet("access-log"):
		return nil, nil, usagef("--access-log is empty; give a file, or - for stdout")
	case path == "" && c.IsSet("access-log-format"):
		return nil, nil, usagef("--access-log-format is for an access log; give --access-log too")
	case path == "":
		return nil, func() {}, nil
	case path == "-":
		access, err = frontdoor.NewAccessLog(c.App.Writer, format, log)
		if err != nil {
			return nil, nil, err
		}
		return access, access.Close, nil
	}
	if access, err = frontdoor.OpenAccessLog(path, format, log); err != nil {
		return nil, nil, fmt.Errorf("%w; name another file with --access-log", err)
	}
	// A rotation says by this signal that it has moved the file; without a log it ends
	// the program, as it always does.
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	ended := make(chan struct{})
	go func() {
		for {
			select {
			case <-hangup:
				access.Reopen()
			case <-ended:
				return
			}
		}
	}()
	return access, func() {
		signal.Stop(hangup)
		ended <- struct{}{}
		access.Close()
	}, nil
}
