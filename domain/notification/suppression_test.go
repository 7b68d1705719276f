package notification_test

import (
	"testing"

	"github.com/tagwatch/tagwatch/domain/notification"
)

func TestRemedy(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]notification.Suppression{
		"tagwatch subscribe ghcr.io/a:1 --type vuln_update": notification.Suppress(notification.VulnUpdate, notification.NotSubscribed),
		"tagwatch endpoint enable ops":                      {Type: notification.VulnUpdate, Endpoint: "ops", Reason: notification.EndpointDisabled},
		"":                                                  notification.Suppress(notification.RepoUpdate, notification.TagKnown),
	} {
		if got := s.Remedy("ghcr.io/a:1"); got != want {
			t.Errorf("%s: %q, want %q", s.Reason, got, want)
		}
	}
}

func TestSuppressNamesTheFirst(t *testing.T) {
	t.Parallel()
	got := notification.Suppress(notification.VulnUpdate, notification.NotFixable, "CVE-1", "CVE-2", "CVE-3", "CVE-4")
	if want := "CVE-1, CVE-2, CVE-3 and 1 more"; got.Detail != want {
		t.Errorf("%q, want %q", got.Detail, want)
	}
}
