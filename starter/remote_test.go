package main

import (
	"context"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	sdk "go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/api"
	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/operations"
)

// directly are the scripts that do not run by way of a server, each with the reason.
var directly = map[string]string{
	"login.txtar": "is about which server is used", "database.txtar": local, "up.txtar": local, "up_beside.txtar": local, "up_fails.txtar": local,
}

const local = "is about the database or the programs of this machine"

// TestSessionsRemote runs the scripts of TestSessions by way of a server: the same is to be
// seen.
func TestSessionsRemote(t *testing.T) {
	t.Parallel()
	testscript.Run(t, sessions(t, "testdata/script/*.txtar", true))
}

// TestDirectly: the scripts that do not run by way of a server exist.
func TestDirectly(t *testing.T) {
	t.Parallel()
	for name, reason := range directly {
		if _, err := os.Stat("testdata/script/" + name); err != nil || reason == "" {
			t.Errorf("%s: %v, reason %q", name, err, reason)
		}
	}
}

// serve lets the commands of a session reach its database by way of a server, which tells
// them nothing of where it is.
func serve(env *testscript.Env) error {
	address, text, err := newAPI(env.Defer, env.WorkDir+"/data", env.Getenv("TEMPORAL_ADDRESS"))
	if err != nil {
		return err
	}
	env.Setenv("TAGWATCH_SERVER", address)
	env.Setenv("TAGWATCH_TOKEN", text)
	return nil
}

// serveAPI serves the HTTP API of the session's database: api ADDRESS TOKEN sets the
// variables of these names.
func serveAPI(ts *testscript.TestScript, _ bool, args []string) {
	address, text, err := newAPI(ts.Defer, ts.Getenv("TAGWATCH_DATA_DIR"), ts.Getenv("TEMPORAL_ADDRESS"))
	ts.Check(err)
	ts.Setenv(args[0], address)
	ts.Setenv(args[1], text)
}

// newAPI serves the HTTP API as a worker does, with a token that may do everything. The
// token is not in the database, where a session would see it.
func newAPI(atEnd func(func()), dir, temporal string) (address, text string, err error) {
	ctx := context.Background()
	kept, err := store.Open(ctx, "sqlite://"+dir+"/tagwatch.db")
	if err != nil {
		return "", "", err
	}
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	reaching, err := sdk.NewLazyClient(sdk.Options{HostPort: temporal, Logger: sdklog.NewStructuredLogger(quiet)})
	if err != nil {
		return "", "", err
	}
	made, text, err := token.New("session", token.Admin, nil, time.Now(), time.Time{})
	if err != nil {
		return "", "", err
	}
	served, err := api.New(api.Options{Tokens: oneToken{kept, made}, Version: version, Now: time.Now, Log: quiet,
		System: operations.System{Account: "admin",
			Store: func(context.Context) (*store.Store, error) { return kept, nil },
			Ask: func(ctx context.Context, _ string, limit time.Duration, request func(context.Context, client.Client) error) error {
				return client.Within(ctx, limit, func(ctx context.Context) error { return request(ctx, client.Client{Temporal: reaching}) })
			}}})
	if err != nil {
		return "", "", err
	}
	server := httptest.NewServer(served)
	atEnd(func() {
		server.Close()
		reaching.Close()
		kept.Close()
	})
	return server.URL, text, nil
}

// oneToken finds a token beside those of the database.
type oneToken struct {
	*store.Store
	token token.Token
}

func (o oneToken) Token(ctx context.Context, id string) (token.Token, error) {
	if id == o.token.ID {
		return o.token, nil
	}
	return o.Store.Token(ctx, id)
}
