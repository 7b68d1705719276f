package lab_test

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/tagwatch/tagwatch/lab"
)

func newImage(t *testing.T, parts ...lab.Part) v1.Image {
	t.Helper()
	image, err := lab.NewImage(parts...)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// pushed is the image as a registry serves it.
func pushed(t *testing.T, image v1.Image) v1.Image {
	t.Helper()
	registry := newRegistry(t)
	if _, err := registry.Push("app:1", image); err != nil {
		t.Fatal(err)
	}
	pulled, err := remote.Image(reference(t, registry, "app:1"))
	if err != nil {
		t.Fatal(err)
	}
	return pulled
}

func layersOf(t *testing.T, image v1.Image) []v1.Hash {
	t.Helper()
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	var digests []v1.Hash
	for _, layer := range manifest.Layers {
		digests = append(digests, layer.Digest)
	}
	return digests
}

// everything is one of each content.
func everything() []lab.Part {
	return []lab.Part{
		lab.Debian(lab.Bookworm()...),
		lab.Node("/app", lab.NodeModule{Name: "lodash", Version: "4.17.20"}),
		lab.Python(lab.PythonPackage{Name: "django", Version: "4.2.1"}),
		lab.Ruby(lab.Gem{Name: "rack", Version: "2.2.3"}),
		lab.Java("/opt", lab.Jar{Group: "org.example", Artifact: "thing", Version: "1.0"}),
		lab.GoBinary("/usr/bin/tool", lab.GoModule{Path: "golang.org/x/net", Version: "v0.7.0"}),
		lab.StaticBinary("/app/static"),
		lab.Remove("/app/server.js"),
		lab.User("app"), lab.Expose("8080/tcp"), lab.Labels(map[string]string{"b": "2", "a": "1"}),
	}
}

func TestImagesAreReproducible(t *testing.T) {
	first, second := newImage(t, everything()...), newImage(t, everything()...)
	a, errA := first.Digest()
	b, errB := second.Digest()
	if a != b || errA != nil || errB != nil {
		t.Errorf("got %v and %v: %v", a, b, errors.Join(errA, errB))
	}
}

func TestImagesShareLayers(t *testing.T) {
	base := lab.Debian(lab.Bookworm()...)
	older := layersOf(t, newImage(t, base, lab.Node("/app", lab.NodeModule{Name: "lodash", Version: "4.17.20"})))
	newer := layersOf(t, newImage(t, lab.User("app"), base, lab.Node("/app", lab.NodeModule{Name: "lodash", Version: "4.17.21"})))
	if older[0] != newer[0] || older[1] == newer[1] || len(newer) != 2 {
		t.Errorf("got %v and %v", older, newer)
	}
}

func TestFormats(t *testing.T) {
	cases := []struct {
		name             string
		parts            []lab.Part
		manifest, config types.MediaType
		layer            types.MediaType
	}{
		{"OCI", nil, types.OCIManifestSchema1, types.OCIConfigJSON, types.OCILayer},
		{"zstd", []lab.Part{lab.Zstd}, types.OCIManifestSchema1, types.OCIConfigJSON, types.OCILayerZStd},
		{"Docker", []lab.Part{lab.Docker}, types.DockerManifestSchema2, types.DockerConfigJSON, types.DockerLayer},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			image := newImage(t, append(c.parts, lab.StaticBinary("/app"))...)
			manifest, err := image.Manifest()
			if err != nil {
				t.Fatal(err)
			}
			got := []types.MediaType{manifest.MediaType, manifest.Config.MediaType, manifest.Layers[0].MediaType}
			if want := []types.MediaType{c.manifest, c.config, c.layer}; !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			if err := validate.Image(pushed(t, image), validate.Fast); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestHistory(t *testing.T) {
	parts := []lab.Part{
		lab.StaticBinary("/app"), lab.Run("apk add curl"), lab.User("app"), lab.Expose("80/tcp", "443/tcp"),
		lab.Entrypoint("/app", "serve"), lab.RawHistory("by hand"),
	}
	cases := []struct {
		name  string
		style []lab.Part
		want  []string
	}{
		{"BuildKit", nil, []string{
			"COPY . /app # buildkit", "RUN /bin/sh -c apk add curl # buildkit", "USER app",
			"EXPOSE map[80/tcp:{} 443/tcp:{}]", `ENTRYPOINT ["/app" "serve"]`, "by hand"}},
		{"classic", []lab.Part{lab.ClassicHistory}, []string{
			"/bin/sh -c #(nop) COPY . /app ", "/bin/sh -c apk add curl", "/bin/sh -c #(nop)  USER app",
			"/bin/sh -c #(nop)  EXPOSE 80/tcp 443/tcp", `/bin/sh -c #(nop)  ENTRYPOINT ["/app" "serve"]`, "by hand"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			config, err := newImage(t, slices.Concat(parts, c.style)...).ConfigFile()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, line := range config.History {
				got = append(got, line.CreatedBy)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestConfig(t *testing.T) {
	created := time.Date(2023, time.March, 1, 8, 0, 0, 0, time.UTC)
	config, err := newImage(t, lab.Created(created), lab.Platform("linux/arm/v7"), lab.User("app"), lab.Expose("80/tcp"),
		lab.Env("MODE", "test"), lab.WorkingDir("/srv"), lab.Volume("/data"), lab.Cmd("run"), lab.Healthcheck("curl -f localhost"),
		lab.Labels(map[string]string{"team": "red"})).ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	c := config.Config
	_, exposed := c.ExposedPorts["80/tcp"]
	_, mounted := c.Volumes["/data"]
	truths := map[string]bool{
		"created":  config.Created.Equal(created),
		"platform": config.OS == "linux" && config.Architecture == "arm" && config.Variant == "v7",
		"user":     c.User == "app", "port": exposed, "volume": mounted, "env": slices.Contains(c.Env, "MODE=test"),
		"dir": c.WorkingDir == "/srv", "cmd": slices.Equal(c.Cmd, []string{"run"}), "label": c.Labels["team"] == "red",
		"health": c.Healthcheck != nil && c.Healthcheck.Test[1] == "curl -f localhost",
	}
	for what, holds := range truths {
		if !holds {
			t.Errorf("%s is not as set: %+v", what, config)
		}
	}
}

func TestLayerEntries(t *testing.T) {
	image := newImage(t, lab.Debian(lab.Deb{Name: "bash", Version: "5.2"}), lab.Remove("/usr/bin/su"))
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	system, removal := entries(t, layers[0]), entries(t, layers[1])
	if su := system["usr/bin/su"]; su == nil || su.Mode != 0o4755 {
		t.Errorf("su is not set-uid: %+v", su)
	}
	if shadow := system["etc/shadow"]; shadow == nil || shadow.Mode != 0o640 || shadow.Gid != 42 {
		t.Errorf("got shadow %+v", shadow)
	}
	if removal["usr/bin/.wh.su"] == nil {
		t.Errorf("no whiteout in %v", removal)
	}
}

func TestStaticBinaryIsAProgram(t *testing.T) {
	layers, err := newImage(t, lab.StaticBinary("/app")).Layers()
	if err != nil {
		t.Fatal(err)
	}
	archive, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = archive.Close() }()
	r := tar.NewReader(archive)
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	program, err := elf.NewFile(bytes.NewReader(content))
	if err != nil || program.Machine != elf.EM_X86_64 || len(program.Progs) != 1 {
		t.Errorf("got %+v, %v", program, err)
	}
}

func TestImageRefuses(t *testing.T) {
	for name, part := range map[string]lab.Part{
		"platform":    lab.Platform("a/b/c/d/e"),
		"empty layer": lab.Copy("/"),
		"Go version":  lab.GoBinary("/app", lab.GoModule{Path: "golang.org/x/net", Version: "latest"}),
	} {
		if _, err := lab.NewImage(part); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := lab.NewIndex(); err == nil {
		t.Error("index without images: accepted")
	}
}

func entries(t *testing.T, layer v1.Layer) map[string]*tar.Header {
	t.Helper()
	archive, err := layer.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = archive.Close() }()
	found := map[string]*tar.Header{}
	for r := tar.NewReader(archive); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		found[header.Name] = header
	}
}
