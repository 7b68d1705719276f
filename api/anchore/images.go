package anchore

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/operations"
)

// Anchore's states of an analysis.
const (
	notAnalyzed    = "not_analyzed"
	analyzing      = "analyzing"
	analyzed       = "analyzed"
	analysisFailed = "analysis_failed"
)

// found is an image with the watched tags that point to it.
type found struct {
	digest image.Digest
	tags   []operations.TagStatus
}

// analysis is how far the image is: a tag whose data is complete says so for all.
func (i found) analysis() string {
	state := notAnalyzed
	for _, t := range i.tags {
		switch {
		case t.Analyzed == i.digest && t.Matched:
			return analyzed
		case t.Problem != nil && (t.Problem.Stage == condition.StageAnalyze || t.Problem.Stage == condition.StageMatch):
			state = analysisFailed
		case state == notAnalyzed && i.digest != "":
			state = analyzing
		}
	}
	return state
}

// since is when a tag was first seen to point to the image; zero for one that has left it
// since, of which that is not kept.
func (i found) since(t operations.TagStatus) time.Time {
	if t.Digest != i.digest {
		return time.Time{}
	}
	return t.Since
}

// listed are the watched tags that a request selects.
func (c *call) listed(request operations.TagsRequest) ([]operations.TagStatus, error) {
	return operations.All(func(page operations.Page) ([]operations.TagStatus, string, error) {
		request.Page = page
		list, err := operations.ListTags.Run(c, c.system, request)
		return list.Tags, list.Next, err
	})
}

// imagesOf are the images that tags point to, in the order of the tags, those for the
// default platform first.
func imagesOf(tags []operations.TagStatus) []found {
	slices.SortStableFunc(tags, func(a, b operations.TagStatus) int {
		if cut := strings.Compare(a.Target.Reference.String(), b.Target.Reference.String()); cut != 0 {
			return cut
		}
		return strings.Compare(order(a.Target), order(b.Target))
	})
	var images []found
	places := map[image.Digest]int{}
	for _, t := range tags {
		at, known := places[t.Digest]
		if !known || t.Digest == "" {
			at = len(images)
			places[t.Digest] = at
			images = append(images, found{digest: t.Digest})
		}
		images[at].tags = append(images[at].tags, t)
	}
	return images
}

func order(t image.Target) string {
	if t.Platform.OrDefault() == image.DefaultPlatform {
		return ""
	}
	return t.Platform.String()
}

// listImages answers all images, or those of the tag fulltag.
func listImages(c *call) (any, error) {
	if tag := c.parameter("fulltag"); tag != "" {
		return c.imagesOfTag(tag)
	}
	tags, err := c.listed(operations.TagsRequest{})
	if err != nil {
		return nil, err
	}
	records, wanted := []any{}, c.parameter("analysis_status")
	for _, i := range imagesOf(tags) {
		if wanted == "" || wanted == i.analysis() {
			records = append(records, c.record(i, nil))
		}
	}
	return records, nil
}

func (c *call) imagesOfTag(text string) ([]any, error) {
	named, err := operations.NameTag.Run(c, c.system, operations.TagRequest{Ref: text})
	if err != nil {
		return nil, err
	}
	repository := operations.Places{Repository: named.Target.Reference.Repository.String()}
	tags, err := c.listed(operations.TagsRequest{Places: repository})
	if err != nil {
		return nil, err
	}
	names := named.Target.Reference.Names()
	tags = slices.DeleteFunc(tags, func(t operations.TagStatus) bool { return !slices.Contains(names, t.Target.Reference) })
	if named.Target.Platform != (image.Platform{}) {
		tags = slices.DeleteFunc(tags, func(t operations.TagStatus) bool { return t.Target != named.Target })
	}
	if len(tags) == 0 {
		return nil, notFound("image not found: " + text + " is not watched")
	}
	return c.records(imagesOf(tags))
}

// records are images in full.
func (c *call) records(images []found) ([]any, error) {
	records := []any{}
	for _, i := range images {
		detail, err := c.detail(i)
		if err != nil {
			return nil, err
		}
		records = append(records, c.record(i, detail))
	}
	return records, nil
}

// detail is what is known from the analysis of an image; nil if it is not analyzed.
func (c *call) detail(i found) (*operations.PackageList, error) {
	for _, t := range i.tags {
		if t.Analyzed != i.digest || i.digest == "" {
			continue
		}
		list, err := operations.ListPackages.Run(c, c.system, operations.PackagesRequest{TagRequest: operations.OfTag(t.Target), Page: operations.Page{Limit: 1}})
		return &list, err
	}
	return nil, nil
}

