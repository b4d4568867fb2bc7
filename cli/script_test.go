package cli_test

import (
	"context"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/fazt-sh/fazt"
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
//   - stop NAME stops it
//
// Output is a table, as on a terminal; unset FAZT_FORMAT for what a pipe gets.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("FAZT_DB_PATH", env.WorkDir+"/data.db")
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("FAZT_FORMAT", "table")
			env.Values[running{}] = make(map[string]func())
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
			"stop": func(ts *testscript.TestScript, neg bool, args []string) {
				name := one(ts, neg, args)
				stop := servers(ts)[name]
				if stop == nil {
					ts.Fatalf("no server %s is running", name)
				}
				stop()
				delete(servers(ts), name)
			},
		},
	})
}

// running is where a script has what stops its servers, by name.
type running struct{}

func servers(ts *testscript.TestScript) map[string]func() {
	return ts.Value(running{}).(map[string]func())
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
	listener := httptest.NewServer(server)
	stop := func() {
		listener.Close()
		ts.Check(server.Close())
	}
	servers(ts)[name] = stop
	ts.Defer(func() {
		if servers(ts)[name] != nil {
			stop()
		}
	})
	key, err := server.CreateKey(ctx, "script", "admin")
	ts.Check(err)
	ts.Setenv(strings.ToUpper(name)+"_URL", listener.URL)
	ts.Setenv(strings.ToUpper(name)+"_KEY", key)
	return listener.URL
}
