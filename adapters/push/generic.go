package push

import (
	"fmt"
	"strings"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
)

// parseGeneric reads {"reference": "registry/repository:tag"} or
// {"references": [...]}. A repository without a tag stands for all its tags.
func parseGeneric(body []byte) ([]mention, error) {
	var hook struct {
		Reference  string
		References []string
	}
	if err := decode(body, &hook); err != nil {
		return nil, err
	}
	if hook.Reference != "" {
		hook.References = append(hook.References, hook.Reference)
	}
	if len(hook.References) == 0 {
		return nil, errOtherKind("reference or references")
	}
	mentions := make([]mention, len(hook.References))
	for i, text := range hook.References {
		named := mentioned(text)
		// This body is written for us, so its author wants to see mistakes in it.
		if reference, err := image.ParseReference(text); err != nil || reference.Tag == "" || !strings.EqualFold(reference.Registry, named.host) {
			return nil, fmt.Errorf("reference %.300q is not registry/repository[:tag]: %w", text, errkind.Invalid)
		}
		mentions[i] = named
	}
	return mentions, nil
}
