package sqlite_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// runAsNobody has the child open files as a user without rights to them.
func runAsNobody(t *testing.T, paths ...string) {
	t.Helper()
	if os.Getuid() != 0 {
		if err := nobodyChild(paths); err != nil {
			t.Error(err)
		}
		return
	}
	c := childCommand(t, "nobody", paths...)
	self, err := os.ReadFile(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	// The test binary lies in a directory of root's; this copy does not.
	dir, err := os.MkdirTemp("", "fazt-nobody-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	c.Path = filepath.Join(dir, "test")
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(c.Path, self, 0o755), os.Chmod(c.Path, 0o755)); err != nil {
		t.Fatal(err)
	}
	const nobody = 65534
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	c.Dir = "/"
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// waitForEnd returns when the test closes the child's standard input.
func waitForEnd() { os.Stdin.Read(make([]byte, 1)) }

var migrationSteps = []string{
	"CREATE TABLE steps (n INTEGER NOT NULL)",
	"INSERT INTO steps (n) VALUES (1)",
	"INSERT INTO steps (n) VALUES (2)",
	"INSERT INTO steps (n) VALUES (3)",
}

// migrateChild opens the store, which makes the tables, and adds its own.
func migrateChild(args []string) error {
	fmt.Println("ready")
	waitForEnd()
	s, err := sqlite.Open(context.Background(), args[0], sqlite.Options{})
	if err != nil {
		return err
	}
	return errors.Join(s.Migrate(context.Background(), "race", migrationSteps), s.Close())
}

func TestMigrationRace(t *testing.T) {
	for range 3 {
		path := filepath.Join(t.TempDir(), "data.db")
		var racers []*child
		for range 4 {
			c := startChild(t, "migrate", path)
			c.line(t)
			racers = append(racers, c)
		}
		for _, c := range racers {
			c.stdin.Close() // go
		}
		for _, c := range racers {
			c.finish(t)
		}
		table, err := sqlite.QueryFile(t.Context(), path, `SELECT (SELECT group_concat(n, ' ') FROM steps) AS steps,
			(SELECT count(*) FROM migrations WHERE module = 'race') AS recorded`, 10)
		if err != nil {
			t.Fatal(err)
		}
		if row := table.Rows[0]; row[0] != "1 2 3" || row[1] != int64(4) {
			t.Errorf("steps %v, recorded %v", row[0], row[1])
		}
	}
}

// publishChild publishes an app when it is told to.
func publishChild(args []string) error {
	s, err := sqlite.Open(context.Background(), args[0], sqlite.Options{})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	waitForEnd()
	_, err = s.Publish(context.Background(), storage.NewDeployment{Name: args[1]}, 3)
	return errors.Join(err, s.Close())
}

// TestChangedByAnotherProcess waits with nothing but the channel.
func TestChangedByAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	s := open(t, path)
	defer s.Close()
	for _, name := range []string{"shop", "blog"} {
		c := startChild(t, "publish", path, name)
		c.line(t)
		revision, err := s.Revision(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		changed := s.Changed(revision)
		if err := set(s, t.Context(), "k"); err != nil { // is none of the catalogue
			t.Fatal(err)
		}
		select {
		case <-changed:
			t.Error("announced before it was made")
		default:
		}
		c.finish(t)
		<-changed
		if _, err := s.App(t.Context(), name); err != nil {
			t.Error(err)
		}
	}
}

// holdChild keeps the write lock until it is told to let go.
func holdChild(args []string) error {
	s, err := sqlite.Open(context.Background(), args[0], sqlite.Options{})
	if err != nil {
		return err
	}
	err = s.Tx(context.Background(), scope, func(tx storage.Tx) error {
		if err := tx.KV().Set("child", json.RawMessage(`1`), 0); err != nil {
			return err
		}
		fmt.Println("held")
		waitForEnd()
		return nil
	})
	return errors.Join(err, s.Close())
}

// TestWaitsForAnotherProcess writes while another process has the lock: reads
// go on, the write waits.
func TestWaitsForAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	s := open(t, path)
	defer s.Close()
	c := startChild(t, "hold", path)
	c.line(t)
	written := make(chan error)
	go func() { written <- set(s, context.Background(), "parent") }()
	if has(t, s, "child") {
		t.Error("a write that is not committed is visible")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := set(s, ctx, "cancelled"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	select {
	case err := <-written:
		t.Errorf("written under another's lock: %v", err)
	default:
	}
	c.finish(t)
	if err := <-written; err != nil {
		t.Error(err)
	}
	if !has(t, s, "child") || !has(t, s, "parent") {
		t.Error("a write is missing")
	}
}

// fullDiskChild writes until the limit on a file's size is reached, raises the
// limit, and goes on. It prints what was acknowledged and what was refused.
func fullDiskChild(args []string) error {
	signal.Ignore(syscall.SIGXFSZ)
	s, err := sqlite.Open(context.Background(), args[0], sqlite.Options{})
	if err != nil {
		return err
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	if err := set(s, context.Background(), "first"); err != nil {
		return err
	}
	small := limit
	small.Cur = 1 << 20
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
		return err
	}
	value := json.RawMessage(`"` + strings.Repeat("v", 4000) + `"`)
	var out sync.Mutex
	write := func(key string) {
		err := s.Tx(context.Background(), scope, func(tx storage.Tx) error { return tx.KV().Set(key, value, 0) })
		out.Lock()
		defer out.Unlock()
		if err == nil {
			fmt.Println(key, "ok")
			return
		}
		// What can't be written can still be read.
		if readErr := s.View(context.Background(), scope, func(tx storage.Tx) error {
			_, err := tx.KV().Get("first")
			return err
		}); readErr != nil {
			err = readErr
		}
		fmt.Println(key, storage.CodeOf(err))
	}
	round := func(name string) {
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				for n := range 100 {
					write(fmt.Sprintf("%s-%d-%d", name, g, n))
				}
			})
		}
		wg.Wait()
	}
	round("full")
	small.Cur = 32 << 10 // less than a copy needs
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
		return err
	}
	err = s.Backup(context.Background(), args[0]+".copy", nil)
	fmt.Println("backup", storage.CodeOf(err))
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	round("free")
	return s.Close()
}

func TestFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	c := startChild(t, "disk", path)
	outcome := map[string]string{}
	for range 2*800 + 1 {
		key, result, _ := strings.Cut(c.line(t), " ")
		outcome[key] = result
	}
	c.finish(t)
	if outcome["backup"] != string(storage.CodeUnavailable) {
		t.Errorf("a backup without room: %s", outcome["backup"])
	}
	delete(outcome, "backup")
	if diff := cmp.Diff([]string{"data.db"}, names(t, filepath.Dir(path))); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	s := open(t, path)
	defer s.Close()
	count := map[string]int{}
	for key, result := range outcome {
		name, _, _ := strings.Cut(key, "-")
		count[name+" "+result]++
		switch result {
		case "ok":
			if !has(t, s, key) {
				t.Errorf("%s was acknowledged and is gone", key)
			}
		case string(storage.CodeUnavailable):
			if has(t, s, key) {
				t.Errorf("%s was refused and is there", key)
			}
		default:
			t.Errorf("%s: %s", key, result)
		}
	}
	if count["full UNAVAILABLE"] == 0 || count["full ok"] == 0 || count["free ok"] != 800 {
		t.Errorf("outcomes %v", count)
	}
}
