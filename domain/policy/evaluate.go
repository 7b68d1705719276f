package policy

import (
	"context"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/sbom"
)

// Evaluate applies the bundle to the image. What cannot be decided, because of a
// fault in the bundle, of a rule that fails or of too much work, is reported as a
// problem and stops: the final action is stop, whatever the image lists say. The
// error is that of the context, the only thing that leaves no outcome.
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

// evaluator is an evaluation in the making.
type evaluator struct {
	Evaluation
	bundle    *Bundle
	input     *Input
	candidate candidate
	memo      *memo
	at        string // path of what is being evaluated
	failed    bool   // a problem keeps the outcome from being known
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
	e.Digest, e.ImageID = e.input.Inventory.Digest, e.input.Inventory.ImageID
	return e
}

// report notes problems, of which an error fails the evaluation. A policy that a
// mapping names again and again has its problems as often: some are enough.
func (e *evaluator) report(problems ...Problem) {
	for _, p := range problems {
		if len(e.Problems) < maxProblems || p.Severity == Error && !e.failed {
			e.Problems = append(e.Problems, p)
		}
		e.failed = e.failed || p.Severity == Error
	}
}

// ended reports whether a limit on the evaluation as a whole is reached, after
// which nothing more is decided.
func (e *evaluator) ended() bool { return e.memo.timeLimit.err != nil || e.memo.room.exhausted }

// reportLimits says which limit ended the evaluation, and where.
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

// mapping finds the mapping that counts and applies it. A faulty mapping on the
// way to it ends the search: it may have been the one.
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
	e.report(Problem{"mappings", Warning, problemNoMapping, "no mapping is for " + e.Reference.String() + ", so no policy applies"})
}

// selects reports whether the selection is for the image, and whether that is
// known.
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

// onList is the entry of an image list that selects the image.
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

// apply evaluates the mapping's policies in its order.
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

// whitelists are those of the mapping that exist, in its order.
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

// conclude combines what was found. A blacklisted image stops before all else.
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
