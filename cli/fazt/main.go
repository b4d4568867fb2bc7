// Command fazt serves folders as apps: try "fazt dev".
package main

import (
	"os"

	"github.com/fazt-sh/fazt/cli"
)

func main() { os.Exit(cli.Main()) }
