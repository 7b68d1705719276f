package image_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
)

var (
	layerOne = image.Digest("sha256:" + strings.Repeat("1", 64))
	layerTwo = image.Digest("sha256:" + strings.Repeat("2", 64))
)

// configuration is a sound one with some of its fields replaced, and one layer.
func configuration(replaced string) []byte {
	fields := map[string]string{
		"os": `"linux"`, "architecture": `"arm64"`, "variant": `"v8"`, "created": `"2024-05-06T07:08:09Z"`,
		"history": `[{"created_by":"ADD / /"}]`, "config": `{"Labels":{"a":"b"}}`,
	}
	name, value, _ := strings.Cut(replaced, "=")
	if fields[name] = value; name == "" {
		delete(fields, name)
	}
	text := `{"rootfs":{"type":"layers","diff_ids":["` + string(layerOne) + `"]}`
	for name, value := range fields {
		text += `,"` + name + `":` + value
	}
	return []byte(text + "}")
}

// What is odd about one field costs that field.
func TestOddFieldsOfAConfiguration(t *testing.T) {
	t.Parallel()
	sound := image.Configuration{
		Platform: image.Platform{OS: "linux", Architecture: "arm64", Variant: "v8"},
		Created:  time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC),
		History:  []string{"ADD / /"}, Labels: map[string]string{"a": "b"}, DiffIDs: []image.Digest{layerOne},
	}
	with := func(change func(*image.Configuration)) image.Configuration {
		changed := sound
		change(&changed)
		return changed
	}
	undated := with(func(c *image.Configuration) { c.Created = time.Time{} })
	for replaced, want := range map[string]image.Configuration{
		"":                                   sound,
		"author=7":                           sound,
		"docker_version=[]":                  sound,
		`container_config={"Env":"A=1"}`:     sound,
		"os=7":                               with(func(c *image.Configuration) { c.Platform.OS = "" }),
		"architecture=null":                  with(func(c *image.Configuration) { c.Platform.Architecture = "" }),
		`variant={"v":8}`:                    with(func(c *image.Configuration) { c.Platform.Variant = "" }),
		`created="0000-00-00T00:00:00Z"`:     undated,
		`created="0000-01-01T00:00:00Z"`:     undated,
		`created="0001-01-01T00:00:00Z"`:     undated,
		`created="+12026-01-01T00:00:00Z"`:   undated,
		`created=""`:                         undated,
		`created=1714979289`:                 undated,
		`created=null`:                       undated,
		`history=null`:                       with(func(c *image.Configuration) { c.History = nil }),
		`history={}`:                         with(func(c *image.Configuration) { c.History = nil }),
		`history=[7,{"created_by":"RUN x"}]`: with(func(c *image.Configuration) { c.History = []string{"", "RUN x"} }),
		`history=[{"created":"yesterday","created_by":"RUN x","empty_layer":"no"}]`: with(func(c *image.Configuration) { c.History = []string{"RUN x"} }),
		`config=null`:                       with(func(c *image.Configuration) { c.Labels = nil }),
		`config="none"`:                     with(func(c *image.Configuration) { c.Labels = nil }),
		`config={"Labels":["a"]}`:           with(func(c *image.Configuration) { c.Labels = nil }),
		`config={"Labels":{"a":"b","c":1}}`: with(func(c *image.Configuration) { c.Labels = map[string]string{"a": "b", "c": ""} }),
		`config={"Labels":{"a":"b"},"Env":"A=1","ExposedPorts":["80/tcp"],"Healthcheck":{"Interval":"30s"}}`: sound,
	} {
		got, err := image.ParseConfiguration(configuration(replaced))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got)\n%s", replaced, err, diff)
		}
	}
}

// The list of layers says what the image is made of.
func TestConfigurationWithoutItsLayers(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		``, `<html>`, `null7`, `[]`, `"x"`, `{`, `{"rootfs":[]}`, `{"rootfs":{"diff_ids":"sha256:1"}}`,
		`{"rootfs":{"diff_ids":[1]}}`, `{"rootfs":{"diff_ids":["sha256:short"]}}`,
	} {
		if got, err := image.ParseConfiguration([]byte(raw)); !errors.Is(err, errkind.Invalid) {
			t.Errorf("%s: %+v, %v; want errkind.Invalid", raw, got, err)
		}
	}
	got, err := image.ParseConfiguration([]byte(`{"rootfs":{"diff_ids":["` + string(layerTwo) + `","` + string(layerOne) + `"]}}`))
	if err != nil || !slices.Equal(got.DiffIDs, []image.Digest{layerTwo, layerOne}) {
		t.Errorf("layers %v, %v; want their order", got.DiffIDs, err)
	}
}

// The layers of a base image are those before its command, as each builder writes it.
func TestBaseLayers(t *testing.T) {
	t.Parallel()
	const (
		layer   = `{"created_by":"RUN x"}`
		setting = `{"created_by":"ENV a=b","empty_layer":true}`
		command = `{"created_by":"CMD [\"bash\"]","empty_layer":true}`
		classic = `{"created_by":"/bin/sh -c #(nop)  CMD [\"bash\"]","empty_layer":true}`
	)
	for name, test := range map[string]struct {
		history []string
		want    int
	}{
		"a base image itself":           {[]string{layer, setting, command}, 0},
		"built on one":                  {[]string{layer, command, layer, setting, command}, 1},
		"built on one, without command": {[]string{layer, layer, command, setting, layer}, 2},
		"built on one that was":         {[]string{layer, classic, layer, classic, layer, layer, classic}, 2},
		"only settings added":           {[]string{layer, layer, command, setting, command}, 2},
		"settings after the command":    {[]string{layer, command, layer, command, setting}, 0},
		"no command":                    {[]string{layer, layer, setting}, 0},
		"no history":                    {nil, 0},
		"a history of other layers":     {[]string{layer, command, layer, command, `{"created_by":"RUN y","empty_layer":true}`, `7`}, 0},
		"a command that is no setting":  {[]string{layer, `{"created_by":"CMD x"}`, layer}, 0},
	} {
		layers := 0
		for _, step := range test.history {
			if !strings.Contains(step, "empty_layer") && name != "a history of other layers" {
				layers++
			}
		}
		diffIDs := strings.Repeat(`,"`+string(layerOne)+`"`, layers)
		raw := `{"history":[` + strings.Join(test.history, ",") + `],"rootfs":{"diff_ids":[` + strings.TrimPrefix(diffIDs, ",") + `]}}`
		got, err := image.ParseConfiguration([]byte(raw))
		if err != nil || got.BaseLayers != test.want {
			t.Errorf("%s: %d layers of the base image, want %d (%v)", name, got.BaseLayers, test.want, err)
		}
	}
}
