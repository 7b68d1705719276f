// Package source holds the places from which Tagwatch takes what to watch: files,
// Dockerfiles, Compose projects, container engines and clusters. It says what each
// reference that was found there means, and decides which subscriptions follow from a
// listing. Everything in it is pure.
package source

import (
	"strings"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
)

// Found is one reference where it stands in a source.
type Found struct {
	// Text is the reference as it is written, with the values of its variables.
	Text string `json:"text"`
	// Place is where it stands: a file with its line, a service, a workload.
	Place string `json:"place"`
	// Reason is why it is not followed; empty if it is.
	Reason Reason `json:"reason,omitempty"`
	// Note says more: which variable, which stage, what is wrong, or which other place of
	// the same tag decides.
	Note string `json:"note,omitempty"`
	// Target is what is watched; zero if there is none.
	Target image.Target `json:"target,omitzero"`
	// Pin is the digest that a tag was written with.
	Pin image.Digest `json:"pin,omitempty"`
	// Choices are what the labels of the place ask for.
	Choices Choices `json:"choices,omitzero"`
	// PullSecrets are the names of the secrets that a cluster pulls the image with.
	// Tagwatch does not read them.
	PullSecrets []string `json:"pull_secrets,omitempty"`
	// Workloads are what runs there, at most MostWorkloads; empty for a place where
	// nothing runs, such as a file.
	Workloads []Workload `json:"workloads,omitempty"`
}

// Reason is why a reference is not followed.
type Reason string

// The reasons.
const (
	Scratch    Reason = "scratch"    // the empty base image
	Stage      Reason = "stage"      // an earlier stage of the same Dockerfile
	Built      Reason = "built"      // the image is built there, no registry has to have it
	NoValue    Reason = "no_value"   // a variable has no value
	Template   Reason = "template"   // a template of another program
	NoProfile  Reason = "no_profile" // a service whose profiles are not selected
	SwitchOff  Reason = "off"        // a label says that it is not to be watched
	BadLabel   Reason = "bad_label"  // a label cannot be read; what is watched already stays
	NotAnImage Reason = "not_image"  // a build context or an identifier, not an image of a registry
	Nameless   Reason = "nameless"   // the engine has lost the name of what it runs; what is watched already stays
	Invalid    Reason = "invalid"    // not a reference
	Unreadable Reason = "unreadable" // a file that is named there and not to be had
)

// Followed reports whether the reference is to be watched.
func (f Found) Followed() bool { return f.Reason == "" && f.Target != image.Target{} }

// local reports whether the image may be in no registry.
func (f Found) local() bool { return f.Reason == Built || f.Reason == Nameless }

// Refer says what a reference means. Its variables have their values already; what is
// left of a variable is one without.
func Refer(text, place string, platform image.Platform) Found {
	found := Found{Text: text, Place: place}
	switch {
	case strings.TrimSpace(text) == "":
		return found.not(Invalid, "the reference is empty")
	case text == "scratch":
		return found.not(Scratch, "")
	case isTemplate(text):
		return found.not(Template, "")
	case len(Variables(text)) > 0:
		return found.not(NoValue, strings.Join(Variables(text), ", "))
	case isImageID(text):
		return found.not(NotAnImage, "an image's identifier, of which no registry is known")
	}
	target, pin, err := image.ParsePinned(text)
	if err != nil {
		return found.not(Invalid, errkind.Text(err))
	}
	if target.Platform == (image.Platform{}) {
		target.Platform = platform
	}
	found.Target, found.Pin = target, pin
	return found
}

// not is the reference with a reason not to follow it.
func (f Found) not(reason Reason, note string) Found {
	f.Reason, f.Note = reason, note
	return f
}

// Not is a reference that is not followed.
func Not(reason Reason, text, place, note string) Found {
	return Found{Text: text, Place: place}.not(reason, note)
}

// isTemplate reports whether a text is to be filled in by another program: Go and Jinja
// write {{ }}, Jinja also {% %}, ERB and others <% %>, and several @NAME@.
func isTemplate(text string) bool {
	for _, mark := range []string{"{{", "{%", "<%", "<<", "%%"} {
		if strings.Contains(text, mark) {
			return true
		}
	}
	return strings.HasPrefix(text, "@") || strings.Count(text, "@") > 1 && !strings.Contains(text, "@sha256:")
}

// isImageID reports whether a text is a digest without a name, as engines show images
// that have lost theirs.
func isImageID(text string) bool {
	_, err := image.ParseDigest(text)
	return err == nil
}

// With is the reference with what its labels ask for.
func (f Found) With(all map[string]string) Found {
	choices, err := readLabels(all)
	switch {
	case err != nil && (f.Reason == "" || f.local()):
		return f.not(BadLabel, errkind.Text(err))
	case choices.Watch == "false" && (f.Reason == "" || f.local()):
		f = f.not(SwitchOff, "")
	case choices.Watch == "true" && f.local() && f.Target != (image.Target{}):
		f = f.not("", "")
	}
	f.Choices = choices
	return f
}

// Order drops what is said twice, and keeps what runs at each mention of it.
func Order(all []Found) (once []Found) {
	seen := map[string]int{}
	for _, f := range all {
		key := f.Place + "\x00" + f.Text + "\x00" + f.Target.Platform.String()
		if at, again := seen[key]; again {
			once[at].Workloads = Merge(once[at].Workloads, f.Workloads)
			continue
		}
		seen[key] = len(once)
		once = append(once, f)
	}
	return once
}
