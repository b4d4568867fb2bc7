package faults_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fazt-sh/fazt/harnesstest/faults"
)

// patience bounds every wait. It is long, since only a test that fails waits for it in
// full.
const patience = time.Minute

// childEnv names the part that this binary plays as a child process.
const childEnv = "FAULTS_TEST_CHILD"

var children = map[string]func(){
	"echo":     echoChild,
	"die":      func() { fmt.Println("no port for me"); os.Exit(3) },
	"mute":     func() { io.Copy(io.Discard, os.Stdin) },
	"stubborn": stubbornChild,
	"writer":   writerChild,
	"parent":   parentChild,
}

func TestMain(m *testing.M) {
	if name := os.Getenv(childEnv); name != "" {
		children[name]()
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// echoChild answers each line on a port of its choice, until it is asked to end.
func echoChild() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go io.Copy(c, c)
		}
	}()
	// In pieces, as a pipe may deliver it.
	fmt.Print("starting\nlisten")
	fmt.Printf("ing on %s\n", l.Addr())
	<-asked
	fmt.Println("bye")
}

func stubbornChild() {
	signal.Ignore(syscall.SIGTERM)
	fmt.Println("ready")
	select {}
}

// writerChild appends as many bytes as each line of its input says, and prints what
// came of it.
func writerChild() {
	faults.SurviveFileLimit()
	f, err := os.OpenFile(os.Getenv("FAULTS_TEST_FILE"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Printf("listening on %s\n", l.Addr())
	c, err := l.Accept()
	if err != nil {
		os.Exit(1)
	}
	for scan := bufio.NewScanner(c); scan.Scan(); {
		n := 0
		fmt.Sscan(scan.Text(), &n)
		_, err := f.WriteString(strings.Repeat("x", n))
		fmt.Fprintln(c, "wrote", err)
	}
}
