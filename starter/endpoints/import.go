package endpoints

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/adapters/webhook"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
)

func endpointImportCommand() *cli.Command {
	return &cli.Command{
		Name:      "import-anchore",
		Usage:     "import the webhooks of an Anchore Engine",
		UsageText: "tagwatch endpoint import-anchore FILE",
		Description: `Reads the webhooks section of FILE, Anchore Engine's config.yaml. Each entry with a
URL becomes an endpoint of the same name. Passwords are not imported; the output
lists the secrets that the workers need. Values such as
${ANCHORE_WEBHOOK_DESTINATION_URL} come from the environment of this command.
Existing endpoints are not changed unless --replace is given.

   tagwatch endpoint import-anchore /config/config.yaml
   ANCHORE_WEBHOOK_DESTINATION_URL=http://receiver:8080/ tagwatch endpoint import-anchore config.yaml
   tagwatch endpoint test general`,
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "replace", Usage: "update existing endpoints"}, session.OutputFlag()},
		Action: session.One("FILE", endpointImport),
	}
}

// importView is what an import did, for programs.
type importView struct {
	operations.ImportedEndpoints
	Missing []missingView `json:"missing_secrets"`
	Remarks []string      `json:"remarks"`
}

// missingView is a secret that the workers need.
type missingView struct {
	Ref      endpoint.SecretRef `json:"ref"`
	Endpoint string             `json:"endpoint"`
	Purpose  string             `json:"purpose"`
}

func endpointImport(ctx context.Context, s *session.Session, file string) error {
	content, err := arguments.ReadFile(s, file)
	if err != nil {
		return err
	}
	found, err := webhook.ImportAnchore(content, os.LookupEnv)
	if err != nil {
		return exit.Unable(err)
	}
	request := operations.EndpointImport{Replace: s.Bool("replace")}
	for _, e := range found.Endpoints {
		request.Endpoints = append(request.Endpoints, operations.SettingsOf(e))
	}
	imported, err := operations.ImportEndpoints.Run(ctx, s.System(), request)
	if err != nil {
		return err
	}
	view := importView{imported, []missingView{}, append([]string{}, found.Remarks...)}
	for _, m := range found.Missing {
		view.Missing = append(view.Missing, missingView{m.Ref, m.Endpoint, m.Purpose})
	}
	if err := s.Show(view, func(w io.Writer) { writeImported(s, w, view) }); err != nil {
		return err
	}
	sayDelayed(s, imported.Delayed)
	return nil
}

func writeImported(s *session.Session, w io.Writer, v importView) {
	for _, e := range v.Added {
		fmt.Fprintf(w, "Endpoint %s added: %s\n", e.Name, e.URL)
	}
	for _, name := range v.Kept {
		fmt.Fprintf(w, "Endpoint %s already exists and was not changed; use --replace to update it\n", name)
	}
	if len(v.Added)+len(v.Kept) == 0 {
		s.Say("The webhooks section has no entry with a URL; nothing was added")
	}
	for _, m := range v.Missing {
		fmt.Fprintf(w, "Set %s for the workers: the %s of endpoint %s\n", m.Ref, m.Purpose, m.Endpoint)
	}
	for _, remark := range v.Remarks {
		fmt.Fprintf(w, "Note: %s\n", remark)
	}
}
