package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// packageManager is a program that installs an app's dependencies and runs its
// scripts.
type packageManager struct {
	name    string
	lock    string   // the file by which it is known
	install []string // what is in the lock file, and nothing else
}

// packageManagers are those that are known, in the order in which their lock files
// are looked for.
var packageManagers = []packageManager{
	{"bun", "bun.lock", []string{"install", "--frozen-lockfile"}},
	{"bun", "bun.lockb", []string{"install", "--frozen-lockfile"}},
	{"pnpm", "pnpm-lock.yaml", []string{"install", "--frozen-lockfile"}},
	{"yarn", "yarn.lock", []string{"install", "--frozen-lockfile"}},
	{"npm", "package-lock.json", []string{"ci"}},
	{"npm", "npm-shrinkwrap.json", []string{"ci"}},
	{"npm", "", []string{"install"}},
}

// outputs are where builds put what they make, in the order in which they are looked
// for, and pages what shows that there is something.
var (
	outputs = []string{"dist", "build", "out", ".output/public", ".output"}
	pages   = []string{"index.html", "manifest.json", "fazt.json"}
)

// besideOutput is what belongs to an app beside what its build made, and besideHandler
// what tells which packages a handler has: without one, it would only tell visitors.
var (
	besideOutput  = []string{"api", "private", "fazt.json", "manifest.json"}
	besideHandler = []string{"package.json", "bun.lock", "bun.lockb", "pnpm-lock.yaml", "yarn.lock", "package-lock.json", "npm-shrinkwrap.json"}
)

// build is how a directory is built.
type build struct {
	dir     string
	title   string // what it is called in what is printed
	manager packageManager
	install bool // the dependencies, which are missing
}

// planBuild reads how dir is built; nil is not at all.
func planBuild(dir string) (*build, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot read the app: %w", err)
	}
	defer root.Close()
	text, err := readFile(root, "package.json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the app: %w", err)
	}
	var p struct {
		Scripts                       map[string]string
		Dependencies, DevDependencies map[string]any
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w; mend it, or deploy the folder as it is with --no-build", filepath.Join(dir, "package.json"), err)
	}
	if strings.TrimSpace(p.Scripts["build"]) == "" {
		return nil, nil
	}
	b := &build{dir: dir, title: filepath.Clean(dir), manager: managerOf(dir)}
	b.install = !isThere(dir, "node_modules") && len(p.Dependencies)+len(p.DevDependencies) > 0
	return b, nil
}

func isThere(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}

// managerOf is the package manager of an app's directory.
func managerOf(dir string) packageManager {
	return packageManagers[slices.IndexFunc(packageManagers, func(m packageManager) bool { return m.lock == "" || isThere(dir, m.lock) })]
}

// run builds, prints what it does and what that prints, and returns the directory that
// was made.
func (b *build) run(c *cli.Context) (output string, err error) {
	if _, err := exec.LookPath(b.manager.name); err != nil {
		why := "there is a build script in package.json"
		if b.manager.lock != "" {
			why = "there is a " + b.manager.lock
		}
		return "", fmt.Errorf("%s is built by %s (%s), which is not installed; install it, or deploy the folder as it is with --no-build", b.title, b.manager.name, why)
	}
	if b.install {
		if err := b.do(c, b.manager.install...); err != nil {
			return "", err
		}
	}
	if err := b.do(c, "run", "build"); err != nil {
		return "", err
	}
	for _, name := range outputs {
		for _, page := range pages {
			at := filepath.Join(b.dir, filepath.FromSlash(name))
			if info, err := os.Stat(filepath.Join(at, page)); err == nil && info.Mode().IsRegular() {
				return at, nil
			}
		}
	}
	return "", fmt.Errorf("the build has left no index.html in dist, build, out or .output; deploy the directory that it made: fazt app deploy %s/<dir>", b.title)
}

// buildGrace is how long a build may take to end once it is told to.
const buildGrace = 5 * time.Second

// do runs the package manager until ctx ends. It and all that it starts are told then.
func (b *build) do(c *cli.Context, args ...string) error {
	line := b.manager.name + " " + strings.Join(args, " ")
	note(c.App.ErrWriter, "%s: %s", b.title, line)
	cmd := exec.CommandContext(c.Context, b.manager.name, args...)
	cmd.Dir = b.dir
	cmd.Env = withoutSecrets(os.Environ())
	// What is asked for is printed on stdout, which may be read by a program.
	cmd.Stdout, cmd.Stderr = c.App.ErrWriter, c.App.ErrWriter
	cmd.WaitDelay = buildGrace
	ownGroup(cmd)
	err := cmd.Run()
	if c.Context.Err() != nil {
		return context.Cause(c.Context)
	}
	if err != nil {
		return fmt.Errorf("%s: %s failed: %w; nothing was deployed", b.title, line, err)
	}
	return nil
}

// withoutSecrets is an environment without what a build has no use for, such as the
// key of a peer.
func withoutSecrets(environment []string) []string {
	return slices.DeleteFunc(slices.Clone(environment), func(e string) bool { return strings.HasPrefix(e, "FAZT_") })
}

// readBuilt reads what a build has made of dir, with what belongs to it. What git
// ignores is what builds make.
func readBuilt(dir, output string, private bool) (*source, error) {
	s, err := readSource(output, private)
	if err != nil {
		return nil, err
	}
	around, err := readSource(dir, private)
	if err != nil {
		s.close()
		return nil, err
	}
	s.adopt(around)
	s.dir = dir
	return s, nil
}

// adopt adds what belongs to an app beside what its build made, as far as the build
// did not copy it.
func (s *source) adopt(from *source) {
	s.roots = append(s.roots, from.roots...)
	top := s.dirs["."]
	wanted := besideOutput
	if _, ok := from.dirs["api"]; ok {
		wanted = slices.Concat(besideOutput, besideHandler)
	}
	for _, e := range from.dirs["."].entries {
		name := e.Name()
		_, isFile := s.files[name]
		_, isDir := s.dirs[name]
		if isFile || isDir || !slices.Contains(wanted, name) {
			continue
		}
		top.entries = append(top.entries, e)
		within := func(p string) bool { return p == name || strings.HasPrefix(p, name+"/") }
		for p, d := range from.dirs {
			if within(p) {
				s.dirs[p] = d
			}
		}
		for p, f := range from.files {
			if within(p) {
				s.files[p] = f
			}
		}
		for _, p := range from.left {
			if within(p) {
				s.left = append(s.left, p)
			}
		}
	}
	slices.SortFunc(top.entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	s.dirs["."] = top
	slices.Sort(s.left)
	s.privateIgnored = from.privateIgnored
}
