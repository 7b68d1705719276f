package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/event"
)

func endpointRotateCommand() *cli.Command {
	return &cli.Command{
		Name:      "rotate",
		Usage:     "replace the secret that signs, with both valid meanwhile",
		UsageText: "tagwatch endpoint rotate NAME --secret-env VARIABLE | --secret-file FILE | --finish",
		Description: `Bodies are signed with the new secret and the one before, so that a receiver that
knows either accepts them. Once it knows the new one, --finish drops the old one.

   tagwatch endpoint rotate ops --secret-env HOOK_SECRET_2
   tagwatch endpoint test ops
   tagwatch endpoint rotate ops --finish`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "secret-env", Usage: "environment `variable` of the new secret"},
			&cli.StringFlag{Name: "secret-file", Usage: "`file` of the new secret"},
			&cli.BoolFlag{Name: "finish", Usage: "sign with the newest secret alone from now on"},
			outputFlag(),
		},
		Action: action(endpointRotate),
	}
}

func endpointRotate(ctx context.Context, s *session) error {
	name, err := s.argument("NAME")
	if err != nil {
		return err
	}
	fresh, err := s.secret("secret")
	if err != nil {
		return err
	}
	if (fresh == "") == !s.Bool("finish") {
		return usage("give the new secret with --secret-env or --secret-file, or end the rotation with --finish")
	}
	kept, err := s.store(ctx)
	if err != nil {
		return err
	}
	endpoint, err := kept.Endpoint(ctx, name)
	if errors.Is(err, errkind.NotFound) {
		return noEndpoint(name)
	}
	if err != nil {
		return err
	}
	endpoint.Signing = rotated(endpoint.Signing, fresh)
	if err := endpoint.Validate(); err != nil {
		return unable(err)
	}
	if err := kept.SaveEndpoint(ctx, endpoint, s.now); err != nil {
		return err
	}
	return s.show(endpoint, func(w io.Writer) { writeRotated(w, endpoint) })
}

// rotated is the new secret before the newest of the old ones; without a new
// secret, the newest alone.
func rotated(signing []event.SecretRef, fresh event.SecretRef) []event.SecretRef {
	if slices.Index(signing, fresh) == 0 {
		return signing // the command was repeated
	}
	signing = signing[:min(1, len(signing))]
	if fresh == "" {
		return signing
	}
	return append([]event.SecretRef{fresh}, signing...)
}

func writeRotated(w io.Writer, e event.Endpoint) {
	switch len(e.Signing) {
	case 0:
		fmt.Fprintf(w, "Endpoint %s does not sign\n", e.Name)
	case 1:
		fmt.Fprintf(w, "Endpoint %s signs with %s\n", e.Name, e.Signing[0])
	default:
		fmt.Fprintf(w, "Endpoint %s signs with %s, newest first; when the receiver knows it: tagwatch endpoint rotate %s --finish\n", e.Name, list(e.Signing), e.Name)
	}
}
