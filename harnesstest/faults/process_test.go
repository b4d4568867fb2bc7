package faults_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/fazt-sh/fazt/harnesstest/faults"
)

var listening = regexp.MustCompile(`^listening on (\S+)$`)

func child(name string, env ...string) faults.Command {
	return faults.Command{Env: append([]string{childEnv + "=" + name}, env...), Answers: listening}
}

// start starts a child that is gone when the test ends.
func start(t *testing.T, c faults.Command) *faults.Process {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	p, err := c.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Kill(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// echo sends a line to an echo and reads it back.
func echo(addr, line string) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	fmt.Fprintln(c, line)
	got, err := bufio.NewReader(c).ReadString('\n')
	if err == nil && got != line+"\n" {
		err = fmt.Errorf("echoed %q", got)
	}
	return err
}

func TestProcessIsKilledAndStartedAgain(t *testing.T) {
	p := start(t, child("echo"))
	for round := range 3 {
		addr, pid := p.Answer()[1], p.PID()
		if err := echo(addr, "hello"); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if err := p.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "runs already") {
			t.Errorf("started twice: %v", err)
		}
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
		if p.Running() {
			t.Error("it runs after kill")
		}
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d is there after kill: %v", pid, err)
		}
		if err := echo(addr, "hello"); err == nil {
			t.Error("it answers after kill")
		}
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p.PID() == pid {
			t.Error("the same process answers")
		}
	}
	if n := strings.Count(p.Output(), "listening on"); n != 4 {
		t.Errorf("four lives printed %d times where they listen:\n%s", n, p.Output())
	}
}

func TestProcessIsStopped(t *testing.T) {
	p := start(t, child("echo"))
	if err := p.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(p.Output(), "bye\n") {
		t.Errorf("it was not asked to end:\n%s", p.Output())
	}
	if err := errors.Join(p.Stop(t.Context()), p.Kill()); err != nil {
		t.Errorf("ended twice: %v", err)
	}
	stubborn := child("stubborn")
	stubborn.Answers = regexp.MustCompile("ready")
	p = start(t, stubborn)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Stop(ctx); !errors.Is(err, context.Canceled) || p.Running() {
		t.Errorf("one that does not end: %v, running: %v", err, p.Running())
	}
}

func TestProcessThatDoesNotAnswer(t *testing.T) {
	_, err := child("die").Start(t.Context())
	if !errors.Is(err, faults.ErrEnded) || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "no port for me") {
		t.Errorf("one that dies: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p, err := child("mute").Start(ctx)
	if !errors.Is(err, context.Canceled) || p.Running() {
		t.Errorf("one that says nothing: %v, running: %v", err, p.Running())
	}
	if _, err := (faults.Command{Path: filepath.Join(t.TempDir(), "none")}).Start(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("one that is not there: %v", err)
	}
}

// parentChild starts a child of its own, and says which.
func parentChild() {
	os.Setenv(childEnv, "stubborn")
	p, err := faults.Command{Answers: regexp.MustCompile("ready")}.Start(context.Background())
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Printf("listening on %d\n", p.PID())
	select {}
}
