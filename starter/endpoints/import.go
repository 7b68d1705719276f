package endpoints

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/adapters/webhook"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
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
	Added   []endpoint.Endpoint `json:"added"`
	Kept    []string            `json:"kept"` // they existed
	Missing []missingView       `json:"missing_secrets"`
	Remarks []string            `json:"remarks"`
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
	view, err := saveImported(ctx, s, found)
	if err != nil {
		return err
	}
	if err := s.Show(view, func(w io.Writer) { writeImported(s, w, view) }); err != nil {
		return err
	}
	names := make([]string, len(view.Added))
	for i, e := range view.Added {
		names[i] = e.Name
	}
	s.WakeEndpoints(ctx, names...)
	return nil
}

func saveImported(ctx context.Context, s *session.Session, found webhook.Imported) (importView, error) {
	view := importView{Added: []endpoint.Endpoint{}, Kept: []string{}, Missing: []missingView{}, Remarks: append([]string{}, found.Remarks...)}
	kept, err := s.Store(ctx)
	if err != nil {
		return view, err
	}
	for _, e := range found.Endpoints {
		_, err := kept.Endpoint(ctx, e.Name)
		if err == nil && !s.Bool("replace") {
			view.Kept = append(view.Kept, e.Name)
			continue
		}
		if err != nil && !errors.Is(err, errkind.NotFound) {
			return view, err
		}
		if err := kept.SaveEndpoint(ctx, e, s.Now); err != nil {
			return view, err
		}
		view.Added = append(view.Added, e)
	}
	for _, m := range found.Missing {
		view.Missing = append(view.Missing, missingView{m.Ref, m.Endpoint, m.Purpose})
	}
	return view, nil
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
