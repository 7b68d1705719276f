package main

import (
	"fmt"
	"net/url"
	"os"
	"testing"
	"time"
)

// TestPostgresKeepsWorkflows runs where TAGWATCH_TEST_POSTGRES names a server.
func TestPostgresKeepsWorkflows(t *testing.T) {
	t.Parallel()
	address, err := url.Parse(os.Getenv("TAGWATCH_TEST_POSTGRES"))
	if err != nil {
		t.Fatal(err)
	}
	if address.Scheme == "" {
		return
	}
	address.Path = fmt.Sprintf("/temporal_%d", time.Now().UnixNano())
	first := start(t, "--postgres", address.String())
	begin(t, first.client(t), "survivor")
	first.kill()

	second := start(t, "--postgres", address.String())

	wantRunning(t, second.client(t), "survivor")
}

func TestPostgresConfig(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, address, addr, user, password, database, host string }{
		{"whole", "postgres://me:a%2Fb@db:5433/engine?sslmode=disable", "db:5433", "me", "a/b", "engine", ""},
		{"a socket", "postgres:///?host=/run/postgres&user=me", "", "me", "", "temporal", "/run/postgres"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := postgresConfig(test.address)
			if err != nil {
				t.Fatal(err)
			}
			if got.ConnectAddr != test.addr || got.User != test.user || got.Password != test.password ||
				got.DatabaseName != test.database || got.ConnectAttributes["host"] != test.host {
				t.Errorf("got %+v", got)
			}
		})
	}
	for _, address := range []string{"", "mysql://me@db/engine", "postgres://me:secret@db:port/engine", "db:5432"} {
		if got, err := postgresConfig(address); err == nil {
			t.Errorf("%q is accepted as %+v", address, got)
		}
	}
}
