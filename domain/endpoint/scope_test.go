package endpoint

import (
	"errors"
	"testing"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/notification"
)

func TestScopeTakes(t *testing.T) {
	t.Parallel()
	const nginx = "docker.io/library/nginx:1.27"
	tests := []struct {
		name    string
		scope   Scope
		kind    notification.Type
		subject string
		labels  map[string]string
		want    bool
	}{
		{"nothing said", Scope{}, notification.TagUpdate, nginx, nil, true},
		{"the tag itself", Scope{Subjects: []string{nginx}}, notification.TagUpdate, nginx, nil, true},
		{"another tag", Scope{Subjects: []string{nginx}}, notification.TagUpdate, nginx + ".1", nil, false},
		{"all tags of a repository", Scope{Subjects: []string{"docker.io/library/nginx"}}, notification.TagUpdate, nginx, nil, true},
		{"a repository that begins alike", Scope{Subjects: []string{"docker.io/library/ng"}}, notification.TagUpdate, nginx, nil, false},
		{"a registry", Scope{Subjects: []string{"docker.io/*"}}, notification.TagUpdate, nginx, nil, true},
		{"another registry", Scope{Subjects: []string{"ghcr.io/*"}}, notification.TagUpdate, nginx, nil, false},
		{"a registry with a port", Scope{Subjects: []string{"localhost:5000/*"}}, notification.TagUpdate, "localhost:5000/a/b:1", nil, true},
		{"a pattern of the tag", Scope{Subjects: []string{"*/nginx:1.*"}}, notification.TagUpdate, nginx, nil, true},
		{"stars in the middle", Scope{Subjects: []string{"docker*lib*/ngi*x:*2*"}}, notification.TagUpdate, nginx, nil, true},
		{"parts in another order", Scope{Subjects: []string{"*nginx*library*"}}, notification.TagUpdate, nginx, nil, false},
		{"a part must not be used twice", Scope{Subjects: []string{"docker.io/a*a"}}, notification.TagUpdate, "docker.io/a:1", nil, false},
		{"one of several", Scope{Subjects: []string{"ghcr.io/*", "docker.io/*"}}, notification.TagUpdate, nginx, nil, true},
		{"a platform is not part of the tag", Scope{Subjects: []string{"*:1.27"}}, notification.TagUpdate, nginx + "@linux/arm64", nil, true},
		{"a repository as a whole", Scope{Subjects: []string{"docker.io/library/*:1.*"}}, notification.RepoUpdate, "docker.io/library/nginx", nil, true},
		{"the event log is not narrowed", Scope{Subjects: []string{"ghcr.io/*"}, Labels: map[string]string{"a": "b"}}, notification.EventLog, "chat", nil, true},
		{"a label", Scope{Labels: map[string]string{"team": "web"}}, notification.TagUpdate, nginx, map[string]string{"team": "web", "tier": "1"}, true},
		{"a label of another value", Scope{Labels: map[string]string{"team": "web"}}, notification.TagUpdate, nginx, map[string]string{"team": "db"}, false},
		{"one label of two", Scope{Labels: map[string]string{"team": "web", "tier": "1"}}, notification.TagUpdate, nginx, map[string]string{"team": "web"}, false},
		{"a subscription without labels", Scope{Labels: map[string]string{"team": "web"}}, notification.TagUpdate, nginx, nil, false},
		{"subject and label", Scope{Subjects: []string{"ghcr.io/*"}, Labels: map[string]string{"team": "web"}}, notification.TagUpdate, nginx, map[string]string{"team": "web"}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := test.scope.Excludes(test.kind, test.subject, test.labels) == ""; got != test.want {
				t.Errorf("takes %v, want %v", got, test.want)
			}
		})
	}
}

func TestScopeRefuses(t *testing.T) {
	t.Parallel()
	for name, scope := range map[string]Scope{
		"a repository without its registry": {Subjects: []string{"nginx:1.27"}},
		"nothing":                           {Subjects: []string{""}},
		"a digest":                          {Subjects: []string{"docker.io/a@sha256:1"}},
		"several in one":                    {Subjects: []string{"docker.io/a,docker.io/b"}},
		"a label without a value":           {Labels: map[string]string{"team": ""}},
		"a label with a space":              {Labels: map[string]string{"my team": "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := Endpoint{Name: "chat", URL: "https://chat.example.com", Scope: scope}
			if err := e.Validate(); !errors.Is(err, errkind.Invalid) {
				t.Errorf("validate: %v", err)
			}
		})
	}
}
