package sources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/adapters/outbound"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/plain"
	"github.com/tagwatch/tagwatch/domain/source"
)

// engine is a container engine, by the API that Docker documents.
type engine struct {
	client   *http.Client
	base     string
	shown    string // the address as people gave it
	platform image.Platform
	images   map[string]engineImage // by their identifiers
	// services are the platforms on which tasks run here, by the names of their services,
	// and tasks what these run.
	services map[string]image.Platform
	tasks    map[string]engineRun
}

// engine finds what an engine runs.
func (r *Reader) engine(ctx context.Context, s source.Source) (source.Reading, error) {
	e, err := r.engineOf(s)
	if err != nil {
		return source.Reading{}, err
	}
	defer e.client.CloseIdleConnections()
	services, err := e.managed(ctx)
	if err != nil {
		return source.Reading{}, err
	}
	found, err := e.containers(ctx, services)
	if err != nil {
		return source.Reading{}, err
	}
	tasks, starting, err := e.managedTasks(ctx, services)
	if err != nil {
		return source.Reading{}, err
	}
	return source.Reading{Found: source.Order(append(found, tasks...)), Changing: starting}, nil
}

// engineOf is the client of a source's engine.
func (r *Reader) engineOf(s source.Source) (*engine, error) {
	address, err := url.Parse(s.Paths[0])
	if err != nil {
		return nil, fmt.Errorf("read the address of the engine: %w", errkind.Invalid)
	}
	dialer := outbound.Checked(net.Dialer{Timeout: connectTimeout}, allowed)
	transport := &http.Transport{DialContext: dialer.DialContext, ResponseHeaderTimeout: readTimeout} // without a proxy: the engine is near
	e := &engine{client: &http.Client{Transport: transport, CheckRedirect: checkRedirect}, base: "http://" + address.Host,
		shown: s.Paths[0], platform: s.Platform, images: map[string]engineImage{}, services: map[string]image.Platform{}, tasks: map[string]engineRun{}}
	if address.Scheme == "unix" {
		if err := r.mayRead(address.Path); err != nil {
			return nil, err
		}
		e.base = "http://engine"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: connectTimeout}).DialContext(ctx, "unix", address.Path)
		}
	}
	return e, nil
}

type engineContainer struct {
	ID      string `json:"Id"`
	Names   []string
	Image   string
	ImageID string
	Labels  map[string]string
	// ImageManifestDescriptor says which image of several platforms runs, where the engine
	// keeps more than one.
	ImageManifestDescriptor struct {
		Digest   image.Digest
		Platform enginePlatform
	}
}

type engineImage struct {
	RepoTags    []string
	RepoDigests []string
	enginePlatform
}

type enginePlatform struct {
	Os           string
	Architecture string
	Variant      string
}

