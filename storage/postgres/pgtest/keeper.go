package pgtest

import (
	"bufio"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// patience is how long a step may take before it counts as failed. Machines that run
// tests are busy.
const patience = 2 * time.Minute

//go:embed keeper.sh
var keeperScript string

// keeper is a shell that is the parent of a server, see keeper.sh. It outlives this
// process if that dies, and cleans up after it.
type keeper struct {
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	answers *os.File
	lines   *bufio.Reader // of answers
}

// startKeeper starts a keeper for the folder and the server that is started by a command.
func startKeeper(p programs, folder string, server *exec.Cmd) (*keeper, error) {
	args := append([]string{"-c", keeperScript, "keeper", folder}, server.Args...)
	k := &keeper{cmd: exec.Command("/bin/sh", args...)}
	p.asUser(k.cmd)
	var err error
	if k.stdin, err = k.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	// Pipes of our own: they have deadlines, and no goroutine that a search for leaks
	// would find.
	answers, stdout, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer stdout.Close()
	k.cmd.Stdout = stdout
	k.answers, k.lines = answers, bufio.NewReader(answers)
	return k, k.cmd.Start()
}

// tell has the keeper do something, and returns what it answers.
func (k *keeper) tell(word string) (string, error) {
	if _, err := fmt.Fprintln(k.stdin, word); err != nil {
		return "", fmt.Errorf("pgtest: tell the keeper to %s: %w", word, err)
	}
	if err := k.answers.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	line, err := k.lines.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("pgtest: %s: %w", word, err)
	}
	return strings.TrimSpace(line), nil
}

// do is tell for what has one good answer.
func (k *keeper) do(word string) error {
	answer, err := k.tell(word)
	if err == nil && answer != "ok" {
		err = fmt.Errorf("pgtest: %s: %s", word, answer)
	}
	return err
}

// end kills the server, removes its folder, and ends the keeper.
func (k *keeper) end() error {
	k.stdin.Close()
	err := k.cmd.Wait()
	k.answers.Close()
	return err
}
