package policy

import (
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/sbom"
)

// Evaluate applies the bundle to the image. It is a pure function of its
// arguments. What cannot be decided, because of a fault in the bundle or of a
// rule that fails, is reported as a problem and stops: the final action is stop,
// whatever the image lists say.
func Evaluate(b *Bundle, s *Subject, now time.Time) Evaluation {
	e := newEvaluator(b, s, now)
	e.report(b.faults...)
	if len(b.faults) == 0 {
		e.mapping()
		e.MatchedBlacklisted = e.onList(b.BlacklistedImages)
		e.MatchedWhitelisted = e.onList(b.WhitelistedImages)
	}
	e.conclude()
	return e.Evaluation
}

// evaluator is an evaluation in the making.
type evaluator struct {
	Evaluation
	bundle    *Bundle
	subject   *Subject
	candidate candidate
	memo      *memo
	failed    bool // a problem keeps the outcome from being known
}

func newEvaluator(b *Bundle, s *Subject, now time.Time) *evaluator {
	e := &evaluator{bundle: b, subject: s, candidate: candidateOf(s), memo: newMemo()}
	e.Evaluation = Evaluation{
		Reference: s.Reference, BundleID: b.ID, BundleHash: b.hash, EvaluatedAt: now,
		PolicyAction: Go, Rows: []Row{}, Problems: []Problem{},
	}
	if s.Inventory == nil {
		e.report(Problem{"", Error, problemImageIncomplete, "the image is not analyzed"})
		e.subject = &Subject{Reference: s.Reference, Inventory: &sbom.Inventory{}}
	}
	e.Digest, e.ImageID = e.subject.Inventory.Digest, e.subject.Inventory.ImageID
	return e
}

// report notes problems, of which an error fails the evaluation.
func (e *evaluator) report(problems ...Problem) {
	for _, p := range problems {
		e.Problems = append(e.Problems, p)
		e.failed = e.failed || p.Severity == Error
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

// selects tells whether the selection is for the image, and whether that is
// known.
func (e *evaluator) selects(s *Selection) (matched, known bool) {
	if len(s.faults) > 0 {
		e.report(s.faults...)
		return false, false
	}
	matched, err := s.matches(e.candidate, &e.memo.budget)
	if err != nil {
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
		if policy := find(e.bundle.Policies, id); policy != nil {
			e.policy(policy, whitelists)
		}
	}
	if e.memo.room.exhausted {
		e.report(Problem{m.path, Error, problemTooManyRows, fmt.Sprintf("the rules fire too often: of the rows, %d are kept", len(e.Rows))})
	}
}

// whitelists are those of the mapping that exist, in its order.
func (e *evaluator) whitelists(m *Mapping) []*Whitelist {
	var whitelists []*Whitelist
	for _, id := range m.WhitelistIDs {
		if w := find(e.bundle.Whitelists, id); w != nil {
			e.report(w.faults...)
			whitelists = append(whitelists, w)
		}
	}
	return whitelists
}

// find is the first part with the id. References to ids that occur again are
// faults of the mapping.
func find[T identified](parts []T, id string) *T {
	for i := range parts {
		if parts[i].id() == id {
			return &parts[i]
		}
	}
	return nil
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
