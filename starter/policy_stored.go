package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// bundleView is a stored bundle for programs.
type bundleView struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Hash    string    `json:"hash"`
	Active  bool      `json:"active"`
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
}

func bundleViewOf(b watch.Bundle) bundleView {
	return bundleView{b.ID, b.Name, b.Hash, b.Active, b.Created, b.Updated}
}

func policyListCommand() *cli.Command {
	return &cli.Command{
		Name:        "list",
		Usage:       "list the stored bundles",
		UsageText:   "tagwatch policy list [options]",
		Description: "   tagwatch policy list\n   tagwatch policy list -o json",
		Flags:       []cli.Flag{outputFlag()},
		Action:      bare(policyList),
	}
}

func policyList(ctx context.Context, s *session) error {
	kept, err := s.store(ctx)
	if err != nil {
		return err
	}
	bundles, err := kept.Bundles(ctx)
	if err != nil {
		return err
	}
	views := []bundleView{}
	for _, b := range bundles {
		views = append(views, bundleViewOf(b))
	}
	return s.show(views, func(w io.Writer) { s.writeBundles(w, views) })
}

func (s *session) writeBundles(w io.Writer, views []bundleView) {
	if len(views) == 0 {
		s.say("No bundle; add one with: tagwatch policy add FILE")
		return
	}
	t := newTable("ID", "NAME", "ACTIVE", "HASH", "UPDATED")
	for _, v := range views {
		t.row(ordinary, v.ID, v.Name, yes(v.Active), short(v.Hash), s.ago(v.Updated))
	}
	t.write(w)
}

func policyGetCommand() *cli.Command {
	return &cli.Command{
		Name:        "get",
		Usage:       "print a bundle",
		UsageText:   "tagwatch policy get [ID]",
		Description: "Prints the bundle as it was added; without an id, the active one.\n\n   tagwatch policy get > bundle.json",
		Action:      action(policyGet),
	}
}

func policyGet(ctx context.Context, s *session) error {
	id := ""
	if s.Args().Present() {
		var err error
		if id, err = s.argument("ID"); err != nil {
			return err
		}
	}
	document, err := s.bundleDocument(ctx, id)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s\n", document)
	return err
}

func (s *session) bundleDocument(ctx context.Context, id string) ([]byte, error) {
	if id == "" {
		active, err := s.activeBundle(ctx)
		if err != nil {
			return nil, err
		}
		return active.MarshalJSON()
	}
	stored, err := s.storedBundle(ctx, id)
	if err == nil && stored.ID == "" {
		err = noBundle(id)
	}
	return stored.Document, err
}

func noBundle(id string) error {
	return refused("there is no bundle %s; see: tagwatch policy list", id)
}

func policyDeleteCommand() *cli.Command {
	return &cli.Command{
		Name:        "delete",
		Usage:       "delete a bundle that is not active",
		UsageText:   "tagwatch policy delete ID",
		Description: "   tagwatch policy delete 2c53a13c-1765-11e8-82ef-23527761d060",
		Action:      action(policyDelete),
	}
}

func policyDelete(ctx context.Context, s *session) error {
	id, err := s.argument("ID")
	if err != nil {
		return err
	}
	kept, err := s.store(ctx)
	if err != nil {
		return err
	}
	err = kept.DeleteBundle(ctx, id)
	switch {
	case errors.Is(err, errkind.NotFound):
		return noBundle(id)
	case errors.Is(err, errkind.Conflict):
		return refused("bundle %s is active; activate another first", id)
	case err != nil:
		return err
	}
	fmt.Fprintf(s.out, "Bundle %s is deleted\n", id)
	return nil
}
