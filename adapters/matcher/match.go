package matcher

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/anchore/grype/grype"
	"github.com/anchore/grype/grype/match"
	"github.com/anchore/grype/grype/pkg"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Match returns the findings of each group, sorted by member, vulnerability and
// namespace; of ignored matches there are none. When only some groups cannot be
// matched, it returns the findings of all others and vuln.GroupFailures. Any
// other error concerns all.
func (d *Database) Match(ctx context.Context, groups []vuln.Group) (findings [][]vuln.GroupFinding, err error) {
	err = d.use(func() error {
		findings, err = d.match(ctx, groups)
		return err
	})
	return findings, err
}

func (d *Database) match(ctx context.Context, groups []vuln.Group) ([][]vuln.GroupFinding, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	run := &run{db: d, groups: groups, cancel: cancel,
		findings: make([][]vuln.GroupFinding, len(groups)), failed: make([]error, len(groups))}
	work := make(chan int)
	var workers sync.WaitGroup
	for range min(cap(d.free), len(groups)) {
		workers.Go(func() { run.matchAll(ctx, work) })
	}
	handOut(ctx, work, len(groups))
	workers.Wait()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("match: %w", context.Cause(ctx))
	}
	return run.findings, run.failures()
}

func handOut(ctx context.Context, work chan<- int, count int) {
	defer close(work)
	for i := range count {
		select {
		case work <- i:
		case <-ctx.Done():
			return
		}
	}
}

// run is one call of Match. Workers write to distinct elements.
type run struct {
	db       *Database
	groups   []vuln.Group
	findings [][]vuln.GroupFinding
	failed   []error
	cancel   context.CancelCauseFunc
}

func (r *run) matchAll(ctx context.Context, work <-chan int) {
	reader, err := r.db.take(ctx)
	if err != nil {
		r.cancel(err)
		return
	}
	defer r.db.give(reader)
	for i := range work {
		findings, err := matchGroup(ctx, reader, r.groups[i])
		switch {
		case err == nil:
			r.findings[i] = findings
		case errors.Is(err, errkind.Invalid):
			r.failed[i] = err
		default:
			r.cancel(err)
			return
		}
	}
}

func (r *run) failures() error {
	var failures vuln.GroupFailures
	for i, err := range r.failed {
		if err != nil {
			failures = append(failures, vuln.GroupFailure{Group: i, Fingerprint: r.groups[i].Fingerprint, Err: err})
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
			return nil, fmt.Errorf("match of a package that is no member: %w: %w", errkind.Invalid, err)
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
