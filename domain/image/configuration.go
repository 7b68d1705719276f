package image

import (
	"encoding/json"
	"fmt"
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
	CreatedBy lenient[string] `json:"created_by"`
}

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
