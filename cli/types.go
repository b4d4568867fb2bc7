package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt/internal/jsapi/reference"
)

// typesFile is what an app's api/main.js names in its first line.
const typesFile = "fazt.d.ts"

func typesCommand() *cli.Command {
	return &cli.Command{
		Name:        "types",
		Category:    hereOnly,
		Usage:       "write fazt.d.ts, by which an editor knows what handlers can use",
		ArgsUsage:   "[dir]",
		Description: "fazt types\nfazt types ./my-app",
		Action:      types,
	}
}

// types writes over its own file of an older fazt, and over nothing else.
func types(c *cli.Context) error {
	args, err := arguments(c, "[dir]")
	if err != nil {
		return err
	}
	dir := args[0]
	if info, err := os.Stat(dir); dir != "" && (err != nil || !info.IsDir()) {
		return fmt.Errorf("there is no directory %s; give the path of an app's directory", dir)
	}
	name := filepath.Join(dir, typesFile)
	old, err := os.ReadFile(name)
	if err == nil && !bytes.HasPrefix(old, []byte(reference.Mark)) {
		return fmt.Errorf("%s is there already and not made by fazt; move it away first", name)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.WriteFile(name, []byte(reference.Declarations()), 0o666); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "%s is written; begin api/main.js with: /// <reference path=\"../%s\" />\n", name, typesFile)
	return err
}
