package notification_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/notification"
)

var (
	account = message.Account{Name: "admin", Email: "admin@example.com", PublicURL: "https://tagwatch.example.com/"}
	noon    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

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

func decode(t *testing.T, content []byte) tree {
	t.Helper()
	var decoded tree
	if err := json.Unmarshal(content, &decoded); err != nil {
		t.Fatalf("decode %s: %v", content, err)
	}
	return decoded
}

// sample is a notification that was built as real ones are.
func sample(t *testing.T, kind notification.Type) notification.Notification {
	t.Helper()
	n, err := notification.Sample(kind, "6c0e4f0c-9d0b-4f44-9a3b-0f0f2d3f6a10", account.Name, noon)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// tree is a body as a receiver decodes it.
type tree map[string]any
