package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

func versionsCommand() *cli.Command {
	return &cli.Command{
		Name:        "versions",
		Usage:       "list the versions of an app that are kept",
		ArgsUsage:   "<name>",
		Flags:       []cli.Flag{formatFlag(), dbFlag()},
		Description: "fazt app versions my-app",
		Action: func(c *cli.Context) error {
			return printListOf(c, func(server api.Service, app string) (*storage.Table, error) {
				list, err := server.Versions(c.Context, app)
				if err != nil {
					return nil, err
				}
				table := &storage.Table{Columns: []string{"version", "current", "deployed_at", "file_count", "size_bytes", "engine", "source"}}
				for _, v := range list {
					table.Rows = append(table.Rows, []any{v.Version, v.Current, v.DeployedAt, v.Files, v.Size, v.Engine, shown{from(v.Source), v.Source}})
				}
				return table, nil
			})
		},
	}
}

// from says in a few words where a version came from.
func from(s api.Source) string {
	text := s.By
	if s.URL != "" {
		text += ", " + s.URL
		if s.Ref != "" {
			text += "@" + s.Ref
		}
		if s.Commit != "" && !strings.HasPrefix(s.Commit, s.Ref) || s.Ref == "" && s.Commit != "" {
			text += " " + s.Commit[:min(len(s.Commit), 10)]
		}
	}
	if s.Restored != 0 {
		text += fmt.Sprintf(", version %d again", s.Restored)
	}
	return strings.TrimPrefix(text, ", ")
}

func versionFlag(usage string) cli.Flag {
	return &cli.IntFlag{Name: "version", Usage: usage}
}

// version is what --version says, 0 without it.
func version(c *cli.Context) (int, error) {
	if v := c.Int("version"); v > 0 || !c.IsSet("version") {
		return v, nil
	}
	return 0, usagef("--version must be a whole number, 1 or more; see: fazt app versions <name>")
}

func rollbackCommand() *cli.Command {
	return &cli.Command{
		Name:        "rollback",
		Usage:       "serve a version that is kept again, as a new version",
		ArgsUsage:   "<name>",
		Flags:       []cli.Flag{versionFlag("serve version `N`, default the one before what is served"), keepFlag(), dbFlag()},
		Description: "fazt app rollback my-app\nfazt app rollback my-app --version 3",
		Action:      rollback,
	}
}

func rollback(c *cli.Context) error {
	args, err := arguments(c, "<name>")
	if err != nil {
		return err
	}
	to, err := version(c)
	if err != nil {
		return err
	}
	return onService(c, func(server api.Service) error {
		made, err := server.Rollback(c.Context, args[0], to)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(c.App.Writer, made.Message)
		return err
	})
}

func filesCommand() *cli.Command {
	return &cli.Command{
		Name:        "files",
		Usage:       "list the files of an app",
		ArgsUsage:   "<name>",
		Flags:       []cli.Flag{versionFlag("list those of version `N`, default the current one"), formatFlag(), dbFlag()},
		Description: "fazt app files my-app\nfazt app files my-app --version 3 --format csv",
		Action: func(c *cli.Context) error {
			of, err := version(c)
			if err != nil {
				return err
			}
			return printListOf(c, func(server api.Service, app string) (*storage.Table, error) {
				list, err := server.Files(c.Context, app, of)
				if err != nil {
					return nil, err
				}
				table := &storage.Table{Columns: []string{"path", "size_bytes", "hash"}}
				for _, f := range list {
					if formatOf(c) == "table" { // which is for people
						f.Hash = f.Hash[:min(len(f.Hash), 12)]
					}
					table.Rows = append(table.Rows, []any{f.Path, f.Size, f.Hash})
				}
				return table, nil
			})
		},
	}
}

// printListOf is printList for a list of what the only argument, an app, has.
func printListOf(c *cli.Context, get func(server api.Service, app string) (*storage.Table, error)) error {
	args, err := arguments(c, "<name>")
	if err != nil {
		return err
	}
	print, err := printer(c)
	if err != nil {
		return err
	}
	return onService(c, func(server api.Service) error {
		table, err := get(server, args[0])
		if err != nil {
			return err
		}
		return print(table)
	})
}

