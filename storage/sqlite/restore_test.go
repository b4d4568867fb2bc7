package sqlite_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// makeBackup returns a backup that has the key and something in most tables.
func makeBackup(t *testing.T, key string) string {
	t.Helper()
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "data.db"))
	published, err := s.Publish(t.Context(), storage.NewDeployment{Name: "shop", Indexes: map[string][]string{"items": {"n"}}}, 3)
	if err != nil {
		t.Fatal(err)
	}
	app := storage.Scope{App: published.AppID}
	err = errors.Join(set(s, t.Context(), key), s.Tx(t.Context(), app, func(tx storage.Tx) error {
		_, err := tx.Docs().Insert("items", json.RawMessage(`{"n": 1}`))
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "backup.db")
	if err := errors.Join(s.Backup(t.Context(), path, nil), s.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// makeData makes a data file with a key.
func makeData(t *testing.T, path, key string) {
	t.Helper()
	s := open(t, path)
	if err := errors.Join(set(s, t.Context(), key), s.Close()); err != nil {
		t.Fatal(err)
	}
}

// keysIn opens a data file and returns which of the keys it has.
func keysIn(t *testing.T, path string, keys ...string) (found []string) {
	t.Helper()
	s := open(t, path)
	defer s.Close()
	for _, key := range keys {
		if has(t, s, key) {
			found = append(found, key)
		}
	}
	return found
}

// copyOf copies a file as it is.
func copyOf(t *testing.T, from, to string) string {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

// TestRestoreOntoLinks replaces what a symbolic link leads to, and never one name
// of two.
func TestRestoreOntoLinks(t *testing.T) {
	backup := makeBackup(t, "new")
	for _, relative := range []bool{false, true} {
		dir := t.TempDir()
		disk := filepath.Join(dir, "disk")
		if err := os.Mkdir(disk, 0o700); err != nil {
			t.Fatal(err)
		}
		real, link := filepath.Join(disk, "real.db"), filepath.Join(dir, "data.db")
		to := real
		if relative {
			to = filepath.Join("disk", "real.db")
		}
		if err := errors.Join(os.Symlink(to, link+"2"), os.Symlink(link+"2", link)); err != nil {
			t.Fatal(err)
		}
		makeData(t, real, "old")
		if err := sqlite.Restore(t.Context(), backup, link, false, nil); storage.CodeOf(err) != storage.CodeConflict {
			t.Errorf("without force: %v", err)
		}
		if err := sqlite.Restore(t.Context(), backup, link, true, nil); err != nil {
			t.Fatal(err)
		}
		if got, err := os.Readlink(link + "2"); err != nil || got != to {
			t.Errorf("the link leads to %s, %v; want %s", got, err, to)
		}
		for _, path := range []string{real, link} {
			if diff := cmp.Diff([]string{"new"}, keysIn(t, path, "old", "new")); diff != "" {
				t.Errorf("%s (-want +got):\n%s", path, diff)
			}
		}
		if err := os.Remove(real); err != nil {
			t.Fatal(err)
		}
		if err := sqlite.Restore(t.Context(), backup, link, false, nil); err != nil {
			t.Errorf("where the link leads to nothing: %v", err)
		}
		if diff := cmp.Diff([]string{"real.db"}, names(t, disk)); diff != "" {
			t.Errorf("files (-want +got):\n%s", diff)
		}
	}
	loop := filepath.Join(t.TempDir(), "loop.db")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	if err := sqlite.Restore(t.Context(), backup, loop, true, nil); storage.CodeOf(err) != storage.CodeUnavailable {
		t.Errorf("a link to itself: %v", err)
	}
}

func TestRestoreOntoHardLink(t *testing.T) {
	backup := makeBackup(t, "new")
	dir := t.TempDir()
	path, other := filepath.Join(dir, "data.db"), filepath.Join(dir, "other.db")
	makeData(t, path, "old")
	if err := os.Link(path, other); err != nil {
		t.Fatal(err)
	}
	before := contents(t, dir)
	err := sqlite.Restore(t.Context(), backup, path, true, nil)
	if storage.CodeOf(err) != storage.CodeConflict || !strings.Contains(err.Error(), "hard link") || !strings.Contains(err.Error(), "remove") {
		t.Errorf("two names: %v", err)
	}
	if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
		t.Error("the files have changed")
	}
	// The second name that a killed restore may have left is nobody's.
	if err := os.Rename(other, filepath.Join(dir, ".fazt-123")); err != nil {
		t.Fatal(err)
	}
	if err := sqlite.Restore(t.Context(), backup, path, true, nil); err != nil {
		t.Errorf("a name of our own: %v", err)
	}
	if diff := cmp.Diff([]string{"data.db"}, names(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"new"}, keysIn(t, path, "old", "new")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// tampered are statements that make of a backup what no fazt has made.
var tampered = map[string]string{
	"a foreign trigger":     "CREATE TRIGGER evil AFTER INSERT ON kv BEGIN DELETE FROM apps; END",
	"a trigger of our name": "DROP TRIGGER kv_deleted; CREATE TRIGGER kv_deleted AFTER DELETE ON kv BEGIN DELETE FROM apps; END",
	"a missing trigger":     "DROP TRIGGER kv_deleted",
	"a foreign view":        "CREATE VIEW evil AS SELECT * FROM kv",
	"a view of our name":    "DROP VIEW docs; CREATE VIEW docs AS SELECT 1 AS app",
	"a foreign table":       "CREATE TABLE evil (a)",
	"a trigger on a table that may be there": "CREATE TABLE _litestream_lock (id INTEGER); " +
		"CREATE TRIGGER evil AFTER INSERT ON _litestream_lock BEGIN DELETE FROM apps; END",
	"a foreign index": "CREATE INDEX evil ON kv (value)",
	"a missing index": "DROP INDEX kv_expiry",
	"a missing table": "DROP TABLE audit",
	"a column more":   "ALTER TABLE apps ADD COLUMN evil TEXT",
	"a column less":   "ALTER TABLE audit DROP COLUMN details",
	"another type of column": "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'version    INTEGER NOT NULL', " +
		"'version    TEXT NOT NULL') WHERE name = 'apps'",
	"a table without our key": "DROP TABLE keys; CREATE TABLE keys (name TEXT NOT NULL, key_secret BLOB NOT NULL)",
	"a text for a number":     "UPDATE apps SET created_at = 'yesterday'",
	"a blob for a text":       "UPDATE apps SET name = x'00ff'",
	"a number for a blob":     "UPDATE index_entries SET value = 7",
	"a float for a number":    "UPDATE kv SET version = 1.5",
	"no record of steps":      "DELETE FROM migrations",
	"no table of steps":       "DROP TABLE migrations",
	"a step that is a text":   "UPDATE migrations SET applied_at = 'now'",
	"a newer fazt's":          "INSERT INTO migrations (module, step, applied_at) VALUES ('storage', 1000, 0)",
	"a newer module's":        "INSERT INTO migrations (module, step, applied_at) VALUES ('known', 3, 0)",
	"a guest's trigger on our table": "INSERT INTO migrations (module, step, applied_at) VALUES ('guest', 1, 0); " +
		"CREATE TRIGGER evil AFTER INSERT ON KV BEGIN DELETE FROM apps; END",
	"a known module without its table": "INSERT INTO migrations (module, step, applied_at) VALUES ('known', 1, 0)",
}

// TestRestoreRefusesWhatFaztHasNotMade changes good backups. What is there stays as
// it is.
func TestRestoreRefusesWhatFaztHasNotMade(t *testing.T) {
	backup := makeBackup(t, "new")
	known := sqlite.Module{Name: "known", Steps: []string{"CREATE TABLE known (a TEXT NOT NULL)", "CREATE INDEX known_a ON known (a)"}}
	for name, statements := range tampered {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			bad, path := copyOf(t, backup, filepath.Join(t.TempDir(), "bad.db")), filepath.Join(dir, "data.db")
			makeDatabase(t, bad, statements)
			makeData(t, path, "old")
			before := contents(t, dir)
			err := sqlite.Restore(t.Context(), bad, path, true, nil, known)
			var e *storage.Error
			if !errors.As(err, &e) || e.Code != storage.CodeFormat || e.Hint == "" {
				t.Errorf("%v; want %s with a hint", err, storage.CodeFormat)
			}
			if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
				t.Error("the data file has changed")
			}
		})
	}
	for name, statements := range map[string]string{
		"a module's": "CREATE TABLE known (a TEXT NOT NULL); CREATE INDEX known_a ON known (a); " +
			"INSERT INTO migrations (module, step, applied_at) VALUES ('known', 1, 0), ('known', 2, 0)",
		"half of a module's": "CREATE TABLE known (a TEXT NOT NULL); INSERT INTO migrations (module, step, applied_at) VALUES ('known', 1, 0)",
		"a guest's": "INSERT INTO migrations (module, step, applied_at) VALUES ('guest', 1, 0); CREATE TABLE guests (n); " +
			"CREATE TRIGGER guests_gone AFTER DELETE ON guests BEGIN SELECT 1; END; INSERT INTO guests VALUES (1)",
		"analyzed":   "ANALYZE",
		"replicated": "CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER); CREATE TABLE _litestream_lock (id INTEGER)",
	} {
		good, path := copyOf(t, backup, filepath.Join(t.TempDir(), "good.db")), filepath.Join(t.TempDir(), "data.db")
		makeDatabase(t, good, statements)
		if err := sqlite.Restore(t.Context(), good, path, false, nil, known); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTamperedTypes opens a data file that somebody has changed: commands say so.
func TestTamperedTypes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	copyOf(t, makeBackup(t, "k"), path)
	makeDatabase(t, path, "UPDATE deployments SET size = 'large'")
	s := open(t, path)
	defer s.Close()
	if _, err := s.Apps(t.Context()); storage.CodeOf(err) != storage.CodeFormat {
		t.Errorf("apps: %v", err)
	}
}

// TestRestoreLogless takes copies of a data file that is open, and of one that was
// closed.
func TestRestoreLogless(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "data.db")
	s := open(t, path)
	if err := set(s, t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	into := t.TempDir()
	logless := copyOf(t, path, filepath.Join(into, "logless.db"))
	both := copyOf(t, path, filepath.Join(into, "both.db"))
	copyOf(t, path+"-wal", both+"-wal")
	link := filepath.Join(t.TempDir(), "link.db")
	if err := errors.Join(s.Close(), os.Symlink(both, link)); err != nil {
		t.Fatal(err)
	}
	closed := copyOf(t, path, filepath.Join(into, "closed.db"))

	err := sqlite.Restore(t.Context(), logless, filepath.Join(t.TempDir(), "data.db"), false, nil)
	if storage.CodeOf(err) != storage.CodeFormat || !strings.Contains(err.Error(), "logless.db-wal") {
		t.Errorf("without its log: %v", err)
	}
	for _, backup := range []string{link, both, closed} {
		to := filepath.Join(t.TempDir(), "data.db")
		if err := sqlite.Restore(t.Context(), backup, to, false, nil); err != nil {
			t.Errorf("%s: %v", filepath.Base(backup), err)
		} else if diff := cmp.Diff([]string{"k"}, keysIn(t, to, "k")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", filepath.Base(backup), diff)
		}
	}
	// What is lost is lost, if the operator says so.
	saved := filepath.Join(into, "saved.db")
	if err := sqlite.BackupFile(t.Context(), logless, saved, nil); err != nil {
		t.Logf("the copy without its log is of no use at all: %v", err)
	} else if err := sqlite.Restore(t.Context(), saved, filepath.Join(t.TempDir(), "data.db"), false, nil); storage.CodeOf(err) != "" && storage.CodeOf(err) != storage.CodeFormat {
		t.Errorf("what is left: %v", err)
	}
}

// TestBackupIsOneFile holds backups and restored files against SQLite's own mark of
// a file that has a log.
func TestBackupIsOneFile(t *testing.T) {
	backup := makeBackup(t, "k")
	path := filepath.Join(t.TempDir(), "data.db")
	if err := sqlite.Restore(t.Context(), backup, path, false, nil); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{backup, path} {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		versions := make([]byte, 2)
		_, err = f.ReadAt(versions, 18)
		f.Close()
		if err != nil || versions[0] != 1 || versions[1] != 1 {
			t.Errorf("%s has versions %v, %v; want 1: no log", filepath.Base(file), versions, err)
		}
	}
	if diff := cmp.Diff([]string{"backup.db", "data.db"}, names(t, filepath.Dir(backup))); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// TestOpenDuringBackup opens a data file that nobody had open while it is copied, and
// leaves it, as it was, in need of no log.
func TestOpenDuringBackup(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "data.db")
	makeData(t, path, "before")
	asked := false
	err := sqlite.BackupFile(t.Context(), path, filepath.Join(t.TempDir(), "backup.db"), func(int64, int64) {
		if !asked {
			asked = true
			makeData(t, path, "meanwhile")
		}
	})
	if err != nil || !asked {
		t.Fatal(asked, err)
	}
	if diff := cmp.Diff([]string{"data.db"}, names(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	to := filepath.Join(t.TempDir(), "data.db")
	if err := sqlite.Restore(t.Context(), copyOf(t, path, filepath.Join(t.TempDir(), "copy.db")), to, false, nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"before", "meanwhile"}, keysIn(t, to, "before", "meanwhile")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// restoreChild restores, and kills itself at a step.
func restoreChild(args []string) error {
	ctx := sqlite.OnStep(context.Background(), func(step string) {
		if step == args[2] {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			io.Copy(io.Discard, os.Stdin) // until it comes
		}
	})
	return sqlite.Restore(ctx, args[1], args[0], true, nil)
}

// TestRestoreKilled kills a restore at each step, over a data file whose server was
// killed, so that its log is needed. What is there then is the whole old data or the
// whole new data, and the next restore succeeds.
func TestRestoreKilled(t *testing.T) {
	backup := makeBackup(t, "new")
	for i, step := range sqlite.RestoreSteps {
		t.Run(step, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "data.db")
			writer := startChild(t, "fillAndWait", path)
			writer.line(t)
			writer.Process.Kill()
			writer.Wait()
			if log, err := os.Stat(path + "-wal"); err != nil || log.Size() == 0 {
				t.Fatalf("no log is left: %v", err)
			}
			c := startChild(t, "restore", path, backup, step)
			err := c.Wait()
			if c.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatalf("the child was not killed: %v\n%s", err, c.stderr)
			}
			want := []string{"old0", "old19"}
			if i >= 3 { // renamed
				want = []string{"new"}
			}
			if diff := cmp.Diff(want, keysIn(t, path, "old0", "old19", "new")); diff != "" {
				t.Errorf("after the kill (-want +got):\n%s", diff)
			}
			if err := sqlite.Restore(t.Context(), backup, path, true, nil); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"new"}, keysIn(t, path, "old0", "old19", "new")); diff != "" {
				t.Errorf("after the next (-want +got):\n%s", diff)
			}
		})
	}
}

// fillAndWaitChild writes keys, and keeps the data file open.
func fillAndWaitChild(args []string) error {
	s, err := sqlite.Open(context.Background(), args[0], sqlite.Options{})
	if err != nil {
		return err
	}
	for i := range 20 {
		if err := set(s, context.Background(), fmt.Sprint("old", i)); err != nil {
			return err
		}
	}
	fmt.Println("filled")
	waitForEnd()
	return s.Close()
}
