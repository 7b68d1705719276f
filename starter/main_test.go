package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tagwatch/tagwatch/adapters/store"
)

// programs are what the sessions run; the test binary is each of them.
var programs = map[string]func(){
	"tagwatch":          main,
	"tagwatch-temporal": standInTemporal,
	"tagwatch-worker":   standInWorker,
}

func TestMain(m *testing.M) { testscript.Main(m, programs) }

// TestSessions runs each file of testdata/script: what a person types, and what is to be
// seen. A line that begins with [remote] or [!remote] is for one of the two ways.
func TestSessions(t *testing.T) {
	t.Parallel()
	testscript.Run(t, sessions(t, "testdata/script/*.txtar", false))
}

// sessions runs scripts with the database itself, or by way of a server.
func sessions(t *testing.T, pattern string, remote bool) testscript.Params {
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return testscript.Params{
		Files:               slices.DeleteFunc(files, func(file string) bool { return remote && directly[filepath.Base(file)] != "" }),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			if err := prepareSession(t, env); err != nil || !remote {
				return err
			}
			return serve(env)
		},
		Condition: func(name string) (bool, error) {
			if name != "remote" {
				return false, fmt.Errorf("unknown condition %q", name)
			}
			return remote, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exit": exits, "seed": seed, "refuse": refuse, "renewal": renewal, "port": freePort, "until": until, "signal": signalTo, "gone": gone, "ends": ends, "accepted": accepted, "page": followPage, "example": savePage, "sourced": sourced, "api": serveAPI,
		},
	}
}

func prepareSession(t *testing.T, env *testscript.Env) error {
	env.Setenv("TAGWATCH_DATA_DIR", env.WorkDir+"/data")
	env.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1") // nothing listens there
	env.Setenv("TAGWATCH_FEED_URL", "http://127.0.0.1:1")
	env.Setenv("XDG_CONFIG_HOME", env.WorkDir+"/config")
	offline(env)
	env.Setenv("TZ", "UTC")
	docs, err := filepath.Abs("../docs")
	if err != nil {
		return err
	}
	env.Setenv("DOCS", docs)
	if err := os.Mkdir(env.WorkDir+"/data", 0o700); err != nil {
		return err
	}
	made, err := store.Open(t.Context(), "sqlite://"+env.WorkDir+"/data/tagwatch.db") // as the first worker does
	if err != nil {
		return err
	}
	return made.Close()
}

// offline leads everything that is not on this machine, whatever its address is,
// to a proxy that does not exist.
func offline(env *testscript.Env) {
	env.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	env.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	env.Setenv("NO_PROXY", "127.0.0.1")
}
