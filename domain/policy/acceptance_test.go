package policy

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/acceptance"
)

// TestAcceptance lets rows pass under any of the vulnerability's names, and an advisory only
// under its own; a row that a whitelist waives is the whitelist's.
func TestAcceptance(t *testing.T) {
	t.Parallel()
	hour := noon.Add(time.Hour)
	tests := []struct {
		name   string
		accept acceptance.Acceptance
		items  []string
		want   map[string]string // whitelist items and acceptances by trigger id
		status Status
		next   time.Time
	}{
		{name: "none", accept: acceptance.Acceptance{Vulnerability: "CVE-70"}, status: Fail},
		{name: "the id in use", accept: acceptance.Acceptance{Vulnerability: "GHSA-7"}, want: map[string]string{"GHSA-7+p-1": "4"}, status: Fail},
		{name: "the CVE", accept: acceptance.Acceptance{Vulnerability: "cve-7", Until: hour}, want: map[string]string{"GHSA-7+p-1": "4"}, status: Fail, next: hour},
		{name: "the id of another record", accept: acceptance.Acceptance{Vulnerability: "PYSEC-7"}, want: map[string]string{"GHSA-7+p-1": "4"}, status: Fail},
		{name: "one of an advisory", accept: acceptance.Acceptance{Vulnerability: "CVE-8"}, status: Fail},
		{name: "the advisory", accept: acceptance.Acceptance{Vulnerability: "ELSA-8"}, want: map[string]string{"ELSA-8+p": "4"}, status: Fail},
		{name: "the rest is whitelisted", accept: acceptance.Acceptance{Vulnerability: "ELSA-8", Until: hour}, items: []string{itemOf("i", "vulnerabilities", "GHSA-7+*", "")},
			want: map[string]string{"GHSA-7+p-1": "i", "ELSA-8+p": "4"}, status: Pass, next: hour},
		{name: "whitelisted, too", accept: acceptance.Acceptance{Vulnerability: "CVE-7", Until: hour}, items: []string{itemOf("i", "vulnerabilities", "GHSA-7+*", "")},
			want: map[string]string{"GHSA-7+p-1": "i"}, status: Fail},
		{name: "at its end", accept: acceptance.Acceptance{Vulnerability: "CVE-7", Until: noon}, status: Fail},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			input := named()
			test.accept.ID, test.accept.Reason = 4, "not reachable"
			input.Acceptances = []acceptance.Acceptance{test.accept}
			e := evaluate(t, whitelisting(t, test.items...), input, noon)
			var got map[string]string
			for _, row := range e.Rows {
				if row.Waiver == nil {
					continue
				}
				if got == nil {
					got = map[string]string{}
				}
				got[row.TriggerID] = row.Waiver.ItemID
				if accepted := row.Waiver.Acceptance; (accepted != nil) != (row.Waiver.WhitelistID == AcceptancesID) || accepted != nil && accepted.Reason != "not reachable" {
					t.Errorf("waiver %+v of acceptance %+v", row.Waiver, accepted)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("waived (-want +got)\n%s", diff)
			}
			if e.Status != test.status || !e.Next.Equal(test.next) {
				t.Errorf("%s, next %s; want %s, next %s", e.Status, e.Next, test.status, test.next)
			}
		})
	}
}

// TestAcceptanceInTheDocument is in the column of whitelists.
func TestAcceptanceInTheDocument(t *testing.T) {
	t.Parallel()
	input := named()
	input.Acceptances = []acceptance.Acceptance{{ID: 4, Vulnerability: "CVE-7", Reason: "not reachable", Owner: "web"}}
	document, err := Document(evaluate(t, whitelisting(t), input, noon), nil, "admin")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := ResultRows(document)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, row := range rows {
		got[row.TriggerID] = row.Whitelist
	}
	if diff := cmp.Diff(map[string]string{"GHSA-7+p-1": "acceptance 4", "ELSA-8+p": ""}, got); diff != "" {
		t.Errorf("whitelists (-want +got)\n%s", diff)
	}
}

// TestKeyOfAcceptances: outcomes of other acceptances are other ones.
func TestKeyOfAcceptances(t *testing.T) {
	t.Parallel()
	bundle := whitelisting(t)
	keys := map[string]bool{}
	for _, acceptances := range []string{"", "a", "b"} {
		key, err := bundle.Key(t.Context(), Candidate{Reference: input().Reference, Digest: "sha256:a", Acceptances: acceptances})
		if err != nil {
			t.Fatal(err)
		}
		keys[key] = true
	}
	if len(keys) != 3 {
		t.Errorf("%d keys, want 3", len(keys))
	}
}
