package message

import (
	"time"

	"github.com/tagwatch/tagwatch/domain/notification"
)

// Post is what one attempt sends.
type Post struct {
	ID   string // of the notification or group; the same at every attempt
	Body Body
	At   time.Time // of the attempt, which the signature covers
	// Account and Type replace <userId> and <notification_type> in the URL.
	Account string
	Type    notification.Type
	Trace   string // the notification's, or that of a group's first
}
