package policy_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
)

// TestResultRows: what Document writes is read back.
func TestResultRows(t *testing.T) {
	t.Parallel()
	reference, err := image.ParseReference("registry.example.com/shop/api:1")
	if err != nil {
		t.Fatal(err)
	}
	document, err := policy.Document(policy.Evaluation{ImageID: "abc", Reference: reference, Rows: []policy.Row{
		{TriggerID: "CVE-1+zlib", Gate: "vulnerabilities", Trigger: "package", Message: "HIGH found", Action: policy.Stop},
		{TriggerID: "CVE-2+zlib", Gate: "vulnerabilities", Trigger: "package", Message: "LOW found", Action: policy.Warn,
			Waiver: &policy.Waiver{WhitelistName: "accepted", WhitelistID: "w1"}},
		{TriggerID: "x", Gate: "always", Trigger: "always", Action: policy.Go, Waiver: &policy.Waiver{WhitelistID: "w2"}},
	}}, nil, "admin")
	if err != nil {
		t.Fatal(err)
	}
	got, err := policy.ResultRows(document)
	if err != nil {
		t.Fatal(err)
	}
	want := []policy.ResultRow{
		{TriggerID: "CVE-1+zlib", Gate: "vulnerabilities", Trigger: "package", Message: "HIGH found", Action: policy.Stop},
		{TriggerID: "CVE-2+zlib", Gate: "vulnerabilities", Trigger: "package", Message: "LOW found", Action: policy.Warn, Whitelist: "accepted"},
		{TriggerID: "x", Gate: "always", Trigger: "always", Action: policy.Go, Whitelist: "w2"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if _, err := policy.ResultRows([]byte("[]")); !errors.Is(err, errkind.Invalid) {
		t.Errorf("what is no document: %v", err)
	}
	if rows, err := policy.ResultRows([]byte(`{"result": {"abc": {"result": {"rows": [[], [1, 2, 3, {}, null]]}}}}`)); err != nil || len(rows) != 2 {
		t.Errorf("odd rows: %v, %v", rows, err)
	}
}
