package main

import (
	"context"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/adapters/store/storetest"
	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// seed watches a tag with a Debian package of two vulnerabilities and, given a
// file, with its bundle as the active one: seed REF [BUNDLE].
func seed(ts *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	opened, err := store.Open(ctx, "sqlite://"+ts.Getenv("TAGWATCH_DATA_DIR")+"/tagwatch.db")
	ts.Check(err)
	defer opened.Close()
	target, err := image.ParseTarget(args[0])
	ts.Check(err)
	s := storetest.Seeding{Store: opened, Now: time.Now().UTC().Add(-time.Hour), Target: target}
	bundle := policy.Default()
	if len(args) > 1 {
		content, err := os.ReadFile(ts.MkAbs(args[1]))
		ts.Check(err)
		bundle, _ = policy.Parse(content)
	}
	ts.Check(s.Watch(ctx, bundle))
}

// ends has the data say when the distribution of the seed's image ends: ends REF DATE.
func ends(ts *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	opened, err := store.Open(ctx, "sqlite://"+ts.Getenv("TAGWATCH_DATA_DIR")+"/tagwatch.db")
	ts.Check(err)
	defer opened.Close()
	target, err := image.ParseTarget(args[0])
	ts.Check(err)
	date, err := time.Parse(time.DateOnly, args[1])
	ts.Check(err)
	s := storetest.Seeding{Store: opened, Now: time.Now().UTC().Add(-time.Minute), Target: target}
	ts.Check(s.SaveDistribution(ctx, storetest.SeedDigest, "debian"))
	ts.Check(s.SaveCoverage(ctx, storetest.SeedBuild, map[vuln.Distribution]vuln.Coverage{"debian": {State: vuln.Covered, Distribution: "debian 12", EndOfLife: date}}))
	ts.Check(s.Evaluate(ctx, policy.Default()))
}

// accepted stores an acceptance, which ends at the time if there is one, or is revoked: accepted VULNERABILITY SUBJECT [TIME|revoked].
func accepted(ts *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	opened, err := store.Open(ctx, "sqlite://"+ts.Getenv("TAGWATCH_DATA_DIR")+"/tagwatch.db")
	ts.Check(err)
	defer opened.Close()
	a := acceptance.Acceptance{Vulnerability: args[0], Subject: args[1], Reason: "of the test", Owner: "web", By: "somebody", Created: time.Now().UTC().Add(-time.Hour)}
	revoked := len(args) > 2 && args[2] == "revoked"
	if len(args) > 2 && !revoked {
		a.Until, err = time.Parse(time.RFC3339, args[2])
		ts.Check(err)
	}
	stored, err := opened.Accept(ctx, []acceptance.Acceptance{a})
	ts.Check(err)
	if revoked {
		_, err = opened.RevokeAcceptance(ctx, stored[0].ID, "somebody", time.Now().UTC())
		ts.Check(err)
	}
}

// renewal has a worker with another analyzer appear, which cannot renew the image
// of the seed until then if that is given: renewal ANALYZER [never|later].
func renewal(ts *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	opened, err := store.Open(ctx, "sqlite://"+ts.Getenv("TAGWATCH_DATA_DIR")+"/tagwatch.db")
	ts.Check(err)
	defer opened.Close()
	ts.Check(opened.SeeAnalyzer(ctx, args[0], time.Now()))
	if len(args) > 1 {
		due := map[string]time.Time{"later": time.Now().Add(time.Hour)}[args[1]]
		ts.Check(opened.NoteRenewal(ctx, storetest.SeedDigest, args[0], func(int) (int, time.Time) { return 1, due }))
	}
}

// refuse has every pending delivery to an endpoint be given up for that answer:
// refuse ENDPOINT ANSWER.
func refuse(ts *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	opened, err := store.Open(ctx, "sqlite://"+ts.Getenv("TAGWATCH_DATA_DIR")+"/tagwatch.db")
	ts.Check(err)
	defer opened.Close()
	now := time.Now().UTC()
	pending, err := opened.Deliveries(ctx, store.DeliveryFilter{Endpoint: args[0], State: delivery.Pending})
	ts.Check(err)
	for _, d := range pending {
		d.Attempts, d.State, d.LastTry, d.Answer = d.Attempts+1, delivery.Failed, now, args[1]
		ts.Check(opened.RecordAttempts(ctx, []delivery.Attempted{{Attempt: delivery.Attempt{Delivery: d.ID, Number: d.Attempts, At: now, Answer: d.Answer}, Next: d}}))
	}
}
