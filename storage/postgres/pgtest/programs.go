package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// debianBin is where Debian's package has the programs, which it keeps off the PATH.
const debianBin = "/usr/lib/postgresql/15/bin"

// programs are PostgreSQL's, and the user who runs them.
type programs struct {
	bin  string
	user *owner // nil: whoever runs the tests
}

// owner is a user of the system.
type owner struct{ uid, gid uint32 }

var findPrograms = sync.OnceValues(func() (programs, error) {
	bin, err := findBin()
	if err != nil {
		return programs{}, err
	}
	p := programs{bin: bin}
	if os.Getuid() == 0 { // PostgreSQL refuses to run as root
		p.user, err = findOwner("postgres")
	}
	return p, err
})

func findBin() (string, error) {
	if runtime.GOOS != "linux" {
		return "", errors.New("package pgtest needs Linux")
	}
	var folders []string
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		folders = append(folders, strings.TrimSpace(string(out)))
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		folders = append(folders, filepath.Dir(path))
	}
	for _, bin := range append(folders, debianBin) {
		if isProgram(filepath.Join(bin, "postgres")) && isProgram(filepath.Join(bin, "initdb")) {
			return bin, nil
		}
	}
	return "", errors.New("there is no PostgreSQL server; install Debian's package postgresql-15")
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

func findOwner(name string) (*owner, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root: %w; install Debian's package postgresql-15, which makes the user", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &owner{uint32(uid), uint32(gid)}, nil
}

// need returns the programs, or skips the test where there are none.
func need(tb testing.TB) programs {
	tb.Helper()
	p, err := findPrograms()
	if err != nil {
		skipOrFail(tb, err)
	}
	return p
}

func skipOrFail(tb testing.TB, err error) {
	tb.Helper()
	if os.Getenv("FAZT_POSTGRES") == "required" {
		tb.Fatalf("%v (FAZT_POSTGRES=required)", err)
	}
	tb.Skipf("SKIPPED: %v; nothing was tried on PostgreSQL", err)
}

// command is a program, run by the user who may.
func (p programs) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.bin, name), args...)
	p.asUser(cmd)
	return cmd
}

func (p programs) asUser(cmd *exec.Cmd) {
	cmd.Dir = "/" // one that the user may be in
	// What the environment says about another server is not for this one.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "PG") })
	cmd.Env = append(cmd.Env, "LC_ALL=C", "TZ=UTC")
	apart(cmd, p.user)
}

// run runs a program to its end.
func (p programs) run(name string, args ...string) error {
	cmd := p.command(name, args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd, err, out)
	}
	return nil
}