// record is Anchore's record of an image. What only the analysis knows is null without
// the detail.
func (c *call) record(i found, detail *operations.PackageList) map[string]any {
	var created, seen, changed time.Time
	for _, t := range i.tags {
		if changed.Before(t.Changed) {
			changed = t.Changed
		}
		if since := i.since(t); seen.IsZero() || !since.IsZero() && since.Before(seen) {
			seen = since
		}
	}
	metadata := map[string]any{"arch": nil, "distro": nil, "distro_version": nil, "dockerfile_mode": nil, "image_size": nil, "layer_count": nil}
	var id, file, done any
	if detail != nil {
		created, id, done = detail.Created, known(detail.ImageID), date(detail.Analyzed)
		mode := "Guessed"
		if detail.Given {
			mode = "Actual"
		}
		metadata = map[string]any{"arch": detail.Architecture, "distro": detail.Distribution, "distro_version": detail.Release,
			"dockerfile_mode": mode, "image_size": detail.Size, "layer_count": detail.Layers}
		file = encoded(detail.Dockerfile)
	}
	details, parent := []any{}, i.digest
	for _, t := range i.tags {
		if t.Index != "" {
			parent = t.Index
		}
		ref := t.Target.Reference
		details = append(details, map[string]any{"fulltag": ref.String(), "fulldigest": ref.Repository.String() + "@" + string(i.digest),
			"registry": ref.Repository.Registry, "repo": ref.Repository.Path, "tag": ref.Tag, "digest": i.digest, "imageDigest": i.digest, "imageId": id,
			"dockerfile": file, "created_at": date(i.since(t)), "last_updated": date(t.Changed), "tag_detected_at": date(i.since(t)), "userId": c.system.Account})
	}
	if created.IsZero() {
		created = seen
	}
	return map[string]any{"imageDigest": i.digest, "parentDigest": parent, "userId": c.system.Account, "image_status": "active", "analysis_status": i.analysis(),
		"annotations": map[string]any{}, "image_type": "docker", "image_content": map[string]any{"metadata": metadata}, "image_detail": details,
		"created_at": date(created), "last_updated": date(changed), "analyzed_at": done, "record_version": "1.0"}
}

var (
	digestPattern = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	idPattern     = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// image is the one of a digest. A digest of an index stands for that for the default
// platform.
func (c *call) image() (found, error) {
	digest := c.r.PathValue("digest")
	if !digestPattern.MatchString(digest) {
		return found{}, notFound("image not found: " + digest + " is not a digest; get it with GET /v1/images?fulltag=TAG")
	}
	images, err := c.holding(digest)
	if err != nil {
		return found{}, err
	}
	return images[0], nil
}

// holding are the images with a digest or an id. Another text has none: an empty one would
// select all tags.
func (c *call) holding(text string) ([]found, error) {
	if !digestPattern.MatchString(text) && !idPattern.MatchString(text) {
		return nil, notFound("image not found: " + strconv.Quote(text) + " is not the digest of an image")
	}
	tags, err := c.listed(operations.TagsRequest{Image: text})
	if err != nil {
		return nil, err
	}
	if len(tags) == 0 {
		return nil, notFound("image not found: no watched tag has image " + text)
	}
	images := imagesOf(tags)
	if digest := image.Digest(text); !slices.ContainsFunc(images, func(i found) bool { return i.digest == digest }) {
		var before []operations.TagStatus // tags that moved on, and whose new image is not analyzed yet
		for _, t := range tags {
			if t.Analyzed == digest {
				before = append(before, t)
			}
		}
		if before != nil {
			return []found{{digest, before}}, nil
		}
		return images, nil
	}
	return slices.DeleteFunc(images, func(i found) bool { return i.digest != image.Digest(text) }), nil
}

func imageByDigest(c *call) (any, error) {
	i, err := c.image()
	if err != nil {
		return nil, err
	}
	return c.records([]found{i})
}

// imagePart answers about a part of an image, or about an image by its id.
func imagePart(c *call) (any, error) {
	switch part := c.r.PathValue("part"); {
	case c.r.PathValue("digest") == "by_id":
		return imageByID(c, part)
	case part == "vuln":
		return vulnerabilityTypes(c)
	case part == "content":
		return contentTypes(c)
	case part == "metadata":
		return metadataTypes(c)
	case part == "check":
		return check(c)
	}
	return nil, noAddress(c)
}

func imageByID(c *call, id string) (any, error) {
	if !idPattern.MatchString(id) {
		return nil, notFound("image not found: " + id + " is not the id of an image")
	}
	images, err := c.holding(id)
	if err != nil {
		return nil, err
	}
	return c.records(images)
}

// summaries has one row for each tag.
func summaries(c *call) (any, error) {
	tags, err := c.listed(operations.TagsRequest{})
	if err != nil {
		return nil, err
	}
	rows := []any{}
	for _, i := range imagesOf(tags) {
		for _, t := range i.tags {
			parent := t.Index
			if parent == "" {
				parent = i.digest
			}
			rows = append(rows, map[string]any{"imageDigest": i.digest, "parentDigest": parent, "imageId": nil, "analysis_status": i.analysis(), "fulltag": t.Target.Reference.String(),
				"created_at": date(i.since(t)), "analyzed_at": nil, "tag_detected_at": date(i.since(t)), "image_status": "active"})
		}
	}
	return rows, nil
}

// analyzedTag is a tag whose last analyzed image is the one of the request, and whose
// vulnerabilities are known. Anchore has no such image for its clients either.
func (c *call) analyzedTag() (operations.TagStatus, image.Digest, error) {
	i, err := c.image()
	if err != nil {
		return operations.TagStatus{}, "", err
	}
	for _, t := range i.tags {
		if t.Analyzed == i.digest {
			return t, i.digest, nil
		}
	}
	return operations.TagStatus{}, "", &Fault{Status: http.StatusNotFound, Kind: "NotFound", Text: "image is not analyzed - analysis_status: " + i.analysis()}
}
