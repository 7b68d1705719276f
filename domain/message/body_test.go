package message_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/notification"
)

var (
	noon    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	account = message.Account{Name: "admin", Email: "admin@example.com", PublicURL: "https://tagwatch.example.com/"}
	pending = delivery.Delivery{State: delivery.Pending, Created: noon, Deadline: noon.Add(delivery.DefaultWindow)}
)

// sample is a notification that was built as real ones are.
func sample(t *testing.T, kind notification.Type) notification.Notification {
	t.Helper()
	n, err := notification.Sample(kind, "6c0e4f0c-9d0b-4f44-9a3b-0f0f2d3f6a10", account.Name, noon)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func samples(t *testing.T) []notification.Notification {
	t.Helper()
	var all []notification.Notification
	for _, kind := range notification.Types {
		all = append(all, sample(t, kind))
	}
	return all
}

func render(t *testing.T, e message.Form, n notification.Notification) message.Body {
	t.Helper()
	body, err := message.Render(e, n, pending, account)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// tree is a body as a receiver decodes it.
type tree map[string]any

func decode(t *testing.T, content []byte) tree {
	t.Helper()
	var decoded tree
	if err := json.Unmarshal(content, &decoded); err != nil {
		t.Fatalf("decode %s: %v", content, err)
	}
	return decoded
}

// at follows a path of keys; a list is entered at its first element.
func at(value any, path string) (any, bool) {
	for key := range strings.SplitSeq(path, ".") {
		if list, isList := value.([]any); isList && len(list) > 0 {
			value = list[0]
		}
		keys, isObject := value.(map[string]any)
		if !isObject {
			return nil, false
		}
		inner, found := keys[key]
		if !found {
			return nil, false
		}
		value = inner
	}
	return value, true
}

func TestEnvelopeHasEveryKeyThatReceiversRead(t *testing.T) {
	t.Parallel()
	envelope := []string{"queueId", "userId", "dataId", "created_at", "last_updated", "record_state_key", "record_state_val", "tries", "max_tries",
		"data.notification_user", "data.notification_user_email", "data.notification_type"}
	subscribed := []string{"notificationId", "userId", "subscription_key", "subscription_type"}
	vulnerability := []string{"CVE_ID", "Severity", "Vulnerable_Package", "Fix_Available", "URL", "Package_Name", "Package_Version", "Package_Type", "Feed", "Feed_Group"}
	var changes []string
	for _, list := range []string{"added", "updated", "removed"} {
		for _, key := range vulnerability {
			changes = append(changes, "diff_vulnerability_result."+list+"."+key)
		}
	}
	for _, test := range []struct {
		kind    notification.Type
		payload []string
	}{
		{notification.AnalysisUpdate, slices.Concat(subscribed, []string{"last_eval.imageDigest", "last_eval.analysis_status", "last_eval.annotations",
			"curr_eval.imageDigest", "curr_eval.analysis_status", "curr_eval.annotations", "annotations"})},
		{notification.TagUpdate, slices.Concat(subscribed, []string{"last_eval", "curr_eval"})},
		{notification.VulnUpdate, slices.Concat(subscribed, changes, []string{"imageDigest"})},
		{notification.PolicyEval, slices.Concat(subscribed, []string{"last_eval.image_digest", "last_eval.status", "last_eval.final_action", "last_eval.final_action_reason",
			"last_eval.result", "last_eval.bundle", "curr_eval.image_digest", "curr_eval.status", "curr_eval.final_action", "curr_eval.result", "curr_eval.bundle"})},
		{notification.RepoUpdate, subscribed},
		{notification.EventLog, []string{"notificationId", "userId", "generated_uuid", "created_at", "event.type", "event.level", "event.message", "event.details", "event.timestamp",
			"event.resource.user_id", "event.resource.id", "event.resource.type", "event.source.servicename", "event.source.hostid", "event.source.base_url", "event.source.request_id"}},
	} {
		t.Run(string(test.kind), func(t *testing.T) {
			t.Parallel()
			body := map[string]any(decode(t, render(t, message.Form{}, sample(t, test.kind)).Content))
			for _, path := range envelope {
				if _, found := at(body, path); !found {
					t.Errorf("no key %s in the envelope", path)
				}
			}
			payload, _ := at(body, "data.notification_payload")
			for _, path := range test.payload {
				if _, found := at(payload, path); !found {
					t.Errorf("no key %s in the payload", path)
				}
			}
		})
	}
}

func TestEnvelopeMoments(t *testing.T) {
	t.Parallel()
	n := sample(t, notification.TagUpdate)
	failedAt := noon.Add(time.Hour)
	for _, test := range []struct {
		name     string
		delivery delivery.Delivery
		want     tree
	}{
		{"first attempt", pending, tree{"tries": 0.0, "last_updated": float64(noon.Unix())}},
		{"after a failure", delivery.Delivery{LastTry: failedAt, Deadline: pending.Deadline}, tree{"tries": float64(failedAt.Unix()), "last_updated": float64(failedAt.Unix())}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			raw, err := message.Envelope(n, test.delivery, account)
			if err != nil {
				t.Fatal(err)
			}
			got := decode(t, raw)
			test.want["created_at"] = float64(noon.Unix())
			test.want["max_tries"] = float64(pending.Deadline.Unix())
			for key, want := range test.want {
				if diff := cmp.Diff(want, got[key]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", key, diff)
				}
			}
		})
	}
}

func TestIDIsTheSameEverywhere(t *testing.T) {
	t.Parallel()
	n := sample(t, notification.PolicyEval)
	body := map[string]any(decode(t, render(t, message.Form{}, n).Content))
	for _, path := range []string{"dataId", "data.notification_payload.notificationId"} {
		if got, _ := at(body, path); got != n.ID {
			t.Errorf("%s is %v, want %s", path, got, n.ID)
		}
	}
	for _, format := range []message.Format{message.FormatCloudEvents, message.FormatSlim} {
		if got := decode(t, render(t, message.Form{Format: format}, n).Content)["id"]; got != n.ID {
			t.Errorf("id in format %s is %v, want %s", format, got, n.ID)
		}
	}
}

func TestSlimLeavesDocumentsOut(t *testing.T) {
	t.Parallel()
	for _, kind := range notification.Types {
		body := decode(t, render(t, message.Form{Format: message.FormatSlim}, sample(t, kind)).Content)
		for _, key := range []string{"last_eval", "curr_eval", "diff_vulnerability_result", "image_difference", "new_tags", "event"} {
			if _, found := body[key]; found {
				t.Errorf("slim %s holds %s", kind, key)
			}
		}
	}
}

func TestSlimCountsAndLinks(t *testing.T) {
	t.Parallel()
	got := decode(t, render(t, message.Form{Format: message.FormatSlim}, sample(t, notification.VulnUpdate)).Content)
	want := map[string]any{"added": 1.0, "added_high": 1.0, "removed": 1.0, "updated": 1.0}
	if diff := cmp.Diff(want, got["counts"]); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	link := "https://tagwatch.example.com/tag?name=registry.example.com%2Ftagwatch%2Fsample%3Atest"
	if got["link"] != link {
		t.Errorf("link is %v, want %s", got["link"], link)
	}
}
