package cli_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/cli"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"fazt": func() { os.Exit(cli.Main()) }})
}

// TestScripts runs the command as a process of its own; see testdata/script. What
// a script has beside testscript's own:
//
//   - $FAZT_DB_PATH is a data file of its own, and $HOME its directory
//   - server NAME starts a server with a data file NAME.db. Its management answers at
//     $NAME_URL and takes the key $NAME_KEY, the name in upper case
//   - peer NAME is that, and makes it the peer NAME of the script's data file
//   - user NAME EMAIL signs somebody in there, in no role
//   - get NAME HOST/PATH asks it for a page of an app, whose text is stdout then
//   - until REGEXP COMMAND... runs a command until its stdout matches
//   - stop NAME stops it
//   - capture VAR REGEXP sets a variable to what the first group matches in stdout
//
// Output is a table, as on a terminal; unset FAZT_FORMAT for what a pipe gets.
func TestScripts(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: the scripts run the command as a process of its own, which the race detector does not see")
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("FAZT_DB_PATH", env.WorkDir+"/data.db")
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("FAZT_FORMAT", "table")
			env.Values[running{}] = make(map[string]*scriptServer)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"server": func(ts *testscript.TestScript, neg bool, args []string) { startServer(ts, one(ts, neg, args)) },
			"peer": func(ts *testscript.TestScript, neg bool, args []string) {
				name := one(ts, neg, args)
				url := startServer(ts, name)
				ts.Setenv("FAZT_TOKEN", ts.Getenv(strings.ToUpper(name)+"_KEY"))
				ts.Check(ts.Exec("fazt", "peer", "add", name, "--url", url))
				ts.Setenv("FAZT_TOKEN", "")
			},
			"user": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) != 2 || servers(ts)[args[0]] == nil {
					ts.Fatalf("give the name of a running server, and an e-mail address")
				}
				r := httptest.NewRequest("POST", ts.Getenv(strings.ToUpper(args[0])+"_URL")+"/", nil)
				r.Host = "localhost"
				_, err := servers(ts)[args[0]].Auth().SignIn(httptest.NewRecorder(), r, auth.Identity{
					Issuer: "https://people.example.com", Subject: args[1], Email: args[1], EmailVerified: true,
				})
				ts.Check(err)
			},
			"get": func(ts *testscript.TestScript, neg bool, args []string) {
				if len(args) != 2 || servers(ts)[args[0]] == nil {
					ts.Fatalf("give the name of a running server, and a host with a path")
				}
				host, path, _ := strings.Cut(args[1], "/")
				r, err := http.NewRequest("GET", ts.Getenv(strings.ToUpper(args[0])+"_URL")+"/"+path, nil)
				ts.Check(err)
				r.Host = host
				res, err := http.DefaultTransport.RoundTrip(r)
				ts.Check(err)
				defer res.Body.Close()
				_, err = io.Copy(ts.Stdout(), res.Body)
				ts.Check(err)
				if good := res.StatusCode < 400; good == neg {
					ts.Fatalf("%s answered %s", args[1], res.Status)
				}
			},
			"until": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) < 2 {
					ts.Fatalf("give a regular expression and a command")
				}
				want := regexp.MustCompile("(?m)" + args[0])
				for ends := time.Now().Add(patience); ; {
					err := ts.Exec(args[1], args[2:]...)
					if err == nil && want.MatchString(ts.ReadFile("stdout")) {
						return
					}
					if time.Now().After(ends) {
						ts.Fatalf("%s never came: %v", args[0], err)
					}
				}
			},
			"capture": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) != 2 {
					ts.Fatalf("give the name of a variable and a regular expression")
				}
				found := regexp.MustCompile("(?m)" + args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
				if len(found) != 2 {
					ts.Fatalf("no match for %s, or not one group", args[1])
				}
				ts.Setenv(args[0], found[1])
			},
			"stop": func(ts *testscript.TestScript, neg bool, args []string) {
				server := servers(ts)[one(ts, neg, args)]
				if server == nil {
					ts.Fatalf("no such server is running")
				}
				server.stop(ts)
			},
		},
	})
}

// running is where a script has its servers, by name.
type running struct{}

func servers(ts *testscript.TestScript) map[string]*scriptServer {
	return ts.Value(running{}).(map[string]*scriptServer)
}

// scriptServer is a server that a script has started.
type scriptServer struct {
	*fazt.Server
	listener *httptest.Server
	stopped  bool
}

// stop stops a server that has not been stopped yet.
func (s *scriptServer) stop(ts *testscript.TestScript) {
	if !s.stopped {
		s.stopped = true
		s.listener.Close()
		ts.Check(s.Close())
	}
}

func one(ts *testscript.TestScript, neg bool, args []string) string {
	if neg || len(args) != 1 {
		ts.Fatalf("give one name")
	}
	return args[0]
}

// startServer starts a server until the script's end, or until it is stopped.
func startServer(ts *testscript.TestScript, name string) (url string) {
	ctx := context.Background()
	server, err := fazt.New(ctx, fazt.Options{DataFile: ts.MkAbs(name + ".db")})
	ts.Check(err)
	started := &scriptServer{Server: server, listener: httptest.NewServer(server)}
	servers(ts)[name] = started
	ts.Defer(func() { started.stop(ts) })
	key, err := server.CreateKey(ctx, "script", "admin")
	ts.Check(err)
	ts.Setenv(strings.ToUpper(name)+"_URL", started.listener.URL)
	ts.Setenv(strings.ToUpper(name)+"_KEY", key)
	return started.listener.URL
}

// runUntilStopped are commands that scripts have no place for; server_test.go has.
var runUntilStopped = []string{"dev", "serve"}

// TestEveryCommandIsInAScript: the scripts are what commands are documented by, and
// what shows that each works, on a peer too where it can.
func TestEveryCommandIsInAScript(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*")
	if err != nil {
		t.Fatal(err)
	}
	var local, peer []string // command lines
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			words := strings.Fields(line)
			if len(words) < 3 || words[0] != "exec" || words[1] != "fazt" {
				continue
			}
			if words = words[2:]; strings.HasPrefix(words[0], "@") && words[0] != "@local" {
				peer = append(peer, strings.Join(words[1:], " ")+" ")
			} else {
				local = append(local, strings.Join(words, " ")+" ")
			}
		}
	}
	for command := range cli.Commands() {
		begins := func(line string) bool { return strings.HasPrefix(line, command+" ") }
		if !slices.ContainsFunc(local, begins) && !slices.Contains(runUntilStopped, command) {
			t.Errorf("no script has: exec fazt %s", command)
		}
		if cli.TakesPeer(command) && !slices.ContainsFunc(peer, begins) {
			t.Errorf("no script has: exec fazt @peer %s", command)
		}
	}
}
