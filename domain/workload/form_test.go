package workload_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/workload"
)

func manifest(configuration image.Digest) workload.Form {
	return workload.Form{Kind: workload.Manifest, Parts: []workload.Part{{Digest: configuration}}}
}

// index has images for linux/amd64 and linux/arm64; a name in capitals is an index in it.
func index(parts ...image.Digest) workload.Form {
	form := workload.Form{Kind: workload.Index}
	for i, digest := range parts {
		part := workload.Part{Digest: digest, Index: strings.ToUpper(string(digest)) == string(digest)}
		if !part.Index {
			part.Platform = image.Platform{OS: "linux", Architecture: []string{"amd64", "arm64"}[i%2]}
		}
		form.Parts = append(form.Parts, part)
	}
	return form
}

var configuration = workload.Form{Kind: workload.Configuration}

// TestForms compares what a workload ran with what it runs, and answers the questions that
// this raises.
func TestForms(t *testing.T) {
	t.Parallel()
	registry := workload.Forms{
		"I": index("m", "n"), "m": manifest("c"), "n": manifest("d"), "c": configuration, "d": configuration,
		"J": index("m", "o"), "o": manifest("e"), "e": configuration, // another build, with the same image for amd64
		"K": index("o", "n"), "N": index("I"), "p": manifest("f"), "f": configuration,
	}
	for name, test := range map[string]struct {
		before, now string
		asked       string
		want        string
	}{
		"an index and its manifest":                     {"I:1", "m:1", "I m", "same"},
		"a manifest and its index":                      {"m:1", "I:1", "I m", "same"},
		"an index and its manifest of another platform": {"I:1", "n:1", "I n", "same"},
		"an index and another manifest":                 {"I:1", "p:1", "I p", "I>p"},
		"a manifest and its configuration":              {"m:1", "c:1", "c m", "same"},
		"an index and the configuration of its image":   {"I:1", "d:1", "I d m n", "same"},
		"an index and another configuration":            {"I:1", "f:1", "I f m n", "I>f"},
		"two manifests":                                 {"m:1", "p:1", "m p", "m>p"},
		"two configurations":                            {"c:1", "f:1", "c f", "c>f"},
		"two indexes of one image":                      {"I:1", "J:1", "I J", "same"},
		"two indexes":                                   {"I:1", "K:1", "I K", "I>K"},
		"an index in an index":                          {"N:1", "m:1", "I N m", "same"},
		"nodes of both kinds":                           {"I:2", "I:1 m:1", "I m", "same"},
		"nodes of both kinds in a roll-out":             {"I:1 m:1", "I:1 m:1 p:1", "I m p", "I>p"},
		"what tags pointed to":                          {"A:1", "B:1", "", "a>b"},
		"what a tag pointed to, and its index":          {"M:1", "I:1", "I m", "same"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stored, _ := follow(nil, asRegistry(rows("web", test.before), registry), noon)
			forms, asked := workload.Forms{}, []string{}
			for {
				o := workload.Follow(workload.Listing{Before: stored, Now: asRegistry(rows("web", test.now), registry), Forms: forms, Notifies: func(image.Target) bool { return true }, At: noon.Add(time.Minute)})
				if len(o.Waiting) == 0 {
					got := "same"
					for _, u := range o.Updates {
						got = fmt.Sprintf("%s>%s", u.Before[0], u.After)
					}
					slices.Sort(asked)
					if got != test.want || strings.Join(asked, " ") != test.asked {
						t.Errorf("%s after asking for %q, want %s after %q", got, asked, test.want, test.asked)
					}
					return
				}
				for _, q := range o.Waiting[0].Ask {
					if _, known := forms[q.Digest]; known {
						t.Fatalf("asks for %s again", q.Digest)
					}
					forms[q.Digest] = registry[q.Digest]
					asked = append(asked, string(q.Digest))
				}
			}
		})
	}
}

// asRegistry leaves the names of indexes as they are: rows takes capitals for images that are
// known.
func asRegistry(list []workload.Row, registry workload.Forms) []workload.Row {
	for i, row := range list {
		if _, is := registry[row.Digest]; is {
			list[i].Image = ""
		}
	}
	return list
}

// TestFollowWaits: what waits is neither notified nor forgotten, and says so, until it is
// clear or does not run any more.
func TestFollowWaits(t *testing.T) {
	t.Parallel()
	different := workload.Forms{"a": manifest("c"), "b": manifest("d")}
	same := workload.Forms{"a": manifest("c"), "b": index("a")}
	type step struct {
		after time.Duration
		runs  string
		forms workload.Forms
		want  string
	}
	for name, steps := range map[string][]step{
		"it is another image":             {{0, "a:2", nil, ""}, {time.Minute, "b:2", nil, "waits a?b"}, {time.Hour, "b:2", nil, "waits a?b"}, {time.Minute, "b:2", different, "a>b"}, {time.Minute, "b:2", different, ""}},
		"it is the same image":            {{0, "a:2", nil, ""}, {time.Minute, "b:2", nil, "waits a?b"}, {time.Hour, "b:2", same, ""}, {time.Minute, "a:1 b:1", same, ""}, {time.Minute, "a:2", same, ""}},
		"it ends unknown":                 {{0, "a:2", nil, ""}, {time.Minute, "a:1 b:1", nil, "waits a?b"}, {time.Minute, "a:2", nil, ""}, {time.Minute, "b:2", different, "a>b"}},
		"it becomes known meanwhile":      {{0, "A:2", nil, ""}, {time.Minute, "b:2", nil, "waits a?b"}, {time.Minute, "B:2", nil, "a>b"}},
		"others go on":                    {{0, "A:2", nil, ""}, {time.Minute, "A:1 b:1", nil, "waits a?b"}, {time.Minute, "b:1 E:1", nil, "a>e waits a?b"}, {time.Hour, "b:1 E:1", nil, "waits e?b"}},
		"nothing is left to compare with": {{0, "a:2", nil, ""}, {time.Minute, "b:2", nil, "waits a?b"}, {8 * 24 * time.Hour, "b:2", nil, "waits a?b"}, {time.Minute, "b:2", nil, ""}, {time.Minute, "b:2", different, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stored []workload.Row
			now := noon
			for i, s := range steps {
				now = now.Add(s.after)
				o := workload.Follow(workload.Listing{Before: stored, Now: rows("web", s.runs), Forms: s.forms, Notifies: func(image.Target) bool { return true }, At: now})
				stored = o.Rows
				var said []string
				for _, u := range o.Updates {
					said = append(said, fmt.Sprintf("%s>%s", u.Before[0], u.After))
				}
				for _, w := range o.Waiting {
					said = append(said, fmt.Sprintf("waits %s?%s", w.Before[0], w.After))
				}
				if got := strings.Join(said, " "); got != s.want {
					t.Errorf("step %d: %q, want %q; stored %+v", i+1, got, s.want, stored)
				}
			}
		})
	}
}
