package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Matched reports whether the image's vulnerabilities are known: all its groups
// have findings of the current matcher and build, and it is known whether the
// data covers its distribution.
func (s *Store) Matched(ctx context.Context, digest image.Digest) (bool, error) {
	var matched bool
	err := s.view(ctx, "check whether "+string(digest)+" is matched", func(t tx) error {
		row, err := t.image(ctx, digest)
		if errors.Is(err, errkind.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		matched, err = t.matched(ctx, row)
		return err
	})
	return matched, err
}

func (t tx) matched(ctx context.Context, row imageRow) (bool, error) {
	current, err := t.feed(ctx)
	if err != nil || current.Build == "" || row.GroupsEngine != current.Matcher {
		return false, err
	}
	if _, known, err := t.coverage(ctx, row.Distribution); err != nil || row.Distribution != "" && !known {
		return false, err
	}
	_, missing, err := first[int64](ctx, t, `SELECT i.group_id FROM image_group i WHERE i.image_id = ? AND `+unmatched+` LIMIT 1`, row.ID)
	return !missing, err
}

// Matches lists the image's vulnerabilities, by severity from the mostSevere, then
// by id, then by package. errkind.Conflict unless it is Matched.
func (s *Store) Matches(ctx context.Context, digest image.Digest) ([]vuln.Match, error) {
	var matches []vuln.Match
	err := s.view(ctx, "read vulnerabilities of "+string(digest), func(t tx) error {
		row, err := t.image(ctx, digest)
		if err != nil {
			return err
		}
		matched, err := t.matched(ctx, row)
		if err != nil {
			return err
		}
		if !matched {
			return fmt.Errorf("the image is not matched against the current vulnerability data: %w", errkind.Conflict)
		}
		matches, err = t.matches(ctx, row)
		return err
	})
	return matches, err
}

func (t tx) matches(ctx context.Context, row imageRow) ([]vuln.Match, error) {
	placed, err := t.placement(ctx, row.ID)
	if err != nil {
		return nil, err
	}
	rows, err := all[documentRow](ctx, t, `SELECT f.group_id, f.member, f.document, f.first_seen, f.fix_first_seen FROM image_group i
		JOIN finding f ON f.group_id = i.group_id WHERE i.image_id = ?`, row.ID)
	if err != nil {
		return nil, err
	}
	matches := make([]vuln.Match, 0, len(rows))
	for _, found := range rows {
		finding, err := found.finding()
		if err != nil {
			return nil, err
		}
		matches = append(matches, placed.matches(found.GroupID, finding, timeOf(row.Analyzed))...)
	}
	slices.SortFunc(matches, compareMatches)
	return matches, nil
}

// placement reports where in an image the members of its groups are.
type placement struct {
	artifacts map[int64][][]string // by group, then by member
	locations map[string]string    // by artifact
}

func (t tx) placement(ctx context.Context, id int64) (placement, error) {
	placed := placement{artifacts: map[int64][][]string{}}
	groups, err := t.imageDocument(ctx, id, kindArtifacts)
	if err != nil {
		return placed, err
	}
	members, err := unpack[[]imageGroup](groups)
	if err != nil {
		return placed, err
	}
	for _, g := range members {
		placed.add(g)
	}
	places, err := t.imageDocument(ctx, id, kindLocations)
	if err != nil {
		return placed, err
	}
	placed.locations, err = unpack[map[string]string](places)
	return placed, err
}

// add lets a group occur more than once in an image.
func (p placement) add(g imageGroup) {
	lists := p.artifacts[g.Group]
	for member, artifacts := range g.Artifacts {
		if member == len(lists) {
			lists = append(lists, nil)
		}
		lists[member] = append(lists[member], artifacts...)
	}
	p.artifacts[g.Group] = lists
}

// matches is the finding at each place of the package that it is about.
func (p placement) matches(group int64, f vuln.GroupFinding, analyzed time.Time) []vuln.Match {
	members := p.artifacts[group]
	if f.Member >= len(members) {
		return nil
	}
	var matches []vuln.Match
	for _, artifact := range members[f.Member] {
		match := vuln.Match{Finding: f.Finding, Artifact: artifact, Location: p.locations[artifact], Detected: later(f.FirstSeen, analyzed)}
		if !f.FixFirstSeen.IsZero() {
			match.FixObserved = later(f.FixFirstSeen, analyzed)
		}
		matches = append(matches, match)
	}
	return matches
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func compareMatches(a, b vuln.Match) int {
	return cmp.Or(
		cmp.Compare(b.Severity.Rank(), a.Severity.Rank()),
		cmp.Compare(a.ID, b.ID),
		cmp.Compare(a.Package.Name, b.Package.Name),
		cmp.Compare(a.Package.Version, b.Package.Version),
		cmp.Compare(a.Namespace, b.Namespace),
		cmp.Compare(a.Location, b.Location),
		cmp.Compare(a.Artifact, b.Artifact),
	)
}
