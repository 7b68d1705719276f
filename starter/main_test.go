package main

import (
	"os"
	"path/filepath"
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

// TestSessions runs each file of testdata/script: what a person types, and what
// is to be seen.
func TestSessions(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("TAGWATCH_DATA_DIR", env.WorkDir+"/data")
			env.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1") // nothing listens there
			env.Setenv("TAGWATCH_FEED_URL", "http://127.0.0.1:1")
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
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exit": exits, "seed": seed, "refuse": refuse, "renewal": renewal, "port": freePort, "until": until, "signal": signalTo, "gone": gone, "ends": ends, "accepted": accepted, "page": followPage, "example": savePage, "sourced": sourced,
		},
	})
}

// offline leads everything that is not on this machine, whatever its address is,
// to a proxy that does not exist.
func offline(env *testscript.Env) {
	env.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	env.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	env.Setenv("NO_PROXY", "127.0.0.1")
}
