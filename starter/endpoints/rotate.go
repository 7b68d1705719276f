package endpoints

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
)

func endpointRotateCommand() *cli.Command {
	return &cli.Command{
		Name:      "rotate",
		Usage:     "replace the signing secret; both are valid until --finish",
		UsageText: "tagwatch endpoint rotate NAME --secret-env VARIABLE | --secret-file FILE | --finish",
		Description: `Bodies are signed with the new secret and the previous one, so that a receiver with
either accepts them. When the receiver uses the new one, --finish removes the old.

   tagwatch endpoint rotate ops --secret-env HOOK_SECRET_2
   tagwatch endpoint test ops
   tagwatch endpoint rotate ops --finish`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "secret-env", Usage: "environment `variable` with the new secret"},
			&cli.StringFlag{Name: "secret-file", Usage: "`file` with the new secret"},
			&cli.BoolFlag{Name: "finish", Usage: "sign with the newest secret only"},
			session.OutputFlag(),
		},
		Action: session.One("NAME", endpointRotate),
	}
}

func endpointRotate(ctx context.Context, s *session.Session, name string) error {
	fresh, err := secret(s, "secret")
	if err != nil {
		return err
	}
	if (fresh == "") == !s.Bool("finish") {
		return exit.Usage("use --secret-env or --secret-file to set the new secret, or --finish to end the rotation")
	}
	rotated, err := operations.RotateEndpoint.Run(ctx, s.System(), operations.EndpointRotation{Name: name, Secret: fresh, Finish: s.Bool("finish")})
	if err != nil {
		return err
	}
	sayDelayed(s, rotated.Delayed)
	return s.Show(rotated, func(w io.Writer) { writeRotated(w, rotated.Endpoint) })
}

func writeRotated(w io.Writer, e endpoint.Endpoint) {
	switch len(e.Signing) {
	case 0:
		fmt.Fprintf(w, "Endpoint %s does not sign\n", e.Name)
	case 1:
		fmt.Fprintf(w, "Endpoint %s signs with %s\n", e.Name, e.Signing[0])
	default:
		fmt.Fprintf(w, "Endpoint %s signs with %s, newest first; when the receiver uses the new one, run: tagwatch endpoint rotate %s --finish\n", e.Name, wording.List(e.Signing), e.Name)
	}
}
