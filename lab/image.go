package lab

import (
	"fmt"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Part is a part of an image: content, which becomes a layer, a setting of its
// configuration, or its format.
type Part func(*recipe) error

// NewImage builds an image from its parts. Each content is one layer, in the
// order given, and the same content gives the same layer in every image of the
// same format. Without parts that say otherwise the image is for linux/amd64, in
// OCI format with gzip layers, with the history that BuildKit writes.
func NewImage(parts ...Part) (v1.Image, error) {
	r := &recipe{
		config: v1.ConfigFile{
			OS: "linux", Architecture: "amd64", Created: v1.Time{Time: epoch}, RootFS: v1.RootFS{Type: "layers"},
			Config: v1.Config{Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}},
		},
		format: ociFormat,
		style:  buildKit,
	}
	for _, part := range parts {
		if err := part(r); err != nil {
			return nil, err
		}
	}
	return r.build()
}

// recipe collects the parts. Nothing is built before all are applied, because the
// format applies to every layer.
type recipe struct {
	config v1.ConfigFile
	steps  []step
	format format
	style  style
}

// step is one line of the image's history, with a layer unless files is empty.
type step struct {
	instruction instruction
	files       []File
}

// format is a consistent set of media types.
type format struct {
	manifest, config, layer types.MediaType
}

var (
	ociFormat     = format{types.OCIManifestSchema1, types.OCIConfigJSON, types.OCILayer}
	ociZstdFormat = format{types.OCIManifestSchema1, types.OCIConfigJSON, types.OCILayerZStd}
	dockerFormat  = format{types.DockerManifestSchema2, types.DockerConfigJSON, types.DockerLayer}
)

// Docker makes it an image of Docker's schema 2.
func Docker(r *recipe) error { r.format = dockerFormat; return nil }

// Zstd makes it an OCI image with layers compressed by zstd.
func Zstd(r *recipe) error { r.format = ociZstdFormat; return nil }

// Platform sets what the image runs on, as "linux/arm64" or "linux/arm/v7".
func Platform(platform string) Part {
	return func(r *recipe) error {
		p, err := v1.ParsePlatform(platform)
		if err != nil {
			return fmt.Errorf("platform %q: %w", platform, err)
		}
		r.config.OS, r.config.Architecture, r.config.Variant = p.OS, p.Architecture, p.Variant
		return nil
	}
}

// Created sets the image's time of creation, which its history shares.
func Created(at time.Time) Part {
	return func(r *recipe) error {
		r.config.Created = v1.Time{Time: at.UTC()}
		return nil
	}
}

// add appends a layer of files.
func (r *recipe) add(i instruction, files ...File) error {
	if len(files) == 0 {
		return fmt.Errorf("layer %s %s: it has no files", i.verb, i.arguments)
	}
	r.steps = append(r.steps, step{instruction: i, files: files})
	return nil
}

// note appends a line of history that changes only the configuration.
func (r *recipe) note(verb, arguments string) {
	r.steps = append(r.steps, step{instruction: instruction{verb: verb, arguments: arguments}})
}

func (r *recipe) build() (v1.Image, error) {
	image := mutate.MediaType(empty.Image, r.format.manifest)
	image = mutate.ConfigMediaType(image, r.format.config)
	image, err := mutate.ConfigFile(image, &r.config)
	if err != nil {
		return nil, fmt.Errorf("configure image: %w", err)
	}
	for _, step := range r.steps {
		addendum, err := r.addendum(step)
		if err != nil {
			return nil, err
		}
		if image, err = mutate.Append(image, addendum); err != nil {
			return nil, fmt.Errorf("append layer: %w", err)
		}
	}
	return image, nil
}

func (r *recipe) addendum(s step) (mutate.Addendum, error) {
	history := r.style.history(s.instruction)
	history.Created = r.config.Created
	if len(s.files) == 0 {
		history.EmptyLayer = true
		return mutate.Addendum{History: history}, nil
	}
	layer, err := newLayer(s.files, r.format.layer)
	if err != nil {
		return mutate.Addendum{}, fmt.Errorf("%s %s: %w", s.instruction.verb, s.instruction.arguments, err)
	}
	return mutate.Addendum{Layer: layer, History: history, MediaType: r.format.layer}, nil
}

// Copy adds files as a COPY instruction does.
func Copy(target string, files ...File) Part {
	return func(r *recipe) error { return r.add(copyTo(target), files...) }
}

// Run adds the files that a RUN instruction would have made. Without files it
// leaves only a line of history.
func Run(command string, files ...File) Part {
	return func(r *recipe) error {
		if len(files) == 0 {
			r.note("RUN", command)
			return nil
		}
		return r.add(instruction{verb: "RUN", arguments: command}, files...)
	}
}

// Remove hides paths of earlier layers, as "rm" in a RUN instruction does.
func Remove(paths ...string) Part {
	var hidden []File
	for _, path := range paths {
		hidden = append(hidden, Whiteout(path))
	}
	return Run("rm -rf "+strings.Join(paths, " "), hidden...)
}
