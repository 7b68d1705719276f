package policy

import (
	"context"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Evaluate applies the bundle to the image. What cannot be decided, because of an error
// in the bundle, a rule that fails or a limit, is a problem, and the final action is
// then stop, whatever the image lists say. The only error is that of the context.
func Evaluate(ctx context.Context, b *Bundle, s *Input, now time.Time) (Evaluation, error) {
	return evaluateWithin(newTimeLimit(ctx, evaluationTime), b, s, now)
}

func evaluateWithin(limit *timeLimit, b *Bundle, s *Input, now time.Time) (Evaluation, error) {
	e := newEvaluator(limit, b, s, now)
	e.report(b.faults...)
	if len(b.faults) == 0 {
		// The lists come first: a blacklisted image stops for that reason also if
		// there is no time left for the policies.
		e.MatchedBlacklisted = e.onList(b.BlacklistedImages)
		e.MatchedWhitelisted = e.onList(b.WhitelistedImages)
		e.mapping()
	}
	if err := limit.ctx.Err(); err != nil {
		return Evaluation{}, fmt.Errorf("evaluate %s: %w", s.Reference, err)
	}
	e.reportLimits()
	e.conclude()
	return e.Evaluation, nil
}

type evaluator struct {
	Evaluation
	bundle    *Bundle
	input     *Input
	candidate candidate
	memo      *memo
	accepted  map[vuln.Identity]*vuln.Accepted
	at        string // path of the part under evaluation
	failed    bool   // a problem leaves the outcome undecided
}

func newEvaluator(limit *timeLimit, b *Bundle, s *Input, now time.Time) *evaluator {
	e := &evaluator{bundle: b, input: s, candidate: candidateOf(s), memo: newMemo(limit, b.expressions)}
	e.Evaluation = Evaluation{
		Reference: s.Reference, BundleID: b.ID, BundleHash: b.hash, EvaluatedAt: now,
		PolicyAction: Go, Rows: []Row{}, Problems: []Problem{},
	}
	if s.Inventory == nil {
		e.report(Problem{"", Error, problemImageIncomplete, "the image is not analyzed"})
		e.input = &Input{Reference: s.Reference, Inventory: &sbom.Inventory{}}
	}
	e.accept()
	e.Digest, e.ImageID = e.input.Inventory.Digest, e.input.Inventory.ImageID
	return e
}

// accept finds the accepted matches. Records of one vulnerability are merged for it: an
// acceptance may name another of them than the one that a rule sees.
func (e *evaluator) accept() {
	if len(e.input.Acceptances) == 0 {
		return
	}
	e.accepted = map[vuln.Identity]*vuln.Accepted{}
	for _, f := range acceptance.Mark(vuln.Merge(vuln.Findings(e.input.Matches)), e.input.Acceptances, e.EvaluatedAt) {
		e.accepted[f.Identity()] = f.Accepted
	}
}

// A policy that a mapping names many times reports its problems as often, so their
// number is limited.
func (e *evaluator) report(problems ...Problem) {
	for _, p := range problems {
		if len(e.Problems) < maxProblems || p.Severity == Error && !e.failed {
			e.Problems = append(e.Problems, p)
		}
		e.failed = e.failed || p.Severity == Error
	}
}

// ended reports whether a limit of the evaluation as a whole is reached.
func (e *evaluator) ended() bool { return e.memo.timeLimit.err != nil || e.memo.room.exhausted }

func (e *evaluator) reportLimits() {
	if err := e.memo.timeLimit.err; err != nil {
		e.Problems = append(e.Problems, Problem{e.at, Error, problemTooMuchWork, fmt.Sprintf(
			"the evaluation was %v; it ended here and the rest is undecided: use fewer or simpler rules, regular expressions and whitelist items", errkind.Text(err))})
		e.failed = true
	}
	if e.memo.room.exhausted {
		e.Problems = append(e.Problems, Problem{e.at, Error, problemTooManyRows, fmt.Sprintf(
			"the rules fire too often; the evaluation ended here with the first %d rows", len(e.Rows))})
		e.failed = true
	}
}

// mapping applies the first mapping that matches. An invalid one before it ends the
// search, because it might have matched.
func (e *evaluator) mapping() {
	for i := range e.bundle.Mappings {
		m := &e.bundle.Mappings[i]
		matched, known := e.selects(&m.Selection)
		if !known {
			return
		}
		if matched {
			e.MatchedMapping, e.MappingID, e.MappingName = m.Raw, m.ID, m.Name
			e.apply(m)
			return
		}
	}
	e.report(noMapping(e.Reference))
}

func (e *evaluator) selects(s *Selection) (matched, known bool) {
	if len(s.faults) > 0 {
		e.report(s.faults...)
		return false, false
	}
	e.at = s.path
	matched, err := s.matches(e.candidate, e.memo.timeLimit)
	if err != nil && !e.ended() {
		e.report(Problem{s.path, Error, problemEvaluation, err.Error()})
	}
	return matched, err == nil
}

func (e *evaluator) onList(list []Selection) []byte {
	for i := range list {
		matched, known := e.selects(&list[i])
		if !known {
			return nil
		}
		if matched {
			return list[i].Raw
		}
	}
	return nil
}

func (e *evaluator) apply(m *Mapping) {
	e.report(m.faults...)
	whitelists := e.whitelists(m)
	for _, id := range m.PolicyIDs {
		if policy := e.bundle.policies[id]; policy != nil {
			e.policy(policy, whitelists)
		}
		if e.ended() {
			return
		}
	}
}

func (e *evaluator) whitelists(m *Mapping) []*Whitelist {
	var whitelists []*Whitelist
	for _, id := range m.WhitelistIDs {
		if w := e.bundle.whitelists[id]; w != nil {
			e.report(w.faults...)
			whitelists = append(whitelists, w)
		}
	}
	return whitelists
}

// A blacklisted image stops, whatever the policies decide.
func (e *evaluator) conclude() {
	if e.failed {
		e.PolicyAction = Stop
	}
	e.FinalAction, e.Reason, e.Status = e.PolicyAction, PolicyEvaluation, Pass
	switch {
	case e.MatchedBlacklisted != nil:
		e.FinalAction, e.Reason = Stop, Blacklisted
	case e.failed:
	case e.MatchedWhitelisted != nil:
		e.FinalAction, e.Reason = Go, Whitelisted
	}
	if e.FinalAction == Stop {
		e.Status = Fail
	}
}
