package page

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// file is what a browser saves.
type file struct {
	name, kind string
	content    []byte
}

// download answers with a file; what is wrong shows as a page.
func (s *Site) download(read func(context.Context, *parameters) (file, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), queryTimeout)
		defer cancel()
		found, err := read(ctx, parametersOf(r.URL))
		if err != nil {
			s.problem(w, r, "tags", err)
			return
		}
		w.Header().Set("Content-Type", found.kind)
		w.Header().Set("Content-Disposition", `attachment; filename="`+found.name+`"`)
		_, _ = w.Write(found.content) // the reader has gone
	}
}

var unsafeInNames = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// fileName is a name that every system can save.
func fileName(of, suffix string) string {
	return strings.Trim(unsafeInNames.ReplaceAllString(of, "_"), "._") + suffix
}

// watched is a tag that somebody watches.
func (s *Site) watched(ctx context.Context, target image.Target) (watch.RecordView, error) {
	view, err := readingOf(ctx).View(ctx, target)
	if err == nil && !view.Watched {
		err = fmt.Errorf("%s is not watched: %w", target, errkind.NotFound)
	}
	return view, err
}

// listed are the vulnerabilities of a tag that a download has.
func (s *Site) listed(ctx context.Context, p *parameters) (image.Target, watch.State, []findingRow, error) {
	target, filter := p.target("name"), p.findings()
	if err := p.invalid(); err != nil {
		return target, watch.State{}, nil, err
	}
	view, err := s.watched(ctx, target)
	if err == nil && !view.State.Matched {
		err = notYet{target.String() + " is not matched against vulnerability data yet, so its vulnerabilities are not known."}
	}
	if err != nil {
		return target, watch.State{}, nil, err
	}
	rows, err := s.scored(ctx, filter.selected(view.State.Vulnerabilities))
	return target, view.State, rows, err
}

var csvHeader = []string{"severity", "id", "key", "package", "version", "type", "fix_state", "fixed_in", "known_exploited", "epss", "accepted_until", "accepted_reason", "url"}

func (s *Site) vulnerabilitiesCSV(ctx context.Context, p *parameters) (file, error) {
	target, _, rows, err := s.listed(ctx, p)
	if err != nil {
		return file{}, err
	}
	var text strings.Builder
	out := csv.NewWriter(&text)
	_ = out.Write(csvHeader) // a Builder takes everything
	for _, row := range rows {
		_ = out.Write(row.record())
	}
	out.Flush()
	return file{fileName(target.String(), ".csv"), "text/csv; charset=utf-8", []byte(text.String())}, nil
}

func (r findingRow) record() []string {
	epss, until, reason := "", "", ""
	if r.EPSS != nil {
		epss = strconv.FormatFloat(*r.EPSS, 'f', -1, 64)
	}
	if r.Accepted != nil {
		until, reason = "fixed", r.Accepted.Reason
		if !r.Accepted.Until.IsZero() {
			until = r.Accepted.Until.UTC().Format(time.RFC3339)
		}
	}
	cells := []string{string(r.Severity), r.ID, r.Key(), r.Package.Name, r.Package.Version, r.Package.Type, string(r.Fix.State),
		strings.Join(r.Fix.Versions, ";"), strconv.FormatBool(r.KnownExploited), epss, until, reason, r.URL}
	for i, cell := range cells {
		cells[i] = inert(cell)
	}
	return cells
}

// inert is a cell that no spreadsheet takes for a formula: names come from images.
func inert(cell string) string {
	if strings.ContainsAny(cell[:min(1, len(cell))], "=+-@\t\r") {
		return "'" + cell
	}
	return cell
}

// listedFinding is a vulnerability in a JSON download.
type listedFinding struct {
	ID             string    `json:"id"`
	Key            string    `json:"key"`
	Aliases        []string  `json:"aliases"`
	Severity       string    `json:"severity"`
	Package        string    `json:"package"`
	Version        string    `json:"version"`
	Type           string    `json:"type"`
	PURL           string    `json:"purl,omitempty"`
	FixState       string    `json:"fix_state"`
	FixedIn        []string  `json:"fixed_in"`
	KnownExploited bool      `json:"known_exploited"`
	EPSS           *float64  `json:"epss,omitempty"`
	Accepted       *accepted `json:"accepted,omitempty"`
	URL            string    `json:"url,omitempty"`
}

type accepted struct {
	Reason string    `json:"reason"`
	Owner  string    `json:"owner,omitempty"`
	Until  time.Time `json:"until,omitzero"`
}

func (r findingRow) listed() listedFinding {
	one := listedFinding{ID: r.ID, Key: r.Key(), Aliases: append([]string{}, r.Aliases()...), Severity: string(r.Severity), Package: r.Package.Name,
		Version: r.Package.Version, Type: r.Package.Type, PURL: r.Package.PURL, FixState: string(r.Fix.State), FixedIn: append([]string{}, r.Fix.Versions...),
		KnownExploited: r.KnownExploited, EPSS: r.EPSS, URL: r.URL}
	if r.Accepted != nil {
		one.Accepted = &accepted{r.Accepted.Reason, r.Accepted.Owner, r.Accepted.Until}
	}
	return one
}

func (s *Site) vulnerabilitiesJSON(ctx context.Context, p *parameters) (file, error) {
	target, state, rows, err := s.listed(ctx, p)
	if err != nil {
		return file{}, err
	}
	list := struct {
		Target          string          `json:"target"`
		Digest          image.Digest    `json:"digest"`
		Coverage        any             `json:"coverage"`
		Vulnerabilities []listedFinding `json:"vulnerabilities"`
	}{target.String(), state.Analyzed, state.Coverage, []listedFinding{}}
	for _, row := range rows {
		list.Vulnerabilities = append(list.Vulnerabilities, row.listed())
	}
	content, err := json.MarshalIndent(list, "", "  ")
	return file{fileName(target.String(), ".json"), "application/json", content}, err
}

// sbom is the SBOM of a tag's last analyzed image, in syft's JSON.
func (s *Site) sbom(ctx context.Context, p *parameters) (file, error) {
	target := p.target("name")
	if err := p.invalid(); err != nil {
		return file{}, err
	}
	view, err := s.watched(ctx, target)
	if err == nil && view.State.Analyzed == "" {
		err = notYet{target.String() + " is not analyzed yet, so it has no SBOM."}
	}
	if err != nil {
		return file{}, err
	}
	content, err := readingOf(ctx).SBOM(ctx, view.State.Analyzed)
	return file{fileName(target.String(), ".syft.json"), "application/json", content}, err
}

// notYet says what a tag lacks for now.
type notYet struct{ text string }

func (e notYet) Error() string { return e.text }

// Unwrap reports the kind of the error.
func (e notYet) Unwrap() error { return errkind.Conflict }

// tagLink is the address of something of a tag.
func tagLink(path string, target image.Target, more ...string) string {
	query := url.Values{"name": {target.String()}}
	for i := 0; i < len(more); i += 2 {
		query.Set(more[i], more[i+1])
	}
	return path + "?" + query.Encode()
}
