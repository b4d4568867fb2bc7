package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
)

// Command is a program that a test runs as a process of its own.
type Command struct {
	// Path is the program. Default: the test's own, see [os.Executable]; its TestMain
	// then looks at Env to know that it is the child.
	Path string
	// Args are the arguments, without the program's name.
	Args []string
	// Env is added to the test's own environment, "NAME=value" each.
	Env []string
	// Dir is where it runs. Default: the test's own directory.
	Dir string
	// Answers matches the line of its output that says that it answers. The line's
	// groups are what [Process.Answer] returns, such as the address. Default: nil, it
	// answers once it runs.
	Answers *regexp.Regexp
}

// Process is a program that runs, or did. Its standard input is a pipe that stays open
// until it is stopped, or the test's program ends however that came about: a child that
// reads it knows then that nobody needs it any more. On Linux the system kills it then.
//
// Its methods may be called by several goroutines, but for Start, Stop and Kill, which
// one goroutine calls.
type Process struct {
	command Command
	tail    tail

	mu  sync.Mutex
	run *run // the present one, or the last
}

// run is one life of a process.
type run struct {
	proc   *os.Process
	answer []string
	ended  chan struct{} // closed when it has ended, and its output is read
	state  *os.ProcessState
}

// ErrEnded is what a process is that ended before it answered.
var ErrEnded = errors.New("faults: the process ended before it answered")

// Start starts the program and waits until it answers, or ctx ends; it is killed then.
// Whoever starts a process stops it: see [Process.Stop] and [Process.Kill].
func (c Command) Start(ctx context.Context) (*Process, error) {
	p := &Process{command: c}
	return p, p.Start(ctx)
}

// Start starts the program again after it has ended, with the same arguments, and waits
// until it answers. On a process that runs it is an error.
func (p *Process) Start(ctx context.Context) error {
	if p.Running() {
		return fmt.Errorf("faults: process %d runs already; stop or kill it first", p.PID())
	}
	path := p.command.Path
	if path == "" {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("faults: %w", err)
		}
		path = self
	}
	cmd := exec.Command(path, p.command.Args...)
	cmd.Env = append(os.Environ(), p.command.Env...)
	cmd.Dir, cmd.SysProcAttr = p.command.Dir, childAttributes()
	if _, err := cmd.StdinPipe(); err != nil { // Wait closes it
		return fmt.Errorf("faults: %w", err)
	}
	found := make(chan []string, 1)
	out := &lineWriter{to: &p.tail, answers: p.command.Answers, found: found}
	cmd.Stdout, cmd.Stderr = out, out
	r := &run{ended: make(chan struct{})}
	if err := r.begin(cmd); err != nil {
		return fmt.Errorf("faults: start %s: %w", path, err)
	}
	p.mu.Lock()
	p.run = r
	p.mu.Unlock()
	if p.command.Answers == nil {
		return nil
	}
	select {
	case answer := <-found:
		p.mu.Lock()
		r.answer = answer
		p.mu.Unlock()
		return nil
	case <-r.ended:
		return fmt.Errorf("%w: %v; it printed:\n%s", ErrEnded, r.state, p.Output())
	case <-ctx.Done():
		err := fmt.Errorf("faults: no line of %s matches %q: %w; it printed:\n%s", path, p.command.Answers, context.Cause(ctx), p.Output())
		return errors.Join(err, p.Kill())
	}
}

// begin starts cmd and watches it on a thread of its own: Linux kills a child when the
// thread ends that started it, and Go ends threads.
func (r *run) begin(cmd *exec.Cmd) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		if err == nil {
			r.proc = cmd.Process
		}
		started <- err
		if err != nil {
			return
		}
		_ = cmd.Wait() // its state says it all
		r.state = cmd.ProcessState
		close(r.ended)
	}()
	return <-started
}

func (p *Process) present() *run {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.run
}

// Running reports whether the process has not ended.
func (p *Process) Running() bool {
	r := p.present()
	if r == nil {
		return false
	}
	select {
	case <-r.ended:
		return false
	default:
		return true
	}
}

// PID is the process's id, or was; 0 if it never started.
func (p *Process) PID() int {
	if r := p.present(); r != nil {
		return r.proc.Pid
	}
	return 0
}

// Answer is the line that matched [Command.Answers], and its groups. Each start has its
// own: a server that picks its port says another one.
func (p *Process) Answer() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run == nil {
		return nil
	}
	return p.run.answer
}

// Ended is closed when the present life of the process is over; nil if it never started.
func (p *Process) Ended() <-chan struct{} {
	if r := p.present(); r != nil {
		return r.ended
	}
	return nil
}

// Kill ends the process at once, as kill -9 does, and waits until it is gone. One that
// has ended already is no error.
func (p *Process) Kill() error { return p.end(syscall.SIGKILL) }

// Stop asks the process to end (SIGTERM), and waits until it has. When ctx ends before,
// it is killed, and that is an error; so is an exit status other than 0.
func (p *Process) Stop(ctx context.Context) error {
	r := p.present()
	if r == nil || !p.Running() {
		return nil
	}
	if err := r.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-r.ended:
	case <-ctx.Done():
		err := fmt.Errorf("faults: process %d did not end when it was asked to: %w", r.proc.Pid, context.Cause(ctx))
		return errors.Join(err, p.Kill())
	}
	if !r.state.Success() {
		return fmt.Errorf("faults: process %d: %v; it printed:\n%s", r.proc.Pid, r.state, p.Output())
	}
	return nil
}

func (p *Process) end(s syscall.Signal) error {
	r := p.present()
	if r == nil || !p.Running() {
		return nil
	}
	if err := r.signal(s); err != nil {
		return err
	}
	<-r.ended
	return nil
}

func (r *run) signal(s syscall.Signal) error {
	if err := r.proc.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("faults: signal %v to process %d: %w", s, r.proc.Pid, err)
	}
	return nil
}

// Output is the end of what the process has printed, standard output and error as they
// came, over all of its lives: 256 KiB at most.
func (p *Process) Output() string { return p.tail.String() }

// tailSize is what is kept of an output: enough for the stacks of a process that died.
const tailSize = 256 << 10

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept = append(t.kept, b...); len(t.kept) > 2*tailSize {
		t.kept = append(t.kept[:0], t.kept[len(t.kept)-tailSize:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.kept[max(0, len(t.kept)-tailSize):])
}

// lineWriter passes an output on, and looks in its lines for the one that says that the
// process answers. os/exec calls it from one goroutine, as both outputs are the same.
type lineWriter struct {
	to      io.Writer
	answers *regexp.Regexp
	found   chan<- []string // nil once it was found
	line    strings.Builder
}

// maxLine bounds the line that is looked at.
const maxLine = 64 << 10

func (w *lineWriter) Write(b []byte) (int, error) {
	n, err := w.to.Write(b) // who is told that the process answers may look at its output at once
	if w.answers != nil && w.found != nil {
		w.look(string(b))
	}
	return n, err
}

func (w *lineWriter) look(text string) {
	for line := range strings.SplitAfterSeq(text, "\n") {
		w.line.WriteString(line)
		if !strings.HasSuffix(line, "\n") && w.line.Len() < maxLine {
			continue
		}
		found := w.answers.FindStringSubmatch(strings.TrimRight(w.line.String(), "\r\n"))
		w.line.Reset()
		if found != nil {
			w.found <- found
			w.found = nil
			return
		}
	}
}
