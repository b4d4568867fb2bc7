package pgtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// The roles of every cluster. The owner is what a careful operator gives a program: it
// owns its databases, may make roles, and nothing else.
const (
	superuser = "postgres"
	ownerRole = "fazt"
)

// Cluster is a PostgreSQL server: what PostgreSQL's own manual calls a database cluster.
// It listens on a port of 127.0.0.1, which it keeps when it is started again, and on a
// Unix socket. Its methods end the test that calls them when they fail.
type Cluster struct {
	programs programs
	folder   string // data, log and socket
	port     int
	password string
	keeper   *keeper
	shared   bool

	mu      sync.Mutex
	logSeen int64 // how much of the log earlier failures have shown
}

// Start starts a cluster for a test alone. It is gone when the test has ended, also if
// that is by a panic or kill -9. Settings are lines of postgresql.conf, such as
// "fsync=on". Without them nothing is kept from a crash of the machine, which a test
// can't cause: fsync is off. What kills processes loses nothing by that.
func Start(tb testing.TB, settings ...string) *Cluster {
	tb.Helper()
	p := need(tb)
	c, err := create(p)
	if err == nil {
		tb.Cleanup(func() { c.end(tb) })
		err = c.initialise(settings)
	}
	if err == nil {
		err = c.start()
	}
	if err == nil {
		err = c.makeOwner()
	}
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

var shared = sync.OnceValues(func() (*Cluster, error) {
	p, err := findPrograms()
	if err != nil {
		return nil, err
	}
	c, err := create(p)
	if err != nil {
		return nil, err
	}
	c.shared = true
	for _, step := range []func() error{
		func() error { return c.initialise(nil) }, c.start, c.makeOwner,
	} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("%w\n%s", err, c.logTail())
		}
	}
	return c, nil
})

