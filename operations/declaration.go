package operations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/token"
)

// ExportDeclaration shows the document that declares all that is stored, without what has
// ended.
var ExportDeclaration = Operation[DeclarationOwner, ExportedDeclaration]{Name: "export-declaration", Summary: "Show the document that declares what is stored",
	Method: http.MethodGet, Path: "/declaration", Scope: token.Admin, Whole: true, do: exportDeclaration}

// DeclarationOwner is whom the things belong to once the document is applied.
type DeclarationOwner struct {
	Owner string `query:"owner" required:"true" minLength:"1" maxLength:"63" doc:"Name of the owner in the document." example:"main"`
}

// ExportedDeclaration is a document.
type ExportedDeclaration struct {
	Document json.RawMessage `json:"document" doc:"The document, as docs/schemas/declaration.json describes it. JSON is YAML too, so it can be the content of a file."`
}

// mostExported is the size of the largest document that is shown, in bytes.
const mostExported = 64 << 20

func exportDeclaration(ctx context.Context, s *System, request DeclarationOwner) (ExportedDeclaration, error) {
	none := ExportedDeclaration{}
	if err := declaration.CheckOwner(request.Owner); err != nil {
		return none, refused(err)
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return none, err
	}
	stored, err := kept.Things(ctx)
	if err != nil {
		return none, err
	}
	stored = slices.DeleteFunc(stored, func(t declaration.Thing) bool {
		return t.Acceptance != nil && t.Acceptance.State(s.Now) != acceptance.Active
	})
	document, err := json.Marshal(declaration.Export(request.Owner, stored))
	if err == nil && len(document) > mostExported {
		err = &Refusal{Kind: errkind.Limit, Text: fmt.Sprintf("the document has more than %d MiB", mostExported>>20)}
	}
	return ExportedDeclaration{document}, err
}

// PlanDeclaration reads a document, and says what has to change for it to be stored.
var PlanDeclaration = Operation[Declaration, declaration.Plan]{Name: "plan-declaration", Summary: "Show what applying a document would change; nothing is stored",
	Method: http.MethodPost, Path: "/declaration/plan", Scope: token.Admin, Whole: true, Large: true, do: planDeclaration}

// Declaration is a document with the files that it names: where they are is known to those
// only who send it.
type Declaration struct {
	Files   []DeclarationFile   `json:"files" minItems:"1" maxItems:"1000" doc:"The files of the document, all of one owner."`
	Bundles []DeclarationBundle `json:"bundles,omitempty" maxItems:"1000" doc:"The policy bundles that the document names by file."`
	Prune   bool                `json:"prune,omitempty" doc:"Delete what the owner has and does not list."`
	Adopt   bool                `json:"adopt,omitempty" doc:"Take what was made by hand, and change it to what is declared."`
}

// DeclarationFile is a file that holds a document, or a part of one.
type DeclarationFile struct {
	Name    string `json:"name" minLength:"1" maxLength:"4000" doc:"Name of the file, for errors." example:"tagwatch.yaml"`
	Content string `json:"content" doc:"What it holds: YAML, as docs/schemas/declaration.json describes it." example:"owner: web"`
}

// DeclarationBundle is a file with a policy bundle.
type DeclarationBundle struct {
	Document string `json:"document" maxLength:"4000" doc:"Name of the file that names it." example:"tagwatch.yaml"`
	File     string `json:"file" maxLength:"4000" doc:"Its name there." example:"bundles/strict.json"`
	Content  string `json:"content,omitempty" doc:"What it holds: JSON."`
	Problem  string `json:"problem,omitempty" maxLength:"4000" doc:"Why it cannot be read, in place of its content: it is among the errors of the document then."`
}

func planDeclaration(ctx context.Context, s *System, request Declaration) (declaration.Plan, error) {
	none := declaration.Plan{}
	kept, err := s.Store(ctx)
	if err != nil {
		return none, err
	}
	stored, err := kept.Things(ctx)
	if err != nil {
		return none, err
	}
	var endpoints []string
	for _, t := range stored {
		if t.Endpoint != nil {
			endpoints = append(endpoints, t.Name)
		}
	}
	var files []declaration.File
	for _, f := range request.Files {
		files = append(files, declaration.File{Name: f.Name, Content: []byte(f.Content)})
	}
	declared, err := declaration.Read(files, request.bundle, endpoints)
	if err != nil {
		return none, refusedDocument(err)
	}
	plan, err := declaration.NewPlan(declared, stored, declaration.Options{Prune: request.Prune, Adopt: request.Adopt, Now: s.Now})
	return plan, refusedDocument(err)
}

// bundle is the content of a file with a bundle.
func (d Declaration) bundle(from declaration.Place, file string) ([]byte, error) {
	for _, b := range d.Bundles {
		if b.Document != from.File || b.File != file {
			continue
		}
		if b.Problem != "" {
			return nil, errors.New(b.Problem)
		}
		return []byte(b.Content), nil
	}
	return nil, fmt.Errorf("file %s was not sent with the document", file)
}

// mostFaults is how many errors of a document are listed.
const mostFaults = 100

// refusedDocument refuses a document that is wrong, or that lists what belongs to another
// owner.
func refusedDocument(err error) error {
	if err == nil || !errors.Is(err, errkind.Invalid) && !errors.Is(err, errkind.Conflict) {
		return err
	}
	lines := strings.Split(errkind.Text(err), "\n")
	if more := len(lines) - mostFaults; more > 0 {
		lines = append(lines[:mostFaults], fmt.Sprintf("%d more errors", more))
	}
	return &Refusal{Kind: errkind.ByName(errkind.Name(err)), Text: strings.Join(lines, "\n"), Cause: err}
}
