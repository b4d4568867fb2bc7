package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt/api"
)

func installCommand() *cli.Command {
	return &cli.Command{
		Name:        "install",
		Usage:       "deploy an app from a Git repository, built if need be",
		ArgsUsage:   "<git url>[@ref]",
		Flags:       append(deployFlags(), &cli.BoolFlag{Name: "yes", Usage: "run its build script and install its packages without asking"}, dbFlag()),
		Description: "fazt app install https://example.com/notes.git\nfazt app install https://example.com/notes.git@v1.2 --name journal\nfazt app install ./notes --no-build",
		Action:      install,
	}
}

func install(c *cli.Context) (err error) {
	args, err := arguments(c, "<git url>")
	if err != nil {
		return err
	}
	from, err := parseRepository(args[0])
	if err != nil {
		return err
	}
	if _, err := exec.LookPath("git"); err != nil {
		return errors.New("git is not installed; install it, or deploy a directory with: fazt app deploy <dir>")
	}
	dir, err := os.MkdirTemp("", "fazt-install-")
	if err != nil {
		return fmt.Errorf("cannot make a directory for the repository: %w; set TMPDIR to one that is writable", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	source, err := from.fetch(c.Context, dir)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(filepath.Join(dir, ".gitmodules")); err == nil {
		note(c.App.ErrWriter, "warning: the repository has submodules, which are not fetched")
	}
	plan, err := planToBuild(c, dir, from.url)
	if err != nil {
		return err
	}
	if plan != nil {
		plan.title = from.name
		if err := confirm(c, "run the build script of "+from.url+", which may do all that you may"); err != nil {
			return err
		}
	}
	return deployDir(c, dir, from.name, plan, source)
}

// repository is what is installed.
type repository struct {
	url  string
	ref  string // a branch, tag or commit; "" is the one that the repository has as its own
	name string // the last part of the URL
}

var (
	// scpLike is how ssh's addresses are mostly written: git@example.com:notes.git.
	scpLike = regexp.MustCompile(`^[A-Za-z0-9_][\w.-]*@[A-Za-z0-9][\w.-]*:[^:]+$`)
	// notRef is what no name of a branch, tag or commit has (git-check-ref-format(1)).
	notRef = regexp.MustCompile(`^[-+/]|[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/$|\.lock$`)
)

// parseRepository takes an argument apart. Only what git asks over TLS, over ssh or
// from a directory is taken: of its other ways, some run a program that the address
// names.
func parseRepository(arg string) (repository, error) {
	r := repository{url: arg}
	if info, err := os.Stat(arg); err == nil && info.IsDir() {
		// It is a directory, whatever its name looks like.
	} else if at := strings.LastIndexByte(arg, '@'); at > strings.LastIndexAny(arg, "/:") && at > 0 {
		r.url, r.ref = arg[:at], arg[at+1:]
		if r.ref == "" || notRef.MatchString(r.ref) {
			return r, usagef("%q is not the name of a branch, tag or commit", r.ref)
		}
	}
	if err := r.check(); err != nil {
		return r, err
	}
	last := strings.TrimSuffix(strings.TrimRight(r.url, "/"), ".git")
	r.name = last[strings.LastIndexAny(last, "/:")+1:]
	return r, nil
}

func (r *repository) check() error {
	scheme, _, hasScheme := strings.Cut(r.url, "://")
	switch {
	case strings.HasPrefix(r.url, "-") || strings.Contains(r.url, "::"):
		return usagef("%q is no address of a repository", r.url)
	case !hasScheme && scpLike.MatchString(r.url):
		return nil
	case !hasScheme:
		info, err := os.Stat(r.url)
		if err != nil || !info.IsDir() {
			return usagef("%q is neither a directory nor a URL; give one such as https://example.com/notes.git", r.url)
		}
		r.url, err = filepath.Abs(r.url)
		return err
	}
	u, err := url.Parse(r.url)
	if err != nil {
		return usagef("%q is not a URL", r.url)
	}
	_, secret := u.User.Password()
	switch {
	case scheme != "https" && scheme != "ssh" && scheme != "file":
		return usagef("%s:// is not taken, since whoever is on the way may change what it brings; give a URL with https:// or ssh://", scheme)
	case secret || scheme == "https" && u.User != nil:
		return usagef("the URL has a password or key in it, which others on this machine can read; leave it to git's credential helper")
	case strings.HasPrefix(u.Hostname(), "-") || strings.Trim(u.Path, "/") == "":
		return usagef("%q is no address of a repository", r.url)
	}
	return nil
}

// fetch puts the files of a repository into dir, without its history.
func (r *repository) fetch(ctx context.Context, dir string) (api.Source, error) {
	ref := r.ref
	if ref == "" {
		ref = "HEAD"
	}
	var commit string
	for _, args := range [][]string{
		{"init", "--quiet", "--template="},
		{"fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--", r.url, ref},
		{"checkout", "--quiet", "--detach", "FETCH_HEAD"},
		{"rev-parse", "HEAD"},
	} {
		out, err := git(ctx, dir, args...)
		if err != nil {
			return api.Source{}, fmt.Errorf("%s: %w", r.url, err)
		}
		commit = strings.TrimSpace(out)
	}
	return api.Source{URL: r.url, Ref: r.ref, Commit: commit}, nil
}

// gitSettings keep git from running what a repository brings along, and from asking.
var gitSettings = []string{
	"-c", "protocol.allow=never", "-c", "protocol.https.allow=always", "-c", "protocol.ssh.allow=always", "-c", "protocol.file.allow=always",
	"-c", "core.hooksPath=" + os.DevNull, "-c", "core.fsmonitor=false", "-c", "submodule.recurse=false", "-c", "advice.detachedHead=false",
}

// git runs git in a directory and returns what it printed.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", slices.Concat(gitSettings, args)...)
	cmd.Dir = dir
	// What names another repository than the one in dir is left out.
	cmd.Env = slices.DeleteFunc(withoutSecrets(os.Environ()), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return strings.HasPrefix(name, "GIT_") && !strings.HasPrefix(name, "GIT_SSH") && !strings.HasPrefix(name, "GIT_SSL")
	})
	cmd.Env = append(cmd.Env, "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "SSH_ASKPASS=", "GCM_INTERACTIVE=never", "LC_ALL=C")
	if os.Getenv("GIT_SSH_COMMAND") == "" && os.Getenv("GIT_SSH") == "" {
		cmd.Env = append(cmd.Env, "GIT_SSH_COMMAND=ssh -o BatchMode=yes")
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.WaitDelay = buildGrace
	ownGroup(cmd)
	err := cmd.Run()
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err != nil {
		text := strings.TrimSpace(errs.String())
		if last := strings.Split(text, "\n"); text != "" {
			err = errors.New(strings.TrimPrefix(last[0], "fatal: "))
		}
		return "", fmt.Errorf("git %s: %w", path.Base(args[0]), err)
	}
	return out.String(), nil
}
