package operations

import (
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/source"
)

// TestSourceShowsProblemsOfTags: a tag that the registry does not have is watched, and its
// reference says what is wrong.
func TestSourceShowsProblemsOfTags(t *testing.T) { onEach(t, sourceShowsProblemsOfTags) }

func sourceShowsProblemsOfTags(t *testing.T, install install) {
	i := install(t)
	ctx := t.Context()
	listed := source.Source{Name: "shop", Kind: source.File, Paths: []string{"/srv/list"}, Types: notification.DefaultTypes}
	if err := i.Store.SaveSource(ctx, listed, noon); err != nil {
		t.Fatal(err)
	}
	found := []source.Found{source.Refer("app:1", "list:1", image.Platform{}), source.Refer("gone:1", "list:2", image.Platform{})}
	if err := i.RecordSource(ctx, "shop", found, func(view source.View) (source.Decision, error) { return source.Decide(view, found, "", noon) }); err != nil {
		t.Fatal(err)
	}
	key := condition.Key{Kind: condition.Unresolved, Resource: condition.Tag, Name: found[1].Target.String()}
	wrong := condition.Wrong(key, &condition.Found{Step: "resolve", Message: "tag 1 does not exist"})
	if _, _, err := i.FollowConditions(ctx, wrong, noon, func([]condition.Change) ([]notification.Notification, error) { return nil, nil }, 0); err != nil {
		t.Fatal(err)
	}
	detail, err := ShowSource.Run(ctx, i.system(), SourceRequest{Name: "shop"})
	if err != nil || len(detail.Found) != 2 {
		t.Fatalf("%+v, %v", detail, err)
	}
	for n, wrong := range []bool{false, true} {
		each := detail.Found[n]
		if each.WatchedAs == "" || (each.Problem != nil) != wrong || wrong && !strings.Contains(each.Problem.Message, "does not exist") {
			t.Errorf("%s: watched as %q, problem %+v", each.Text, each.WatchedAs, each.Problem)
		}
	}
}
