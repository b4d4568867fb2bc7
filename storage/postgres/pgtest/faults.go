package pgtest

import (
	"fmt"
	"testing"
	"time"
)

// Stop shuts the server down as an operator does: connections are cut off, what was
// committed is on disk. A standby that is paused keeps it from ending.
func (c *Cluster) Stop(tb testing.TB) { tb.Helper(); c.must(tb, "stop") }

// Kill ends all processes of the server at once, by SIGKILL, as when its machine dies.
func (c *Cluster) Kill(tb testing.TB) { tb.Helper(); c.must(tb, "kill") }

// Pause stops all processes of the server where they are: it keeps its connections, and
// answers nothing.
func (c *Cluster) Pause(tb testing.TB) { tb.Helper(); c.must(tb, "pause") }

// Resume lets a paused server go on.
func (c *Cluster) Resume(tb testing.TB) { tb.Helper(); c.must(tb, "resume") }

// Start starts the server again after [Cluster.Stop] or [Cluster.Kill], at the same port
// and with the same data, and returns when it takes connections.
func (c *Cluster) Start(tb testing.TB) {
	tb.Helper()
	if err := c.start(); err != nil {
		tb.Fatal(err)
	}
}

func (c *Cluster) must(tb testing.TB, word string) {
	tb.Helper()
	if err := c.keeper.do(word); err != nil {
		tb.Fatal(err)
	}
}

// Standby starts a copy of the cluster that follows it, for which every commit waits
// from now on until it is on the copy's disk, too: a synchronous standby. It answers
// reads, and takes writes once it is promoted. It is gone when the test has ended.
func (c *Cluster) Standby(tb testing.TB) *Cluster {
	tb.Helper()
	standby, err := create(c.programs)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { standby.end(tb) })
	standby.password = c.password
	name := fmt.Sprintf("standby%d", standby.port)
	source := fmt.Sprintf("host=%s port=%d user=%s application_name=%s", c.folder, c.port, superuser, name)
	for _, step := range []func() error{
		func() error {
			return c.programs.run("pg_basebackup", "--pgdata="+standby.data(), "--dbname="+source,
				"--write-recovery-conf", "--checkpoint=fast", "--wal-method=stream", "--no-sync")
		},
		func() error { return standby.configure(nil) },
		standby.start,
		func() error {
			return c.query("postgres", nil, "ALTER SYSTEM SET synchronous_standby_names = '"+name+"'")
		},
		func() error { return c.query("postgres", nil, "SELECT pg_reload_conf()") },
		func() error {
			return c.waitFor("(SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync')")
		},
	} {
		if err := step(); err != nil {
			tb.Fatal(err)
		}
	}
	return standby
}

// Promote has a standby take writes. Whatever it was the standby of should be gone.
func (c *Cluster) Promote(tb testing.TB) {
	tb.Helper()
	if err := c.query("postgres", nil, "SELECT pg_promote(wait => true)"); err != nil {
		tb.Fatal(err)
	}
	if err := c.waitFor("NOT pg_is_in_recovery()"); err != nil {
		tb.Fatal(err)
	}
}

// waitFor asks until a condition in SQL holds.
func (c *Cluster) waitFor(condition string) error {
	for deadline := time.Now().Add(patience); ; {
		var holds bool
		if err := c.query("postgres", []any{&holds}, "SELECT "+condition); err != nil || holds {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("pgtest: after %v it is still not so that %s", patience, condition)
		}
		time.Sleep(10 * time.Millisecond) // there is nothing to wait on
	}
}
