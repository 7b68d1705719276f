package operations

import (
	"context"

	"github.com/tagwatch/tagwatch/domain/overload"
)

// load says what waits for longer than is normal, and nothing while nothing does.
func (e *examination) load(ctx context.Context) {
	const subject = "load"
	if e.stored == nil {
		return // reported above
	}
	queues, err := e.stored.Queues(ctx, e.Now)
	if e.unread(subject, err) {
		return
	}
	for _, over := range overload.Find(queues, e.Now) {
		e.Warn(subject, "nothing is lost; if it lasts, run more workers of the role: docs/troubleshooting.md", "%s", over.Text())
	}
}
