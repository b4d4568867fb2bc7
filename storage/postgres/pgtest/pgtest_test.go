package pgtest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/fazt-sh/fazt/storage/postgres/pgtest"
)

// childEnv has this binary play the test process that dies.
const childEnv = "FAZT_PGTEST_CHILD"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func run(t *testing.T, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := conn.Exec(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func numbers(t *testing.T, conn *pgx.Conn) (n int) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM numbers").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDatabasesAreApart(t *testing.T) {
	c := pgtest.Shared(t)
	for range 2 {
		conn := connect(t, c.Database(t))
		run(t, conn, "CREATE TABLE numbers (n BIGINT)")
		var super bool
		if err := conn.QueryRow(t.Context(), "SELECT rolsuper FROM pg_roles WHERE rolname = current_user").Scan(&super); err != nil || super {
			t.Errorf("superuser %v, %v", super, err)
		}
	}
}

func TestKilledAndStarted(t *testing.T) {
	c := pgtest.Start(t, "fsync=on")
	url := c.Database(t)
	conn := connect(t, url)
	run(t, conn, "CREATE TABLE numbers (n BIGINT)")
	for round, end := range []func(testing.TB){c.Kill, c.Stop} {
		run(t, conn, "INSERT INTO numbers VALUES (1)")
		end(t)
		if _, err := conn.Exec(t.Context(), "SELECT 1"); err == nil {
			t.Error("a server that has ended answers")
		}
		if _, err := pgx.Connect(t.Context(), url); err == nil {
			t.Error("a server that has ended takes a connection")
		}
		c.Start(t)
		conn = connect(t, url)
		if n := numbers(t, conn); n != round+1 {
			t.Errorf("%d rows after %d", n, round+1)
		}
	}
	var fsync string
	c.Query(t, pgtest.Name(url), []any{&fsync}, "SHOW fsync")
	if fsync != "on" {
		t.Errorf("fsync is %s", fsync)
	}
}

func TestPaused(t *testing.T) {
	c := pgtest.Start(t)
	conn := connect(t, c.Database(t))
	c.Pause(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	answered := make(chan error, 1)
	go func() {
		_, err := conn.Exec(t.Context(), "SELECT 1")
		answered <- err
	}()
	select {
	case err := <-answered:
		t.Errorf("a paused server answered: %v", err)
	case <-ctx.Done():
	}
	c.Resume(t)
	if err := <-answered; err != nil {
		t.Error(err)
	}
}

func TestStandby(t *testing.T) {
	c := pgtest.Start(t)
	url := c.Database(t)
	for round := range 2 {
		standby := c.Standby(t)
		both := c.URL(pgtest.Name(url), standby)
		conn := connect(t, both)
		if round == 0 {
			run(t, conn, "CREATE TABLE numbers (n BIGINT)")
		}
		run(t, conn, "INSERT INTO numbers VALUES (1)")
		if n := numbers(t, connect(t, standby.URL(pgtest.Name(url)))); n > round+1 { // it may show it later
			t.Errorf("%d rows on the standby", n)
		}
		standby.Pause(t)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if _, err := conn.Exec(ctx, "INSERT INTO numbers VALUES (2)"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("committed without the standby: %v", err)
		}
		cancel()
		c.Kill(t)
		standby.Resume(t)
		standby.Promote(t)
		conn = connect(t, both)
		if n := numbers(t, conn); n < round+1 || n > 2*(round+1) {
			t.Errorf("%d rows after %d fail-overs", n, round+1)
		}
		run(t, conn, "DELETE FROM numbers WHERE n = 2")
		c = standby
	}
}

// TestGoneAfterDeath has a test process die in the middle, with its server paused.
func TestGoneAfterDeath(t *testing.T) {
	if how := os.Getenv(childEnv); how != "" {
		c := pgtest.Start(t)
		c.Pause(t)
		fmt.Println("folder", c.Folder())
		if how == "panic" {
			panic("a test that panics")
		}
		<-t.Context().Done()
	}
	pgtest.Shared(t) // or the child prints that it skips
	for _, how := range []string{"panic", "kill"} {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		child := exec.Command(self, "-test.run=^TestGoneAfterDeath$")
		child.Env = append(os.Environ(), childEnv+"="+how)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		var folder string
		for lines := bufio.NewScanner(out); folder == "" && lines.Scan(); {
			folder, _ = strings.CutPrefix(lines.Text(), "folder ")
			if !strings.HasPrefix(folder, "/tmp/") {
				folder = ""
			}
		}
		if folder == "" {
			t.Fatal("the child has shown no folder")
		}
		if how == "kill" {
			child.Process.Kill()
		}
		child.Wait()
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
			if _, err := os.Stat(folder); errors.Is(err, os.ErrNotExist) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("after %s, %s stays", how, folder)
			}
		}
	}
}

// record is a test that notes how it ended.
type record struct {
	testing.TB
	ended string
}

func (r *record) Helper()                           {}
func (r *record) Fatalf(format string, args ...any) { r.ended = fmt.Sprintf("fail: "+format, args...) }
func (r *record) Skipf(format string, args ...any) {
	if r.ended == "" {
		r.ended = fmt.Sprintf("skip: "+format, args...)
	}
}

func TestWithoutPostgreSQL(t *testing.T) {
	for value, want := range map[string]string{
		"":         "skip: SKIPPED: no server; nothing was tried on PostgreSQL",
		"required": "fail: no server (FAZT_POSTGRES=required)",
	} {
		t.Setenv("FAZT_POSTGRES", value)
		r := &record{TB: t}
		pgtest.SkipOrFail(r, errors.New("no server"))
		if r.ended != want {
			t.Errorf("FAZT_POSTGRES=%q: %s", value, r.ended)
		}
	}
}
