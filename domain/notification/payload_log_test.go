package notification_test

import (
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/notification"
)

func TestEntryOf(t *testing.T) {
	t.Parallel()
	n, err := notification.New(notification.Heading{ID: "id", Created: noon}, notification.Logged{Event: "system.endpoint.failing", At: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if got := notification.EntryOf(n); got != "system.endpoint.failing" {
		t.Errorf("entry %q", got)
	}
	if got := notification.EntryOf(sample(t, notification.VulnUpdate)); got != "" {
		t.Errorf("a vuln_update is the entry %q", got)
	}
}
