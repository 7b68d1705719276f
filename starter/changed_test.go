package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/remote"
	"github.com/tagwatch/tagwatch/starter/exit"
)

// TestChangedMeanwhile: a change that is based on other settings ends in the same way here
// and by way of a server.
func TestChangedMeanwhile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	url, text, err := newAPI(t.Cleanup, dir, "127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	kept, err := store.Open(t.Context(), "sqlite://"+dir+"/tagwatch.db")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kept.Close() })
	address, err := remote.Address(url)
	if err != nil {
		t.Fatal(err)
	}
	server, err := remote.New(remote.Options{Server: address, Token: text, Agent: "tagwatch/test"})
	if err != nil {
		t.Fatal(err)
	}
	here := &operations.System{Now: time.Now().UTC(), Scope: token.Admin, Store: func(context.Context) (*store.Store, error) { return kept, nil }}
	stale := operations.Conditional{IfMatch: `"999"`}
	for name, change := range map[string]func(*operations.System) error{
		"save": func(s *operations.System) error {
			_, err := operations.SaveEndpoint.Run(t.Context(), s, operations.EndpointChange{Conditional: stale, Replace: true,
				EndpointSettings: operations.EndpointSettings{Name: "ops", URL: "https://receiver.example.com"}})
			return err
		},
		"remove": func(s *operations.System) error {
			_, err := operations.RemoveEndpoint.Run(t.Context(), s, operations.EndpointRemoval{Conditional: stale, EndpointRequest: operations.EndpointRequest{Name: "ops"}})
			return err
		},
		"delete a bundle": func(s *operations.System) error {
			_, err := operations.DeletePolicy.Run(t.Context(), s, operations.PolicyRemoval{Conditional: stale, ID: "none"})
			return err
		},
	} {
		var seen [2]strings.Builder
		var codes [2]int
		for i, system := range []*operations.System{here, {Remote: server}} {
			err := change(system)
			if !errors.Is(err, operations.ErrChanged) {
				t.Errorf("%s, system %d: %v", name, i, err)
			}
			codes[i] = exit.Conclude(&seen[i], err)
		}
		if seen[0].String() != seen[1].String() || codes[0] != codes[1] || codes[0] != 1 || !strings.Contains(seen[0].String(), "meanwhile; nothing was done; read it again") {
			t.Errorf("%s: here %d %q, by the server %d %q", name, codes[0], seen[0].String(), codes[1], seen[1].String())
		}
	}
}
