package notification

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// Every type is explained from the payload that receivers get.
func TestExplain(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind    Type
		reason  string
		changed []string // facts
		details []string
	}{
		{AnalysisUpdate, "the tag points to another image, or its image was analyzed (image)", []string{"image", "index"}, nil},
		{TagUpdate, "(image)", []string{"image", "index"}, []string{
			"changed sample 1.0-2, was 1.0-1 (dpkg)",
			"introduced CVE-2000-0002 of sample 1.0-2: High, fix 1.1,2.0 (debian:12)",
			"fixed CVE-2000-0001 of sample 1.0-1: Medium, fix 1.1,2.0 (debian:12)"}},
		{VulnUpdate, "(image)", []string{"image", "index"}, []string{
			"added CVE-2000-0002 of sample 1.0-2: High, fix 1.1,2.0 (debian:12)",
			"updated CVE-2000-0001 of sample 1.0-1: Critical, fix 1.1,2.0, known to be exploited (debian:12); was Medium, fix 1.1,2.0",
			"removed CVE-2000-0003 of sample 1.0-3: Low, fix 1.1,2.0 (debian:12)"}},
		{PolicyEval, "(image)", []string{"image", "index"}, []string{
			"now stop: always/always sample: This is a test", "no longer warn: always/always sample: This is a test"}},
		{RepoUpdate, "the registry lists other tags than before", nil, []string{"new tag test"}},
		{EventLog, "something happened to Tagwatch itself", nil, []string{"info system.test.endpoint: This is a test"}},
	}
	for _, test := range tests {
		t.Run(string(test.kind), func(t *testing.T) {
			t.Parallel()
			n, err := Sample(test.kind, "id", "admin", time.Unix(0, 0))
			if err != nil {
				t.Fatal(err)
			}
			got, err := Explain(n)
			if err != nil {
				t.Fatal(err)
			}
			var changed []string
			for _, fact := range got.Evidence {
				if fact.Changed() {
					changed = append(changed, fact.Name)
				}
			}
			if !strings.HasSuffix(got.Reason, test.reason) || !slices.Equal(changed, test.changed) || !slices.Equal(got.Details, test.details) {
				t.Errorf("reason %q, changed %q, details %q", got.Reason, changed, got.Details)
			}
		})
	}
}

func TestExplainRefusesWhatIsNoPayload(t *testing.T) {
	t.Parallel()
	if _, err := Explain(Notification{ID: "broken", Payload: []byte("[")}); !errors.Is(err, errkind.Invalid) {
		t.Errorf("explain: %v", err)
	}
}
