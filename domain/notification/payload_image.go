package notification

import (
	"fmt"
	"slices"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// ImageAnalyzed reports that the image of a tag is analyzed.
type ImageAnalyzed struct {
	Target image.Target
	// Before is what the tag pointed to when its image was last analyzed; zero
	// for the first image of the tag.
	Before, After Evidence
	Known         bool // it was analyzed before, for another tag
	Packages      int  // number of packages found
	// Difference is to the image that was analyzed before; nil without one, or if
	// tag_update has it.
	Difference *ImageDifference
	Unreadable []sbom.Unreadable
}

// maxUnreadable is how many unreadable files a body lists; counts has their number.
const maxUnreadable = 50

// Type is analysis_update.
func (ImageAnalyzed) Type() Type { return AnalysisUpdate }

func (c ImageAnalyzed) subject() string { return c.Target.String() }

func (c ImageAnalyzed) summary() string {
	line := fmt.Sprintf("image %s is analyzed, %s", c.After.Image.Manifest.Short(), wording.Count(c.Packages, "package"))
	if len(c.Unreadable) > 0 {
		line += ", " + wording.Count(len(c.Unreadable), "file") + " could not be read"
	}
	if c.Difference != nil {
		line += "; " + c.Difference.summary()
	}
	return line + c.After.incomplete()
}

type analysisState struct {
	ImageDigest image.Digest      `json:"imageDigest"`
	Status      string            `json:"analysis_status"`
	Annotations map[string]string `json:"annotations"`
}

func (c ImageAnalyzed) payload(shared common) any {
	before := "analyzing"
	if c.Known {
		before = "analyzed"
	}
	none := map[string]string{}
	counts := c.Difference.counts()
	counts["packages"], counts["unreadable_files"] = c.Packages, len(c.Unreadable)
	return struct {
		common
		LastEval    analysisState     `json:"last_eval"`
		CurrEval    analysisState     `json:"curr_eval"`
		Annotations map[string]string `json:"annotations"`
		about
		Unreadable []sbom.Unreadable `json:"unreadable_files"`
		Difference *imageDifference  `json:"image_difference,omitempty"`
		Counts     map[string]int    `json:"counts"`
	}{
		common:      shared,
		LastEval:    analysisState{c.After.Image.Manifest, before, none},
		CurrEval:    analysisState{c.After.Image.Manifest, "analyzed", none},
		Annotations: none,
		about:       newAbout(c.Target, c.Before, c.After),
		Unreadable:  append([]sbom.Unreadable{}, c.Unreadable[:min(len(c.Unreadable), maxUnreadable)]...),
		Difference:  c.Difference.body(),
		Counts:      counts,
	}
}

// TagMoved reports that a tag points to another image than it did.
type TagMoved struct {
	Target        image.Target
	Before, After Evidence
	// Earlier are images that the tag pointed to before, newest first.
	Earlier []image.Digest
	// Difference is nil if one of the two images is not analyzed: analysis_update has it
	// then.
	Difference *ImageDifference
	// Running is what workloads run of the tag; nil if no source says so.
	Running *workload.Running
}

// Type is tag_update.
func (TagMoved) Type() Type { return TagUpdate }

func (c TagMoved) subject() string { return c.Target.String() }

func (c TagMoved) summary() string {
	line := fmt.Sprintf("moved from %s to %s", c.Before.Image.Manifest.Short(), c.After.Image.Manifest.Short())
	if c.Difference != nil {
		line += "; " + c.Difference.summary()
	}
	return line + runningSummary(c.Running) + c.After.incomplete()
}

func (c TagMoved) payload(shared common) any {
	counts := c.Difference.counts()
	if c.Running != nil {
		counts["containers"], counts["containers_older"], counts["containers_unknown"] = c.Running.Total, c.Running.Older, c.Running.Unknown
	}
	return struct {
		common
		LastEval []image.Digest `json:"last_eval"`
		CurrEval []image.Digest `json:"curr_eval"`
		about
		Difference *imageDifference `json:"image_difference,omitempty"`
		// Workloads are those that still run an older image.
		Workloads []workload.Instance `json:"workloads,omitempty"`
		Counts    map[string]int      `json:"counts"`
	}{
		common:     shared,
		LastEval:   c.past(),
		CurrEval:   []image.Digest{c.After.Image.Manifest},
		about:      newAbout(c.Target, c.Before, c.After),
		Difference: c.Difference.body(),
		Workloads:  older(c.Running),
		Counts:     counts,
	}
}

// past has each image once, the immediate predecessor first.
func (c TagMoved) past() []image.Digest {
	past := []image.Digest{}
	for _, digest := range append([]image.Digest{c.Before.Image.Manifest}, c.Earlier...) {
		if digest != "" && !slices.Contains(past, digest) {
			past = append(past, digest)
		}
	}
	return past
}
