package policy

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/image"
)

// TestEqualKeysEqualOutcomes evaluates random tags of random images under random
// bundles: where two keys are equal, so is everything that the evaluations say but
// the reference. Outcomes that differ so have keys that differ.
func TestEqualKeysEqualOutcomes(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 1))
	type outcome struct {
		evaluation Evaluation
		bundle     string
	}
	byKey := map[string]outcome{}
	shared, statuses := 0, map[Status]int{}
	for range 3000 {
		document := randomBundle(random)
		b, _ := Parse([]byte(document))
		subject, c := randomSubject(random)
		e := evaluate(t, b, subject, noon)
		key, err := b.Key(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		before, known := byKey[key]
		byKey[key] = outcome{e, document}
		if !known {
			statuses[e.Status]++
			continue
		}
		if before.bundle != document {
			shared++
		}
		same := before.evaluation.Under(e.Reference)
		same.BundleID, same.BundleHash = e.BundleID, e.BundleHash
		if diff := cmp.Diff(same, e); diff != "" {
			t.Fatalf("%s has the key of an evaluation that differs (-before +now)\n%s\nbefore: %s\nnow: %s", e.Reference, diff, before.bundle, document)
		}
	}
	if shared < 100 || statuses[Pass] < 100 || statuses[Fail] < 100 {
		t.Errorf("%d keys shared by two bundles, outcomes %v: the test says nothing", shared, statuses)
	}
}

// randomBundle has few parts, so that many are alike, and some with faults.
func randomBundle(r *rand.Rand) string {
	some := func(choices ...string) string {
		return strings.Join(slices.DeleteFunc(choices, func(string) bool { return r.IntN(3) > 0 }), ", ")
	}
	place := func() (registry, repository, kind, value string) {
		kind, value = "tag", pick(r, "*", "1", "regexp:[0-9]")
		switch r.IntN(6) {
		case 0:
			kind, value = "digest", pick(r, "sha256:a", "sha256:b")
		case 1:
			kind, value = "id", pick(r, "a", "b")
		}
		return pick(r, "*", "docker.io"), pick(r, "*", "app", "base"), kind, value
	}
	mapping := func() string {
		registry, repository, kind, value := place()
		return mappingOf(registry, repository, kind, value, pick(r, `"p"`, `"p", "q"`, `"q"`), pick(r, "", "", `"w"`, `"none"`))
	}
	entry := func() string { return imageOf(place()) }
	return parts{
		policies: strings.Join([]string{
			policyOf("p", ruleOf("r", "dockerfile", "effective_user", pick(r, "STOP", "WARN"), "users", "root", "type", "blacklist")),
			policyOf("q", ruleOf("s", "always", "always", pick(r, "STOP", "GO")), ruleOf("f", "vulnerabilities", pick(r, "stale_feed_data", "none"), "WARN", "max_days_since_sync", "3")),
		}, ", "),
		whitelists:  pick(r, whitelistOf("w", itemOf("i", "always", "always", "")), whitelistOf("w")),
		mappings:    strings.Join([]string{mapping(), mapping(), mapping()}[:1+r.IntN(3)], ", "),
		whitelisted: some(entry()),
		blacklisted: some(entry()),
	}.document()
}

// randomSubject is an image as a tag's, and the tag as a key sees it.
func randomSubject(r *rand.Rand) (*Input, Candidate) {
	s := inputAt(pick(r, "docker.io", "quay.io"), pick(r, "app", "base"), pick(r, "1", "2", "latest"))
	name := pick(r, "a", "b")
	s.Inventory.Digest, s.Inventory.ImageID = image.Digest("sha256:"+name), name
	s.Inventory.Dockerfile.Text = "FROM " + name
	c := Candidate{Reference: s.Reference, Digest: s.Inventory.Digest, ImageID: name}
	if r.IntN(3) == 0 {
		c.Dockerfile = fmt.Sprintf("FROM scratch\nUSER %s", pick(r, "root", "app"))
		s.Inventory.Dockerfile.Text, s.Inventory.Dockerfile.Actual = c.Dockerfile, true
	}
	if r.IntN(4) == 0 {
		c.Failed = &FailedImage{Digest: "sha256:c", Reason: pick(r, "too large", "not a tar")}
		s.Failed = c.Failed
	}
	return s, c
}

func pick(r *rand.Rand, choices ...string) string { return choices[r.IntN(len(choices))] }

// Names as of bundles, and the order of what does not concern a tag, are not part
// of its key.
func TestKeyLeavesOutWhatDoesNotConcernTheTag(t *testing.T) {
	t.Parallel()
	own := mappingOf("*", "nginx", "tag", "*", `"p"`, "")
	plain := parse(t, parts{mappings: own}.document())
	more := parse(t, parts{mappings: mappingOf("*", "other", "tag", "*", `"q"`, "") + "," + own,
		policies:    policyOf("p", alwaysRule("STOP")) + "," + policyOf("q"),
		blacklisted: imageOf("*", "other", "tag", "*")}.document())
	c := Candidate{Reference: input().Reference, Digest: "sha256:a", ImageID: "a"}
	before, err := plain.Key(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if after, err := more.Key(t.Context(), c); err != nil || after != before {
		t.Errorf("key %s, want %s; error %v", after, before, err)
	}
}
