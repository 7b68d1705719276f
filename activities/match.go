package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Matcher finds the vulnerabilities of packages.
type Matcher interface {
	// Matcher identifies the matcher and its settings.
	Version() vuln.Matcher
	// Groups are the packages of an SBOM as they are matched, and the distribution
	// that the image is of.
	Groups(document []byte) ([]vuln.Group, vuln.Distribution, error)
	// Coverage reports whether a build that is on disk covers distributions.
	Coverage(ctx context.Context, checksum string, distributions []vuln.Distribution) (map[vuln.Distribution]vuln.Coverage, error)
	// Dataless tells of groups whether the build has nothing whatever about
	// the distribution of their packages.
	Dataless(ctx context.Context, checksum string, groups []vuln.Group) ([]bool, error)
	// Match finds the vulnerabilities of groups in a build that is on disk.
	// The result has one list a group; those of vuln.GroupFailures are empty and
	// the others valid.
	Match(ctx context.Context, checksum string, groups []vuln.Group) ([][]vuln.GroupFinding, error)
	// Digest sums a build up, to tell later what another one changed.
	Digest(ctx context.Context, checksum string) (*vuln.Sums, error)
	// Scores are the EPSS scores of a build.
	Scores(ctx context.Context, checksum string) ([]vuln.Score, error)
	// Packages are the members of a group, read from its Document.
	Packages(document []byte) ([]vuln.Package, error)
	// Release closes all builds but these, so that they can leave the disk.
	Release(keep ...string) error
}

// findingStore keeps findings, once for all images that hold the package.
type findingStore interface {
	SaveGroups(ctx context.Context, digest image.Digest, matcher vuln.Matcher, groups []vuln.Group) error
	Unmatched(ctx context.Context, digest image.Digest) ([]databuild.StoredGroup, error)
	SaveFindings(ctx context.Context, build string, matcher vuln.Matcher, found map[int64][]vuln.GroupFinding, now time.Time) error
	SaveDistribution(ctx context.Context, digest image.Digest, distribution vuln.Distribution) error
	Distributions(ctx context.Context) ([]vuln.Distribution, error)
	NotLookedUp(ctx context.Context, digest image.Digest) (vuln.Distribution, error)
	SaveCoverage(ctx context.Context, build string, found map[vuln.Distribution]vuln.Coverage) error
	CurrentFindings(ctx context.Context, groups []int64) (map[int64][]vuln.GroupFinding, error)
	Matched(ctx context.Context, digest image.Digest) (bool, error)
	Matches(ctx context.Context, digest image.Digest) ([]vuln.Match, error)
	// Scores are the EPSS scores of CVEs; those without are absent.
	Scores(ctx context.Context, cves []string) (map[string]vuln.Score, error)
	// Places are where packages are in an analyzed image.
	Places(ctx context.Context, digest image.Digest) (vuln.Places, error)
}

// Match finds the vulnerabilities of those packages of an image that no image
// before had. While there are no vulnerability data, the image waits for them.
// An image with packages that cannot be matched is not matched: what is known of
// the others is kept, but a part of the list is not the list.
func (a *Activities) Match(ctx context.Context, digest image.Digest) error {
	defer heartbeat(ctx, func() any { return "matching" })()
	return classify(a.match(ctx, digest))
}

func (a *Activities) match(ctx context.Context, digest image.Digest) error {
	matched, err := a.Store.Matched(ctx, digest)
	if err != nil || matched {
		return err
	}
	feed, err := a.Store.Feed(ctx)
	if err != nil {
		return err
	}
	// Before anything is stored: workers with two matchers must not take turns in
	// saying which packages the image has.
	if feed.Current != nil && feed.Matcher != a.Matcher.Version() {
		return fmt.Errorf("match with %s: the findings are of %s until the next synchronization of the feed: %w",
			a.Matcher.Version(), feed.Matcher, errkind.Conflict)
	}
	if err := a.group(ctx, digest); err != nil {
		return err
	}
	if feed.Current == nil {
		return nil
	}
	return a.matchWith(ctx, digest, feed.Current.Build)
}

// matchWith matches those packages of an image that have no findings yet, and
// checks its distribution up.
func (a *Activities) matchWith(ctx context.Context, digest image.Digest, build vuln.Build) error {
	unmatched, err := a.Store.Unmatched(ctx, digest)
	if err != nil {
		return err
	}
	distribution, err := a.Store.NotLookedUp(ctx, digest)
	if err != nil || len(unmatched) == 0 && distribution == "" {
		return err
	}
	if err := a.Feed.Ensure(ctx, build); err != nil {
		return err
	}
	if distribution != "" {
		if err := a.lookUp(ctx, build, distribution); err != nil {
			return err
		}
	}
	found, failures, err := a.find(ctx, build, unmatched)
	if err != nil {
		return err
	}
	if err := a.Store.SaveFindings(ctx, build.Checksum, a.Matcher.Version(), found, a.now()); err != nil {
		return err
	}
	if failures != nil {
		return fmt.Errorf("match %s: %w", digest, failures)
	}
	return nil
}

// lookUp stores whether a build covers a distribution.
func (a *Activities) lookUp(ctx context.Context, build vuln.Build, distribution vuln.Distribution) error {
	found, err := a.Matcher.Coverage(ctx, build.Checksum, []vuln.Distribution{distribution})
	if err != nil {
		return err
	}
	return a.Store.SaveCoverage(ctx, build.Checksum, found)
}

// group stores which packages the image has, for the matcher that runs now.
func (a *Activities) group(ctx context.Context, digest image.Digest) error {
	document, err := a.Store.SBOM(ctx, digest)
	if err != nil {
		return err
	}
	groups, distribution, err := a.Matcher.Groups(document)
	if err != nil {
		return fmt.Errorf("read the SBOM of %s: %w", digest, errors.Join(err, errkind.Invalid))
	}
	if err := a.Store.SaveDistribution(ctx, digest, distribution); err != nil {
		return err
	}
	return a.Store.SaveGroups(ctx, digest, a.Matcher.Version(), groups)
}

// find matches stored groups and returns the findings of each by its id, without
// those that cannot be matched whatever the data: they are the failures.
func (a *Activities) find(ctx context.Context, build vuln.Build, stored []databuild.StoredGroup) (found map[int64][]vuln.GroupFinding, failures vuln.GroupFailures, err error) {
	lists, err := a.Matcher.Match(ctx, build.Checksum, groupsOf(stored))
	if err != nil && !errors.As(err, &failures) {
		return nil, nil, err
	}
	found = make(map[int64][]vuln.GroupFinding, len(stored))
	for i, g := range stored {
		found[g.ID] = lists[i]
	}
	for _, failure := range failures {
		delete(found, stored[failure.Group].ID)
	}
	return found, failures, nil
}

func groupsOf(stored []databuild.StoredGroup) []vuln.Group {
	groups := make([]vuln.Group, len(stored))
	for i, g := range stored {
		groups[i] = vuln.Group{Fingerprint: g.Fingerprint, Document: g.Document, Keys: g.Keys}
	}
	return groups
}
