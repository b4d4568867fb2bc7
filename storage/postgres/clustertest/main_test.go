package clustertest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/frontdoor"
	"github.com/fazt-sh/fazt/storage/postgres"
)

// childEnv has this binary be a fazt server on the database of that URL.
const childEnv = "FAZT_CLUSTERTEST_URL"

func TestMain(m *testing.M) {
	if url := os.Getenv(childEnv); url != "" {
		if err := serve(url); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// serve serves on a port of its own, which it prints, until standard input ends.
func serve(url string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	store, err := openStore(ctx, url, postgres.Options{Logger: log})
	if err != nil {
		return err
	}
	srv, err := fazt.New(ctx, fazt.Options{Store: store, Dev: true, RateLimit: frontdoor.NoRateLimit, Logger: log})
	if err != nil {
		return errors.Join(err, store.Close())
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	go func() {
		io.Copy(io.Discard, os.Stdin) // its parent ends it, or has died
		cancel()
	}()
	return errors.Join(srv.Serve(ctx, l), srv.Close(), store.Close())
}

// server is a fazt server in a process of its own.
type server struct {
	cmd   *exec.Cmd
	addr  string
	stdin io.Closer
	log   logText
	ended sync.Once
	err   error
}

// logText is what a process has written to standard error.
type logText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// shown is the end of it.
func (l *logText) shown() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.text.String()
	return text[max(0, len(text)-8<<10):]
}

// startServers starts n servers on a database at the same time.
func startServers(t *testing.T, url string, n int) []*server {
	t.Helper()
	list := make([]*server, n)
	var wg sync.WaitGroup
	for i := range list {
		wg.Go(func() { list[i] = startServer(t, url) })
	}
	wg.Wait()
	for _, s := range list {
		if s == nil {
			t.FailNow()
		}
	}
	return list
}

// startServer starts one, and returns when it listens; nil if it does not.
func startServer(t *testing.T, url string) *server {
	self, err := os.Executable()
	if err != nil {
		t.Error(err)
		return nil
	}
	s := &server{cmd: exec.Command(self)}
	s.cmd.Env = append(os.Environ(), childEnv+"="+url)
	s.cmd.Stderr = &s.log
	stdin, stdinErr := s.cmd.StdinPipe()
	stdout, stdoutErr := s.cmd.StdoutPipe()
	if err := errors.Join(stdinErr, stdoutErr, s.cmd.Start()); err != nil {
		t.Error(err)
		return nil
	}
	s.stdin = stdin
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Errorf("the server at %s: %v", s.addr, err)
		}
		if t.Failed() {
			t.Logf("the log of the server at %s:\n%s", s.addr, s.log.shown())
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Errorf("a server printed no address: %v", err)
		return nil
	}
	s.addr = strings.TrimSpace(line)
	return s
}

// stop ends the server as an operator does.
func (s *server) stop() error {
	s.ended.Do(func() {
		s.stdin.Close()
		s.err = s.cmd.Wait()
	})
	return s.err
}

// kill ends it by SIGKILL.
func (s *server) kill(t *testing.T) {
	t.Helper()
	s.ended.Do(func() {
		if err := s.cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		s.cmd.Wait()
	})
}