// Shared returns the cluster that all tests of this process have together, with the
// settings that [Start] gives without any. It is started when it is first asked for,
// and gone when the process is. Make a [Cluster.Database] for each test.
func Shared(tb testing.TB) *Cluster {
	tb.Helper()
	need(tb)
	c, err := shared()
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// create makes the folder of a cluster and starts what keeps it.
func create(p programs) (*Cluster, error) {
	// /tmp and not os.TempDir: a socket's path has at most 107 bytes, and the user
	// postgres may not reach a folder of root's.
	folder, err := os.MkdirTemp("/tmp", "fazt-pgtest-")
	if err != nil {
		return nil, err
	}
	c := &Cluster{programs: p, folder: folder, password: strconv.FormatUint(rand.Uint64(), 36)}
	if err = give(folder, p.user); err == nil {
		c.port, err = freePort()
	}
	if err == nil {
		c.keeper, err = startKeeper(p, folder, p.command("postgres", "-D", c.data()))
	}
	if err != nil {
		os.RemoveAll(folder)
		return nil, err
	}
	return c, nil
}

// freePort finds a port that no connection is given by chance while the server is down,
// as those from 32,768 on are.
func freePort() (int, error) {
	for range 100 {
		port := 20_000 + rand.IntN(12_000)
		l, err := net.Listen("tcp", address(port))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("pgtest: no free port among 100 from 20,000 to 32,000")
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

func (c *Cluster) data() string { return filepath.Join(c.folder, "data") }

// initialise makes the data.
func (c *Cluster) initialise(settings []string) error {
	passwords := filepath.Join(c.folder, "password")
	if err := os.WriteFile(passwords, []byte(c.password+"\n"), 0o644); err != nil { // in a folder that is closed to others
		return err
	}
	err := c.programs.run("initdb", "--pgdata="+c.data(), "--username="+superuser, "--encoding=UTF8", "--no-locale",
		"--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile="+passwords, "--no-sync", "--no-instructions")
	if err != nil {
		return err
	}
	// Many small clusters on one machine, which may give containers 64 MiB of shared
	// memory and no more.
	defaults := []string{
		"listen_addresses='127.0.0.1'", "unix_socket_permissions=0777",
		"shared_buffers=32MB", "dynamic_shared_memory_type=mmap", "max_connections=200", "max_wal_size=512MB",
		"wal_keep_size=512MB", "fsync=off", "jit=off", "log_min_messages=warning", "log_min_error_statement=panic", "log_checkpoints=off",
		"temp_file_limit=256MB", "wal_retrieve_retry_interval=200ms", "max_wal_senders=5", "wal_sender_timeout=5min", "wal_receiver_timeout=5min",
	}
	return c.configure(append(defaults, settings...))
}

// configure adds settings; of one that is there twice, the last counts.
func (c *Cluster) configure(settings []string) error {
	f, err := os.OpenFile(filepath.Join(c.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	own := []string{"port=" + strconv.Itoa(c.port), "unix_socket_directories='" + c.folder + "'"}
	if _, err := f.WriteString("\n" + strings.Join(slices.Concat(settings, own), "\n") + "\n"); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func (c *Cluster) makeOwner() error {
	return c.query("postgres", nil, "CREATE ROLE "+ownerRole+" LOGIN CREATEROLE PASSWORD '"+c.password+"'")
}

// Database makes an empty database, which is removed when the test has ended, and
// returns its URL. The role in it owns the database, may make roles, and is no
// superuser.
func (c *Cluster) Database(tb testing.TB) (url string) {
	tb.Helper()
	name := "t" + strconv.FormatUint(rand.Uint64(), 36)
	// Its text sorts and compares by bytes, whatever the operator's machine prefers.
	if err := c.query("postgres", nil, "CREATE DATABASE "+name+" OWNER "+ownerRole+" TEMPLATE template0"); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if !c.shared {
			return // goes with the cluster
		}
		if err := c.query("postgres", nil, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			tb.Errorf("pgtest: %v", err)
		}
		c.showLog(tb)
	})
	return c.URL(name)
}

// URL is the URL of a database that [Cluster.Database] has made, here or on the cluster
// that this one is a standby of. With others it names them, too, and asks for the one
// that takes writes: what a program connects to that is to survive a fail-over.
func (c *Cluster) URL(database string, others ...*Cluster) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(ownerRole, c.password), Host: address(c.port), Path: "/" + database}
	query := url.Values{"sslmode": {"disable"}}
	for _, other := range others {
		u.Host += "," + address(other.port)
		query.Set("target_session_attrs", "read-write")
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// Name is the name of the database in a URL.
func Name(databaseURL string) string {
	u, err := url.Parse(databaseURL)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(u.Path, "/")
}

// Exec runs a statement as superuser in a database.
func (c *Cluster) Exec(tb testing.TB, database, statement string, args ...any) {
	tb.Helper()
	if err := c.query(database, nil, statement, args...); err != nil {
		tb.Fatal(err)
	}
}

// Query runs a statement as superuser in a database, and scans the one row that it
// returns.
func (c *Cluster) Query(tb testing.TB, database string, into []any, statement string, args ...any) {
	tb.Helper()
	if err := c.query(database, into, statement, args...); err != nil {
		tb.Fatal(err)
	}
}

func (c *Cluster) query(database string, into []any, statement string, args ...any) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.socket(database))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if into == nil {
		_, err = conn.Exec(ctx, statement, args...)
	} else {
		err = conn.QueryRow(ctx, statement, args...).Scan(into...)
	}
	if err != nil {
		return fmt.Errorf("pgtest: %s: %w", statement, err)
	}
	return nil
}

// socket is how the superuser connects.
func (c *Cluster) socket(database string) string {
	return fmt.Sprintf("host=%s port=%d user=%s dbname=%s sslmode=disable connect_timeout=10", c.folder, c.port, superuser, database)
}

// start starts the server, and returns when it takes connections.
func (c *Cluster) start() error {
	deadline := time.Now().Add(patience)
	for {
		if err := c.keeper.do("start"); err != nil {
			return err
		}
		ended, err := c.waitReady(deadline)
		switch {
		case err == nil:
			return nil
		case !ended || time.Now().After(deadline) || !strings.Contains(c.logTail(), "pre-existing shared memory block"):
			return fmt.Errorf("pgtest: the server does not start: %w\n%s", err, c.logTail())
		}
		// Processes of one that was killed are not all gone yet.
		if err := c.keeper.do("kill"); err != nil {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// waitReady asks until the server answers. It reports whether it has ended instead.
func (c *Cluster) waitReady(deadline time.Time) (ended bool, err error) {
	for {
		if err = c.query("postgres", nil, "SELECT 1"); err == nil {
			return false, nil
		}
		answer, tellErr := c.keeper.tell("ended")
		if tellErr != nil {
			return false, tellErr
		}
		if answer == "ok" || time.Now().After(deadline) {
			return answer == "ok", err
		}
		time.Sleep(10 * time.Millisecond) // there is nothing to wait on
	}
}

// end removes the cluster, and shows its log if the test has failed.
func (c *Cluster) end(tb testing.TB) {
	c.showLog(tb)
	if err := c.keeper.end(); err != nil {
		tb.Errorf("pgtest: the keeper of %s: %v", c.folder, err)
	}
	if _, err := os.Stat(c.folder); err == nil {
		tb.Errorf("pgtest: %s is still there", c.folder)
	}
}
