package taglist_test

import (
	"time"

	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

var (
	repository = image.Repository{Registry: "registry.example.com", Path: "team/app"}
	noon       = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
)

// everyone is notified at one endpoint.
func everyone() subscription.Audience {
	return subscription.Audience{Account: "admin", Endpoints: []endpoint.Endpoint{{Name: "chat"}}, RetryWindow: 75 * time.Hour}
}
