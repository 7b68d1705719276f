package operations

import (
	"context"
	"net/http"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// ListTags lists the watched tags with their status, by name.
var ListTags = Operation[TagsRequest, TagList]{Name: "list-tags", Summary: "List the watched tags with their status",
	Method: http.MethodGet, Path: "/tags", Scope: token.Read, do: listTags}

// TagsRequest selects watched tags.
type TagsRequest struct {
	Places
	Image     string `query:"image" maxLength:"71" doc:"Only tags with this image: its digest, that of its index, that of the last analyzed image, or the id of the image." example:"sha256:0f1b6d3a"`
	Failing   bool   `query:"failing" doc:"Only tags that fail their policy or have a problem."`
	Uncovered bool   `query:"uncovered" doc:"Only tags whose distribution the vulnerability data does not cover."`
	Page
}

// TagList is a page of tags.
type TagList struct {
	Tags []TagStatus `json:"tags"`
	Next string      `json:"next,omitempty" doc:"Cursor of the next page; missing on the last one."`
}

func listTags(ctx context.Context, s *System, request TagsRequest) (TagList, error) {
	within, err := request.within()
	if err != nil {
		return TagList{}, err
	}
	selects := func(known watch.Summary) bool {
		failing := known.Status == policy.Fail || known.Problem != nil
		return within(known.Target) && (failing || !request.Failing) && (known.Coverage.Missing() || !request.Uncovered)
	}
	list := TagList{Tags: []TagStatus{}}
	list.Next, err = s.eachTag(ctx, request.Page, request.Image, func(known watch.Summary) bool {
		if !selects(known) {
			return false
		}
		list.Tags = append(list.Tags, statusOf(known))
		return true
	})
	if err != nil {
		return list, err
	}
	return list, s.addRunning(ctx, list.Tags)
}

// addRunning adds to tags what their workloads run.
func (s *System) addRunning(ctx context.Context, tags []TagStatus) error {
	kept, err := s.Store(ctx)
	if err != nil {
		return err
	}
	targets := make([]image.Target, len(tags))
	for i, tag := range tags {
		targets[i] = tag.Target
	}
	running, err := kept.Running(ctx, targets)
	for i, tag := range tags {
		tags[i].Running = running[tag.Target]
	}
	return err
}

// readAtOnce is how many rows are read in one step of a page.
const readAtOnce = 500

// eachTag hands on the tags of a page that the caller may see, until it has taken as
// many as the page may have.
func (s *System) eachTag(ctx context.Context, page Page, holds string, take func(watch.Summary) bool) (next string, err error) {
	limit, err := page.limit()
	if err != nil {
		return "", err
	}
	filter := subscription.TargetFilter{Image: holds, Limit: readAtOnce}
	if filter.After, err = page.name(); err != nil {
		return "", err
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return "", err
	}
	for read := 0; s.mayRead(read); read += readAtOnce {
		found, err := kept.Summaries(ctx, filter)
		if err != nil {
			return "", err
		}
		for i, known := range found {
			filter.After = known.Target.String()
			if s.Bounds.Include(known.Target) && take(known) {
				limit--
			}
			if limit == 0 && (i+1 < len(found) || len(found) == readAtOnce) {
				return cursorOf(filter.After), nil
			}
		}
		if len(found) < readAtOnce {
			return "", nil
		}
	}
	return cursorOf(filter.After), nil
}

// Places select tags by where they are, by any of their names.
type Places struct {
	Registry   string `query:"registry" maxLength:"300" doc:"Only tags of this registry host."`
	Repository string `query:"repository" maxLength:"600" doc:"Only tags of this repository."`
	Platform   string `query:"platform" maxLength:"100" doc:"Only tags watched for this os/arch; a tag without a platform counts as linux/amd64."`
}

func (p Places) within() (func(image.Target) bool, error) {
	var repository image.Repository
	if p.Repository != "" {
		var err error
		if repository, err = image.ParseRepository(p.Repository); err != nil {
			return nil, refused(err)
		}
	}
	platform, err := image.ParsePlatform(p.Platform)
	if err != nil {
		return nil, refused(err)
	}
	return func(t image.Target) bool {
		if platform != (image.Platform{}) && t.Platform.OrDefault() != platform {
			return false
		}
		watched := t.Reference.Repository.Canonical()
		return (p.Registry == "" || watched.Registry == image.CanonicalRegistry(p.Registry)) && (p.Repository == "" || watched == repository.Canonical())
	}, nil
}
