package vuln

import (
	"fmt"
	"strings"
)

// GroupFailures are the groups that could not be matched while others were. The
// same groups fail again: it is they that are at fault, not the data.
type GroupFailures []GroupFailure

// GroupFailure is one of them.
type GroupFailure struct {
	Group       int // index into the groups that were to be matched
	Fingerprint string
	Err         error // of the kind fault.Invalid
}

// Error names the groups.
func (f GroupFailures) Error() string {
	texts := make([]string, len(f))
	for i, each := range f {
		texts[i] = fmt.Sprintf("match group %s: %v", each.Fingerprint, each.Err)
	}
	return strings.Join(texts, "; ")
}

// Unwrap returns the causes.
func (f GroupFailures) Unwrap() []error {
	errs := make([]error, len(f))
	for i, each := range f {
		errs[i] = each.Err
	}
	return errs
}