// containers are those that run, without those of services that the engine lists: they
// are tasks of these.
func (e *engine) containers(ctx context.Context, services []engineService) ([]source.Found, error) {
	var running []engineContainer
	if err := e.get(ctx, "/containers/json", &running); err != nil {
		return nil, err
	}
	var all []source.Found
	for _, each := range running {
		if slices.ContainsFunc(services, func(s engineService) bool { return s.Spec.Name == each.Labels[labelService] }) {
			runs, err := e.image(ctx, each.ImageID)
			if err != nil {
				return nil, err
			}
			e.services[each.Labels[labelService]] = e.platformOf(each.platform(runs))
			e.tasks[each.Labels[labelTask]] = engineRun{each, runs}
			continue
		}
		found, err := e.container(ctx, each)
		if status, is := errors.AsType[*engineStatus](err); is && status.code == http.StatusNotFound {
			continue // it was removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		all = append(all, found.With(each.Labels))
	}
	slices.SortStableFunc(all, func(a, b source.Found) int { return strings.Compare(a.Place, b.Place) })
	return all, nil
}

func (e *engine) container(ctx context.Context, c engineContainer) (source.Found, error) {
	name := c.ID[:min(12, len(c.ID))]
	if len(c.Names) > 0 {
		name = strings.TrimPrefix(c.Names[0], "/")
	}
	text := c.Image
	if c.isID(text) {
		// Its tag has moved on: what it was created from is in its configuration.
		var inspected struct{ Config struct{ Image string } }
		if err := e.get(ctx, "/containers/"+url.PathEscape(c.ID)+"/json", &inspected); err != nil {
			return source.Found{}, err
		}
		if inspected.Config.Image != "" {
			text = inspected.Config.Image
		}
	}
	workload := c.workload(name)
	place := "container " + name
	if c.Labels[labelService] != "" { // its tasks come and go under names of their own
		place = "service " + workload.Name
	}
	runs, err := e.image(ctx, c.ImageID)
	if err == nil && c.isID(text) {
		return runs.unnamed(text, place), nil
	}
	own := runs
	if err == nil && runs.nameless() {
		// It was pulled or built anew, or its name was removed. What now has the name says
		// whether that is one of a registry.
		if named := source.Refer(text, place, e.platform); named.Reason == "" {
			runs, err = e.image(ctx, text)
		}
	}
	if err != nil {
		return source.Found{}, err
	}
	found := source.Refer(text, place, e.platformOf(c.platform(runs)))
	switch {
	case found.Reason != "":
	case runs.nameless():
		found.Reason, found.Note = source.Nameless, "whether its image is of a registry is not known"
	case !runs.isFrom(found.Target.Reference.Repository):
		found.Reason, found.Note = source.Built, "the image that runs has no digest of this repository"
	}
	workload.Running = []source.Running{{Digest: c.digest(own, found.Target.Reference.Repository), Count: 1}}
	found.Workloads = []source.Workload{workload}
	return found, nil
}

// unnamed is an image that a container was created from by its identifier.
func (i engineImage) unnamed(id, place string) source.Found {
	note := "an image's identifier, of which no registry is known"
	if len(i.RepoTags) > 0 {
		note = "an image's identifier; to watch a tag, create the container from it: the engine has the image as " + strings.Join(i.RepoTags, ", ")
	}
	return source.Not(source.NotAnImage, id, place, note)
}

// platform is the one on which the container runs.
func (c engineContainer) platform(runs engineImage) enginePlatform {
	if c.ImageManifestDescriptor.Platform.Os != "" {
		return c.ImageManifestDescriptor.Platform
	}
	return runs.enginePlatform
}

// isFrom reports whether the image was pulled from a repository or pushed there. An image
// that was given another name has the digests of those that it had before.
func (i engineImage) isFrom(repository image.Repository) bool {
	return slices.ContainsFunc(i.RepoDigests, func(text string) bool { return i.named(text, repository) })
}

// named reports whether one of the image's digests is of a repository.
func (engineImage) named(text string, repository image.Repository) bool {
	from, _, err := image.ParsePinned(text)
	return err == nil && from.Reference.Repository.Canonical() == repository.Canonical()
}

// nameless reports whether the engine has no name of the image any more. The image of a
// container that runs can be gone altogether, once its tag was pulled anew.
func (i engineImage) nameless() bool { return len(i.RepoTags) == 0 && len(i.RepoDigests) == 0 }

// image is what the engine knows of an image, by its identifier or name; nothing of one
// that it does not have.
func (e *engine) image(ctx context.Context, id string) (engineImage, error) {
	if known, found := e.images[id]; found {
		return known, nil
	}
	var read engineImage
	err := e.get(ctx, "/images/"+strings.ReplaceAll(url.PathEscape(id), "%2F", "/")+"/json", &read)
	if status, is := errors.AsType[*engineStatus](err); is && status.code == http.StatusNotFound {
		err = nil
	}
	e.images[id] = read
	return read, err
}

// platformOf is the platform of an image that runs, unless the source has one.
func (e *engine) platformOf(runs enginePlatform) image.Platform {
	if e.platform != (image.Platform{}) {
		return e.platform
	}
	platform, err := image.ParsePlatform(strings.TrimSuffix(runs.Os+"/"+runs.Architecture+"/"+runs.Variant, "/"))
	if err != nil || platform == image.DefaultPlatform {
		return image.Platform{}
	}
	return platform
}

// engineStatus is an answer other than OK.
type engineStatus struct {
	code    int
	text    string
	kind    error
	message string // of the engine
}

// Error implements error.
func (s *engineStatus) Error() string { return s.text }

// Unwrap returns the kind.
func (s *engineStatus) Unwrap() error { return s.kind }

func (e *engine) get(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	body, err := e.open(ctx, path)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := json.NewDecoder(outbound.Bounded(body, 8*largest)).Decode(into); err != nil {
		return fmt.Errorf("read what the engine at %s says of %s: %w: %w", e.shown, path, errkind.Unavailable, err)
	}
	return nil
}

// open begins an answer.
func (e *engine) open(ctx context.Context, path string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.base+path, nil)
	if err != nil {
		return nil, fmt.Errorf("ask %s for %s: %w", e.shown, path, errkind.Invalid)
	}
	response, err := e.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("the engine at %s is not reachable: %w: %w", e.shown, errkind.Unavailable, unwrapped(err))
	}
	if response.StatusCode == http.StatusOK {
		return response.Body, nil
	}
	defer response.Body.Close()
	status := &engineStatus{code: response.StatusCode, kind: errkind.Unavailable, message: messageOf(response.Body)}
	status.text = fmt.Sprintf("the engine at %s responded %s to GET %s", e.shown, response.Status, path)
	if status.message != "" {
		status.text += ": " + status.message
	}
	if status.code == http.StatusUnauthorized || status.code == http.StatusForbidden {
		status.kind = errkind.Unauthorized
	}
	return nil, status
}

// longestMessage is how much of an engine's message is shown, in bytes.
const longestMessage = 300

// messageOf is what an engine says of a refusal; empty if it says nothing that can be read.
func messageOf(body io.Reader) string {
	var refusal struct{ Message string }
	if err := json.NewDecoder(outbound.Bounded(body, largest)).Decode(&refusal); err != nil {
		return ""
	}
	return plain.Truncate(longestMessage, plain.Line(refusal.Message))
}
