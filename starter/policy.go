package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/policy"
)

func policyCommand() *cli.Command {
	return &cli.Command{
		Name: "policy", Category: categoryRules,
		Usage: "manage policy bundles, and try them out",
		Description: `A bundle holds policies, whitelists, mappings and image lists, in the format of
Anchore Engine. One bundle is active: it decides about all watched tags.

   tagwatch policy validate bundle.json
   tagwatch policy simulate bundle.json     # which tags would change
   tagwatch policy add bundle.json --activate`,
		Subcommands: []*cli.Command{
			policyAddCommand(), policyListCommand(), policyGetCommand(), policyActivateCommand(), policyDeleteCommand(),
			policyValidateCommand(), policyDescribeCommand(), policyDiffCommand(), policySimulateCommand(), whitelistReportCommand(),
		},
	}
}

// stdin names the standard input where a file is asked for.
const stdin = "-"

// readFile reads a file, or the standard input.
func (s *session) readFile(name string) ([]byte, error) {
	if name == stdin {
		content, err := io.ReadAll(s.App.Reader)
		return content, unable(err)
	}
	content, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, usage("there is no file %s", name)
	}
	return content, unable(err)
}

// parseBundle reads a bundle of which all problems are shown: warnings do not
// forbid its use.
func (s *session) parseBundle(name string) (*policy.Bundle, error) {
	content, err := s.readFile(name)
	if err != nil {
		return nil, err
	}
	bundle, problems := policy.Parse(content)
	for _, p := range problems {
		s.say("%s", oneLine(p.String()))
	}
	if !policy.Valid(problems) {
		return nil, refused("%s has faults; nothing was changed", nameOf(name))
	}
	return bundle, nil
}

func nameOf(file string) string {
	if file == stdin {
		return "the bundle on standard input"
	}
	return file
}

// bundle is the one in that file or of that id; the active one for "".
func (s *session) bundle(ctx context.Context, fileOrID string) (*policy.Bundle, error) {
	if fileOrID == "" {
		return s.activeBundle(ctx)
	}
	if _, err := os.Stat(fileOrID); err == nil || fileOrID == stdin {
		return s.parseBundle(fileOrID)
	}
	kept, err := s.store(ctx)
	if err != nil {
		return nil, err
	}
	stored, err := kept.Bundle(ctx, fileOrID)
	if errors.Is(err, errkind.NotFound) {
		return nil, refused("there is neither a file nor a stored bundle %s; see: tagwatch policy list", fileOrID)
	}
	if err != nil {
		return nil, err
	}
	bundle, _ := policy.Parse(stored.Document)
	return bundle, nil
}

// activeBundle is the default one until a bundle is activated, as it is for the
// worker.
func (s *session) activeBundle(ctx context.Context) (*policy.Bundle, error) {
	kept, err := s.store(ctx)
	if err != nil {
		return nil, err
	}
	stored, err := kept.ActiveBundle(ctx)
	if errors.Is(err, errkind.NotFound) {
		return policy.Default(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the active bundle: %w", err)
	}
	bundle, _ := policy.Parse(stored.Document) // faults were shown when it was added
	return bundle, nil
}
