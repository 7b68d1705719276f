package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/lab"
)

// TestSubscribeToManyTags: 299 of 300 are stored and the bad one is named. Repeating it
// changes nothing, and each is notified once.
func TestSubscribeToManyTags(t *testing.T) {
	t.Parallel()
	const tags, bad = 300, 123
	i := install(t, "TAGWATCH_REGISTRY_RATE=5000")
	references := []string{i.push("shop/many:0", lab.Debian(lab.Bookworm()...))}
	for n := 1; n < tags; n++ {
		references = append(references, fmt.Sprintf("%s/shop/many:%d", i.registry.Host(), n))
		if n != bad {
			must(t, i.registry.Tag("shop/many:0", fmt.Sprint(n)))
		}
	}
	i.do("subscribe", "--wait", references[0]) // its image is the others'
	for repeated := range 2 {
		result := made(i.Run(t.Context(), append([]string{"subscribe", "--interval", "1h"}, references...)...))(t)
		if result.Code != 1 || !strings.Contains(result.Err, references[bad]) || !strings.Contains(result.Err, "299 done, 1 failed") {
			t.Errorf("exit code %d, %s", result.Code, result.Err)
		}
		for n, reference := range references {
			line := reference + " is watched: "
			if repeated > 0 || n == 0 {
				line = reference + " is already watched: "
			}
			if said := strings.Contains(result.Out, line); said == (n == bad) {
				t.Errorf("%s: said to be watched: %v", reference, said)
			}
		}
	}
	found := i.notified(tags - 1)
	if got := kinds(found); got["analysis_update"] != tags-1 || len(found) != tags-1 {
		t.Errorf("notified %v", got)
	}
	if watched := strings.Fields(i.do("status", "-q")); len(watched) != tags-1 {
		t.Errorf("%d tags are watched", len(watched))
	}
}
