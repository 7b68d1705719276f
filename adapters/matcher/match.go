package matcher

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/anchore/grype/grype"
	"github.com/anchore/grype/grype/match"
	"github.com/anchore/grype/grype/pkg"
	"golang.org/x/sync/errgroup"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Match returns the findings of each group, sorted by member, vulnerability and
// namespace, without ignored matches. When only some groups cannot be matched, it
// returns the findings of all others and vuln.GroupFailures. Any other error
// concerns all.
func (d *Database) Match(ctx context.Context, groups []vuln.Group) ([][]vuln.GroupFinding, error) {
	return use(d, func() ([][]vuln.GroupFinding, error) {
		findings, failed := make([][]vuln.GroupFinding, len(groups)), make([]error, len(groups))
		workers, ctx := errgroup.WithContext(ctx)
		workers.SetLimit(cap(d.free))
		for i, group := range groups {
			workers.Go(func() error {
				reader, err := d.take(ctx)
				if err != nil {
					return err
				}
				defer func() { d.free <- reader }()
				findings[i], err = matchGroup(ctx, reader, group)
				if errors.Is(err, errkind.Invalid) {
					failed[i], err = err, nil
				}
				return err
			})
		}
		if err := workers.Wait(); err != nil {
			return nil, fmt.Errorf("match: %w", err)
		}
		return findings, failures(groups, failed)
	})
}

func failures(groups []vuln.Group, failed []error) error {
	var failures vuln.GroupFailures
	for i, err := range failed {
		if err != nil {
			failures = append(failures, vuln.GroupFailure{Group: i, Fingerprint: groups[i].Fingerprint, Err: err})
		}
	}
	if failures == nil {
		return nil
	}
	return failures
}

// matchGroup matches one group as one call of grype.
func matchGroup(ctx context.Context, reader *reader, group vuln.Group) ([]vuln.GroupFinding, error) {
	packages, err := decode(group.Document)
	if err != nil {
		return nil, err
	}
	problems := &problems{}
	call := grype.VulnerabilityMatcher{ // keeps state of its run
		VulnerabilityProvider: reader.provider,
		Matchers:              problems.watch(),
		IgnoreRules:           kernelHeaderRules,
	}
	found, _, err := call.FindMatchesContext(ctx, packages, pkg.Context{})
	if failure := reader.takeFailure(); failure != nil {
		return nil, failure
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err := problems.or(err); err != nil {
		return nil, fmt.Errorf("%w: %w", errkind.Invalid, err)
	}
	findings, err := groupFindings(reader, found.Sorted())
	return findings, cmp.Or(reader.takeFailure(), err)
}

// groupFindings describes the matches. A package's ID is the index of its member.
func groupFindings(reader *reader, matches []match.Match) ([]vuln.GroupFinding, error) {
	findings := make([]vuln.GroupFinding, 0, len(matches))
	for _, m := range matches {
		index, err := strconv.Atoi(string(m.Package.ID))
		if err != nil {
			return nil, fmt.Errorf("match of a package that is not a member: %w: %w", errkind.Invalid, err)
		}
		finding, err := reader.finding(m)
		if err != nil {
			return nil, err
		}
		findings = append(findings, vuln.GroupFinding{Member: index, Finding: finding})
	}
	sortFindings(findings)
	return findings, nil
}
