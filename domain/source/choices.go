package source

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/filter"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/wording"
)

// Choices are what the labels or annotations of a place ask for. The zero value asks
// for nothing: what the source says applies.
type Choices struct {
	// Watch is "true" or "false"; empty without the label.
	Watch     string              `json:"watch,omitempty"`
	Types     []notification.Type `json:"types,omitempty"`
	Endpoints []string            `json:"endpoints,omitempty"`
	When      string              `json:"when,omitempty"`
	// Interval is how often the tag is checked.
	Interval time.Duration `json:"interval,omitempty"`
}

// Zero reports whether nothing is chosen.
func (c Choices) Zero() bool {
	return c.Watch == "" && len(c.Types) == 0 && len(c.Endpoints) == 0 && c.When == "" && c.Interval == 0
}

// LabelPrefix begins the labels and annotations that Tagwatch reads.
const LabelPrefix = "tagwatch/"

// labels are those that are read.
var labels = []string{"watch", "types", "endpoints", "when", "interval"}

// readLabels reads the labels that begin with LabelPrefix. One that it does not know, or
// whose value means nothing, is an error: somebody asked for something.
func readLabels(all map[string]string) (c Choices, err error) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		key, ours := strings.CutPrefix(name, LabelPrefix)
		if !ours {
			continue
		}
		value := strings.TrimSpace(all[name])
		switch key {
		case "watch":
			if value != "true" && value != "false" {
				return Choices{}, fmt.Errorf("label %s: %q is neither true nor false: %w", name, value, errkind.Invalid)
			}
			c.Watch = value
		case "types":
			if c.Types, err = types(value); err != nil {
				return Choices{}, fmt.Errorf("label %s: %w", name, err)
			}
		case "endpoints":
			c.Endpoints = list(value)
		case "when":
			if _, err := filter.Compile(value); err != nil {
				return Choices{}, fmt.Errorf("label %s: %w: %w", name, err, errkind.Invalid)
			}
			c.When = value
		case "interval":
			if c.Interval, err = time.ParseDuration(value); err != nil || c.Interval < subscription.ShortestPoll {
				return Choices{}, fmt.Errorf("label %s: %q is not a duration of %s or more, such as 5m: %w", name, value, subscription.ShortestPoll, errkind.Invalid)
			}
		default:
			return Choices{}, fmt.Errorf("label %s is not known; known are %s: %w", name, LabelPrefix+strings.Join(labels, ", "+LabelPrefix), errkind.Invalid)
		}
	}
	return c, nil
}

func list(value string) (items []string) {
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

func types(value string) (all []notification.Type, err error) {
	for _, name := range list(value) {
		t, err := notification.ParseType(name)
		if err != nil || !slices.Contains(notification.TagTypes, t) {
			return nil, fmt.Errorf("%q is not a notification type of tags; those are %s: %w", name, wording.List(notification.TagTypes), errkind.Invalid)
		}
		all = append(all, t)
	}
	return all, nil
}
