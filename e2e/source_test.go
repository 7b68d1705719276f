package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/lab"
)

// TestSourceIsFollowed: a list grows and shrinks, is away and comes back. What a person
// subscribed stays, an outage ends nothing, and nobody is notified of what did not happen.
func TestSourceIsFollowed(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	i := install(t, "TAGWATCH_SOURCE_PATHS="+folder)
	list := filepath.Join(folder, "images.txt")
	write := func(lines ...string) { must(t, os.WriteFile(list, []byte(strings.Join(lines, "\n")), 0o600)) }
	content := lab.Debian(lab.Bookworm()...)
	one, two, three := i.push("shop/web:1", content), i.push("shop/web:2", content), i.push("shop/web:3", content)

	write(one, two, "scratch", "registry.example.org/shop/${NAME}:1")
	plan := i.do("source", "add", "shop", "file", list, "--list-interval", "30s", "--dry-run")
	t.Log(plan)
	for _, line := range []string{"shop: 2 tags of 4 references would be watched, 2 new", "the empty image", "variable without a value: NAME"} {
		if !strings.Contains(plan, line) {
			t.Errorf("the plan lacks %q:\n%s", line, plan)
		}
	}
	i.do("source", "add", "shop", "file", list, "--list-interval", "30s")
	i.watches("1", "2")
	t.Log(i.do("source", "show", "shop"))
	i.notified(2) // an analysis_update of each

	i.do("subscribe", one, "--type", "tag_update")
	write(two, three)
	i.do("source", "update", "shop") // is read at once
	i.watches("1", "2", "3")
	i.do("source", "update", "shop")
	i.eventually("what the source brought of "+one+" ends", func() bool {
		var views []struct{ Target, Type string }
		must(t, json.Unmarshal([]byte(i.do("subscriptions", "-o", "json")), &views))
		types := ""
		for _, view := range views {
			if view.Target == one {
				types += view.Type
			}
		}
		return types == "tag_update"
	})
	i.watches("1", "2", "3")

	must(t, os.Rename(list, list+".away"))
	i.eventually("the source shows that it cannot be read", func() bool { return strings.Contains(i.do("source", "list", "-o", "wide"), "does not exist") })
	i.watches("1", "2", "3")
	must(t, os.Rename(list+".away", list))
	i.do("source", "update", "shop")
	i.eventually("the source is read again", func() bool { return !strings.Contains(i.do("source", "list", "-o", "wide"), "does not exist") })

	write("# nothing")
	i.do("source", "update", "shop")
	i.eventually("the source waits to be confirmed", func() bool { return strings.Contains(i.do("source", "list", "-o", "wide"), "source confirm shop") })
	t.Log(i.do("source", "list", "-o", "wide"))
	i.watches("1", "2", "3")
	i.do("source", "confirm", "shop")
	i.watches("1")
	t.Log(i.do("source", "remove", "shop"))
	i.watches("1")
	if got := kinds(i.notified(3)); len(got) != 1 || got["analysis_update"] != 3 {
		t.Errorf("notified %v, want one analysis_update for each tag", got)
	}
}
