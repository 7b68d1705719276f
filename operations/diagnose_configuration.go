package operations

import (
	"context"

	"github.com/tagwatch/tagwatch/domain/condition"
)

// configuration says why the folder of documents that workers have cannot be applied.
func (e *examination) configuration(ctx context.Context) {
	const subject = "configuration"
	if e.stored == nil {
		return // reported above
	}
	list, err := e.stored.Conditions(ctx, condition.Scope{Kinds: []condition.Kind{condition.NotApplied}})
	if e.unread(subject, err) {
		return
	}
	for _, f := range condition.Confirmed(list) {
		e.Fail(subject, "correct the documents: workers apply the folder when it changes; tagwatch diff -f FOLDER checks it before",
			"the folder of documents (--config-dir) is not applied since %s: %s", e.when(f.Since), f.Message)
	}
}
