// Command fazt serves folders as apps: try "fazt dev".
package main

import (
	"os"
	_ "time/tzdata" // for handlers' time zones where the system has none

	"github.com/fazt-sh/fazt/cli"
)

func main() { os.Exit(cli.Main()) }
