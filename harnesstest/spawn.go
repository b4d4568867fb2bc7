package harnesstest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/frontdoor"
	"github.com/fazt-sh/fazt/harnesstest/faults"
)

// childEnv tells a test's program that it is a server, and which: a [child].
const childEnv = "FAZT_HARNESSTEST_CHILD"

// child is the server that a test's program is to be.
type child struct{ DataFile, Addr string }

// mainCalled is set by [Main]. It is what a program can't find out about itself
// otherwise before it starts itself again.
var mainCalled atomic.Bool

// Main runs the tests of a package whose tests spawn servers, see [Spawner]:
//
//	func TestMain(m *testing.M) { harnesstest.Main(m) }
//
// A server in a process of its own is the test's program once more, for which Main
// serves rather than test. So it is the same fazt, under the race detector if the test
// is, and nothing has to be built: the fazt command brings modules along that the go.sum
// of a program that only embeds fazt does not have.
func Main(m *testing.M) {
	text := os.Getenv(childEnv)
	if text == "" {
		mainCalled.Store(true)
		m.Run()
		return
	}
	var c child
	err := json.Unmarshal([]byte(text), &c)
	if err == nil {
		err = c.serve()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "harnesstest:", err)
		os.Exit(1)
	}
}

// serve is the life of a spawned server: until it is asked to end, or its parent is gone.
func (c child) serve() error {
	faults.SurviveFileLimit()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	go func() {
		io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	_, err := os.Stat(c.DataFile)
	isNew := errors.Is(err, fs.ErrNotExist)
	srv, err := fazt.New(ctx, fazt.Options{
		DataFile:  c.DataFile,
		Dev:       true,
		RateLimit: frontdoor.NoRateLimit,
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	defer srv.Close()
	var key string
	if isNew {
		if key, err = srv.CreateKey(ctx, "harnesstest", "admin"); err != nil {
			return err
		}
	}
	l, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return err
	}
	fmt.Printf("harnesstest: serving, key %s.\n", key)
	return srv.Serve(ctx, l)
}

// startPatience is how long a process may take to start or to end. Only a test that
// fails waits for it in full.
const startPatience = 2 * time.Minute

var childAnswers = regexp.MustCompile(`^harnesstest: serving, key (\S*)\.$`)

// spawned is a server in a process of its own.
type spawned struct {
	*Server
	process *faults.Process
}

var _ Process = (*spawned)(nil)

// Spawn implements [Spawner]. The test's package needs a TestMain that calls [Main].
func (s *Server) Spawn(tb testing.TB) Process {
	tb.Helper()
	if reason := s.Lacks("Spawner"); reason != "" {
		tb.Fatalf("harnesstest: spawn: %s", reason)
	}
	p, err := spawn(tb)
	if err != nil {
		tb.Fatalf("harnesstest: spawn: %v", err)
	}
	return p
}

func spawn(tb testing.TB) (*spawned, error) {
	if !mainCalled.Load() {
		return nil, errors.New(noMain)
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(child{filepath.Join(tb.TempDir(), "data.db"), addr.String()})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(tb.Context(), startPatience)
	defer cancel()
	process, err := faults.Command{Env: []string{childEnv + "=" + string(text)}, Answers: childAnswers}.Start(ctx)
	if err != nil {
		return nil, err
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), startPatience)
		defer cancel()
		if err := process.Stop(ctx); err != nil {
			tb.Errorf("harnesstest: %v", err)
		}
		if tb.Failed() {
			fmt.Fprintf(tb.Output(), "what the spawned server printed:\n%s", process.Output())
		}
	})
	s := &Server{tb: tb, site: siteAt(addr), token: process.Answer()[1], lacks: map[string]string{
		"Spawner": "a spawned server spawns no other",
	}}
	s.URL = s.site.Base()
	s.manager = newClient(tb, s)
	return &spawned{s, process}, nil
}

const noMain = "the test's package has no func TestMain(m *testing.M) { harnesstest.Main(m) }"

// freeAddr is a loopback address that nobody listens at. It is chosen before the server
// starts, which keeps it when it starts again.
func freeAddr() (net.Addr, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	return l.Addr(), nil
}

// Kill implements [Process].
func (s *spawned) Kill() error { return s.process.Kill() }

// Stop implements [Process].
func (s *spawned) Stop() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.tb.Context()), startPatience)
	defer cancel()
	return s.process.Stop(ctx)
}

// Restart implements [Process].
func (s *spawned) Restart() error {
	if err := s.process.Kill(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(s.tb.Context(), startPatience)
	defer cancel()
	return s.process.Start(ctx)
}

// FillDisk implements [Process], by a limit to the size of the process's files.
func (s *spawned) FillDisk() error { return s.process.LimitFiles(0) }

// FreeDisk implements [Process].
func (s *spawned) FreeDisk() error { return s.process.LimitFiles(faults.Unlimited) }