func pullCommand() *cli.Command {
	return &cli.Command{
		Name:        "pull",
		Usage:       "copy an app's files into a new directory",
		ArgsUsage:   "<name> [dir]",
		Flags:       []cli.Flag{versionFlag("copy those of version `N`, default the current one"), dbFlag()},
		Description: "fazt app pull my-app\nfazt app pull my-app ./old --version 3",
		Action:      pull,
	}
}

// pull copies the files beside the directory first, so that it is there whole or not
// at all.
func pull(c *cli.Context) (err error) {
	args, err := arguments(c, "<name>", "[dir]")
	if err != nil {
		return err
	}
	of, err := version(c)
	if err != nil {
		return err
	}
	name, dir := args[0], args[1]
	if dir == "" {
		dir = labelOf(name)
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("%s is there already, and not empty; name another directory: fazt app pull %s <dir>", dir, name)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot copy to %s: %w", dir, err)
	}
	return onService(c, func(server api.Service) (err error) {
		files, err := server.Files(c.Context, name, of)
		if err != nil {
			return err
		}
		files = slices.DeleteFunc(files, func(f api.AppFile) bool {
			left := isGits(f.Path)
			if left {
				note(c.App.ErrWriter, "left out: %s, by which git may run what the app's author likes", f.Path)
			}
			return left
		})
		scratch, err := os.MkdirTemp(filepath.Dir(filepath.Clean(dir)), ".fazt-pull-")
		if err != nil {
			return fmt.Errorf("cannot copy to %s: %w", dir, err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
		whole := filepath.Join(scratch, "app")
		total, err := copyFiles(c.Context, server, name, of, files, whole)
		if err != nil {
			return err
		}
		if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // it is empty
			return err
		}
		if err := os.Rename(whole, dir); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.App.Writer, "%s: %s, %s\n", printable(dir), count(len(files), "file"), size(total))
		return err
	})
}

// isGits reports whether git takes a file for one of its own, on any file system: in
// what is configured there are programs that it runs, and a shell's prompt may ask it.
func isGits(name string) bool {
	for part := range strings.SplitSeq(strings.ToLower(name), "/") {
		part, _, _ = strings.Cut(part, ":") // a stream of NTFS
		part = strings.Map(func(r rune) rune {
			if unicode.Is(unicode.Cf, r) { // HFS+ does not see these
				return -1
			}
			return r
		}, part)
		if part = strings.TrimRight(part, ". "); part == ".git" || part == "git~1" {
			return true
		}
	}
	return false
}

// copyFiles writes files of an app below a new directory, and checks that they are
// what the server says. Another server's names lead nowhere else.
func copyFiles(ctx context.Context, server api.Service, app string, of int, files []api.AppFile, dir string) (total int64, err error) {
	if err := os.Mkdir(dir, 0o777); err != nil {
		return 0, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, err
	}
	defer root.Close()
	for _, f := range files {
		if !fs.ValidPath(f.Path) || !filepath.IsLocal(filepath.FromSlash(f.Path)) {
			return 0, fmt.Errorf("the file %q has a name that cannot be a file's here", f.Path)
		}
		if err := root.MkdirAll(path.Dir(f.Path), 0o777); err != nil {
			return 0, err
		}
		n, err := copyFile(ctx, server, app, of, f, root)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", f.Path, err)
		}
		total += n
	}
	return total, nil
}

func copyFile(ctx context.Context, server api.Service, app string, of int, f api.AppFile, root *os.Root) (n int64, err error) {
	_, from, err := server.OpenFile(ctx, app, of, f.Path)
	if err != nil {
		return 0, err
	}
	defer from.Close()
	to, err := root.OpenFile(f.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return 0, errors.New("another file's name differs in case only, which this file system does not tell apart")
	}
	if err != nil {
		return 0, err
	}
	sum := sha256.New()
	n, err = io.Copy(io.MultiWriter(to, sum), from)
	if err = errors.Join(err, to.Close()); err == nil && hex.EncodeToString(sum.Sum(nil)) != f.Hash {
		err = errors.New("is not what the server says that it is; the app was deployed meanwhile, or the connection broke: try again")
	}
	return n, err
}
