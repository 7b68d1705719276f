package workflows

import (
	"strings"
	"testing"
)

func TestRenewalDetailsShowProgress(t *testing.T) {
	t.Parallel()
	details := renewalDetails(RenewalState{Analyzer: "syft 2", Renewed: 3, Failed: 1}, "Pause", 6)
	for _, part := range []string{"### Pause\n", "4 of 10 images processed, 1 of them could not", "`syft 2`"} {
		if !strings.Contains(details, part) {
			t.Errorf("no %q in\n%s", part, details)
		}
	}
}
