package image

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// Configuration is what the configuration of an image says, as far as Tagwatch
// needs it.
type Configuration struct {
	Platform Platform  // as far as it is given
	Created  time.Time // zero if unknown
	History  []string  // the commands that made the image, as the builder wrote them down
	Labels   map[string]string
	DiffIDs  []Digest // of the layers, unpacked
	// BaseLayers is how many of them come from the base image, as far as the history
	// tells; 0 where it does not.
	BaseLayers int
}

// firstYear is that of the oldest date that says something: builders write year
// 0 or 1 where they know none.
const firstYear = 1970

// ParseConfiguration reads the configuration of an image. The list of layers has
// to be right. Any other field that is not what it should be is left out: such
// fields do not change what is in the image.
func ParseConfiguration(raw []byte) (Configuration, error) {
	var read struct {
		OS           lenient[string]            `json:"os"`
		Architecture lenient[string]            `json:"architecture"`
		Variant      lenient[string]            `json:"variant"`
		Created      lenient[time.Time]         `json:"created"`
		History      lenient[[]lenient[madeBy]] `json:"history"`
		Config       lenient[labeled]           `json:"config"`
		RootFS       struct {
			DiffIDs []Digest `json:"diff_ids"`
		} `json:"rootfs"`
	}
	if err := json.Unmarshal(raw, &read); err != nil {
		return Configuration{}, fmt.Errorf("not the configuration of an image: %w: %w", errkind.Invalid, err)
	}
	for _, digest := range read.RootFS.DiffIDs {
		if _, err := ParseDigest(string(digest)); err != nil {
			return Configuration{}, fmt.Errorf("layers of the configuration: %w", err)
		}
	}
	configuration := Configuration{
		Platform: Platform{OS: read.OS.value, Architecture: read.Architecture.value, Variant: read.Variant.value},
		DiffIDs:  read.RootFS.DiffIDs,
	}
	configuration.BaseLayers = baseLayers(read.History.value, len(read.RootFS.DiffIDs))
	if created := read.Created.value; created.Year() >= firstYear {
		configuration.Created = created
	}
	for _, entry := range read.History.value {
		configuration.History = append(configuration.History, entry.value.CreatedBy.value)
	}
	for name, value := range read.Config.value.Labels.value {
		if configuration.Labels == nil {
			configuration.Labels = map[string]string{}
		}
		configuration.Labels[name] = value.value
	}
	return configuration, nil
}

// madeBy is an entry of the history.
type madeBy struct {
	CreatedBy  lenient[string] `json:"created_by"`
	EmptyLayer lenient[bool]   `json:"empty_layer"`
}

// startsContainers reports that the entry sets the command of containers, in the
// words of any builder.
func (m madeBy) startsContainers() bool {
	words := strings.Fields(strings.TrimPrefix(m.CreatedBy.value, "/bin/sh -c #(nop)"))
	return m.EmptyLayer.value && len(words) > 0 && words[0] == "CMD"
}

// baseLayers counts the layers before the last command of containers that others
// follow: a base image ends with its command, and what was built on it comes after.
// Without any, or where no more than settings follow the only one, nobody can tell a
// base image from an image of its own.
func baseLayers(history []lenient[madeBy], layers int) int {
	counted, base, commands := 0, 0, 0
	for _, entry := range history {
		switch step := entry.value; {
		case !step.EmptyLayer.value:
			if commands > 0 {
				base, commands = counted, 0
			}
			counted++
		case step.startsContainers():
			commands++
		}
	}
	switch {
	case counted != layers:
		return 0
	case commands > 1: // only settings were added to the base image
		return layers
	case commands == 1 && !last(history).startsContainers():
		return 0
	}
	return base
}

func last(history []lenient[madeBy]) madeBy { return history[len(history)-1].value }

// labeled is what a container is started with.
type labeled struct {
	Labels lenient[map[string]lenient[string]] `json:"Labels"`
}

// lenient is a value that stays zero where the document has another type or
// something else that cannot be read.
type lenient[T any] struct{ value T }

// UnmarshalJSON implements json.Unmarshaler.
func (l *lenient[T]) UnmarshalJSON(raw []byte) error {
	var value T
	if json.Unmarshal(raw, &value) == nil {
		l.value = value
	}
	return nil
}
