package sources

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/interpolation"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/template"
	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v3"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/source"
)

// Project is how a Compose project is read.
type Project struct {
	// Variables stand before those of the project's .env file. The environment of the
	// program is not read: what is in it is not the project's.
	Variables map[string]string
	// Profiles are those whose services are followed; * stands for all.
	Profiles []string
	Platform image.Platform
	// MayRead refuses files, and Read reads one that it does not refuse; without them every
	// file is read.
	MayRead func(path string) error
	Read    func(path string) ([]byte, error)
}

// open reads a file of the project.
func (p Project) open(path string) ([]byte, error) {
	if p.Read != nil {
		return p.Read(path)
	}
	return readFile(path)
}

// Compose finds the images of the services of a Compose project, which are those of
// its file and of what that includes and extends. An override file that lies beside it
// is read as Compose does.
func Compose(ctx context.Context, path string, project Project) ([]source.Found, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	c := compose{Project: project, place: path, folder: filepath.Dir(full), images: map[string]bool{}, known: types.Mapping{}, syntax: source.Syntax{Escape: '$'}}
	maps.Copy(c.known, project.Variables)
	model, err := c.load(ctx, full)
	if err != nil {
		return nil, fmt.Errorf("read the Compose project %s: %w", path, err)
	}
	if err := c.find(model); err != nil {
		return nil, fmt.Errorf("read the Compose project %s: %w", path, err)
	}
	return source.Order(c.found), nil
}

type compose struct {
	Project
	place     string
	folder    string
	files     []string      // those of the project itself, which include others
	variables types.Mapping // the project's
	syntax    source.Syntax
	known     types.Mapping // variables of all files
	filled    int           // bytes of their values that others are made of
	// images are the texts in which a variable without a value must not become empty.
	images map[string]bool
	// folders are those of the files that were read, which are noted.
	folders, noted []string
	refused        error // that one of them may not be read
	found          []source.Found
}

// load merges the files of a project into one model.
func (c *compose) load(ctx context.Context, path string) (map[string]any, error) {
	var err error
	if c.variables, err = c.environment(); err != nil {
		return nil, err
	}
	c.files = append([]string{path}, override(path)...)
	var files []types.ConfigFile
	for _, each := range c.files {
		if _, err := c.Load(ctx, each); err != nil {
			return nil, err
		}
		files = append(files, types.ConfigFile{Filename: each})
	}
	details := types.ConfigDetails{WorkingDir: c.folder, ConfigFiles: files, Environment: c.variables}
	model, err := loader.LoadModelWithContext(ctx, details, func(o *loader.Options) {
		// What is no part of finding images is not judged: newer attributes than the
		// library knows, missing environment files, required passwords.
		o.SkipValidation, o.SkipDefaultValues, o.SkipNormalization = true, true, true
		o.SkipConsistencyCheck, o.SkipResolveEnvironment, o.SkipResolveLabels = true, true, true
		o.SetProjectName(loader.NormalizeProjectName(filepath.Base(c.folder)), true)
		o.ResourceLoaders = []loader.ResourceLoader{c}
		o.Interpolate = &interpolation.Options{Substitute: c.substitute, LookupValue: details.LookupEnv}
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, errkind.Invalid)
	}
	return model, nil
}

// environment is the project's: its .env file, and before it what the source says.
func (c *compose) environment() (types.Mapping, error) {
	variables := types.Mapping{}
	file := filepath.Join(c.folder, ".env")
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		if err := c.checkVariables(file); err != nil {
			return nil, err
		}
		read, err := dotenv.GetEnvFromFile(c.Variables, []string{file})
		if err != nil {
			return nil, fmt.Errorf("%w: %w", err, errkind.Invalid)
		}
		maps.Copy(variables, read)
	}
	maps.Copy(variables, c.Variables)
	return variables, nil
}

// override is the file that Compose reads behind one of the names that it looks for.
func override(path string) []string {
	name, folder := filepath.Base(path), filepath.Dir(path)
	if !slices.Contains(composeNames, name) {
		return nil
	}
	for _, end := range []string{".yaml", ".yml"} {
		file := filepath.Join(folder, strings.TrimSuffix(name, filepath.Ext(name))+".override"+end)
		if _, err := os.Stat(file); err == nil {
			return []string{file}
		}
	}
	return nil
}

// composeNames are the names by which Compose finds a project, in its order.
var composeNames = []string{"compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"}

// Accept, Load and Dir see every file before the library reads it: which of its texts
// name images is known before their variables are replaced.
func (c *compose) Accept(path string) bool {
	for _, start := range []string{"https://", "http://", "git@", "git://", "ssh://", "oci://", "github.com/"} {
		if strings.HasPrefix(path, start) {
			return true
		}
	}
	return c.noteNear(path)
}

// noteNear notes the file that the library is about to read. What an included file
// names is relative to that one, so it is looked for in all folders seen; one too many
// does no harm. It reports whether the file may not be read: then Load says so.
func (c *compose) noteNear(path string) (refused bool) {
	candidates := []string{path}
	if !filepath.IsAbs(path) {
		candidates = nil
		for _, folder := range c.folders {
			candidates = append(candidates, filepath.Join(folder, path))
		}
	}
	for _, file := range candidates {
		info, err := os.Stat(file)
		if err != nil || !info.Mode().IsRegular() || slices.Contains(c.noted, file) {
			continue
		}
		if c.MayRead != nil {
			if err := c.MayRead(file); err != nil {
				c.refused, refused = err, true
				continue
			}
		}
		_ = c.note(file) // the library says why it cannot be read
	}
	return refused || c.refused != nil
}

// Load refuses what lies elsewhere.
func (c *compose) Load(_ context.Context, path string) (string, error) {
	if c.refused != nil {
		return "", c.refused
	}
	if filepath.IsAbs(path) {
		return path, c.note(path)
	}
	return "", fmt.Errorf("%s lies outside of the worker, and is not fetched; have a copy of it beside the file that names it: %w", path, errkind.Invalid)
}

// The library calls Dir only for what Load has loaded.
func (c *compose) Dir(path string) string { return filepath.Dir(path) }

// note remembers the texts of a file that name images.
func (c *compose) note(path string) error {
	c.noted = append(c.noted, path)
	text, err := c.open(path)
	if err != nil {
		return err
	}
	folder := filepath.Dir(path)
	if !slices.Contains(c.folders, folder) {
		c.folders = append(c.folders, folder)
	}
	c.refused = cmp.Or(c.refused, c.checkVariables(filepath.Join(folder, ".env")))
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var content any
		err := decoder.Decode(&content)
		if errors.Is(err, io.EOF) {
			return c.refused
		}
		if err != nil {
			return fmt.Errorf("%s: %w: %w", path, err, errkind.Invalid)
		}
		c.noteImages(content)
		c.noteIncludes(path, content)
	}
}

const (
	// largestVariable and mostInVariable bound one variable of a file, in bytes and in the
	// variables that it is made of.
	largestVariable, mostInVariable = 64 << 10, 200
	// mostVariables bounds the values that all are made of, in bytes.
	mostVariables = 4 << 20
)

// checkVariables refuses a file of variables that may not be read, or that stands for very
// much: the library reads it by itself, and knows no limit. It is read in the same way
// here, one variable after the other.
func (c *compose) checkVariables(file string) error {
	if slices.Contains(c.noted, file) {
		return nil
	}
	c.noted = append(c.noted, file)
	if c.MayRead != nil {
		if err := c.MayRead(file); err != nil {
			return err
		}
	}
	text, err := c.open(file)
	if errors.Is(err, errkind.NotFound) {
		return nil // the library says so if it has to be there
	}
	if err != nil {
		return err
	}
	lookup := func(name string) (string, bool) {
		value, found := c.known[name]
		if c.filled += len(value); c.filled > mostVariables {
			return "", found
		}
		return value, found
	}
	pending := ""
	for line := range strings.Lines(string(text)) {
		pending += line
		if len(pending) > largestVariable || strings.Count(pending, "$") > mostInVariable {
			return fmt.Errorf("%s: a variable has more than %d KiB, or is made of more than %d others: %w", file, largestVariable>>10, mostInVariable, errkind.Limit)
		}
		read, err := dotenv.ParseWithLookup(strings.NewReader(pending), lookup)
		if err != nil && strings.Contains(err.Error(), "unterminated quoted value") {
			continue // in this line
		}
		if err != nil {
			return fmt.Errorf("%s: %w: %w", file, err, errkind.Invalid)
		}
		if c.filled > mostVariables {
			return fmt.Errorf("%s: the values of variables that others are made of have more than %d MiB: %w", file, mostVariables>>20, errkind.Limit)
		}
		for name, value := range read {
			if before, found := c.known[name]; !found || len(value) > len(before) {
				c.known[name] = value
			}
		}
		pending = ""
	}
	return nil
}

// noteIncludes checks the files of variables that come with includes: the library opens
// them by itself.
func (c *compose) noteIncludes(path string, content any) {
	document, _ := content.(map[string]any)
	includes, _ := document["include"].([]any)
	for _, each := range includes {
		include, _ := each.(map[string]any)
		for _, name := range []string{"env_file", "project_directory"} {
			for _, text := range oneOrMore(include[name]) {
				if text == os.DevNull {
					continue // no file
				}
				file, err := c.included(path, name, text)
				if err != nil {
					c.refused = cmp.Or(c.refused, err)
					continue
				}
				if name == "project_directory" {
					c.folders = append(c.folders, file)
					file = filepath.Join(file, ".env")
				}
				c.refused = cmp.Or(c.refused, c.checkVariables(file))
			}
		}
	}
}

// included is the path that an include has for what is written under a key of it. Only in
// the project's own files it is known which folder it is relative to, and what the
// variables are.
func (c *compose) included(path, key, text string) (string, error) {
	missing := ""
	file, err := c.syntax.Expand(text, func(name string) (string, bool) {
		value, found := c.variables[name]
		if !found {
			missing = name
		}
		return value, true
	})
	switch {
	case err != nil:
		return "", err
	case missing != "":
		return "", fmt.Errorf("%s: %s of an include has the variable %s, which has no value: %w", path, key, missing, errkind.Invalid)
	case filepath.IsAbs(file):
		return file, nil
	case !slices.Contains(c.files, path):
		return "", fmt.Errorf("%s: %s of an include is relative in a file that is included itself; make it absolute: %w", path, key, errkind.Invalid)
	}
	return filepath.Join(c.folder, file), nil
}

func (c *compose) noteImages(content any) {
	switch value := content.(type) {
	case map[string]any:
		for key, inner := range value {
			if text, is := inner.(string); is && slices.Contains([]string{"image", "platform", "dockerfile", "context", "target", "source", "build"}, key) {
				c.images[text] = true
			}
			if key == "args" || key == "additional_contexts" || key == "labels" {
				c.noteTexts(inner)
			}
			c.noteImages(inner)
		}
	case []any:
		for _, inner := range value {
			c.noteImages(inner)
		}
	}
}

func (c *compose) noteTexts(content any) {
	switch value := content.(type) {
	case string:
		c.images[value] = true
	case map[string]any:
		for _, inner := range value {
			c.noteTexts(inner)
		}
	case []any:
		for _, inner := range value {
			c.noteTexts(inner)
		}
	}
}

// substitute replaces variables. Those without a value are left where an image is
// named, and empty elsewhere, as Compose has it.
func (c *compose) substitute(text string, lookup template.Mapping) (string, error) {
	if !strings.Contains(text, "$") {
		return text, nil
	}
	if c.images[text] {
		return c.syntax.Expand(text, lookup)
	}
	return c.syntax.Expand(text, func(name string) (string, bool) {
		value, _ := lookup(name)
		return value, true
	})
}

// find goes through the services, and what else of a project comes from a registry.
func (c *compose) find(model map[string]any) error {
	for _, section := range []string{"services", "jobs"} {
		services, err := mapping(model, section)
		if err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(services)) {
			if err := c.service(name, services[name]); err != nil {
				return err
			}
		}
	}
	models, err := mapping(model, "models")
	for _, name := range slices.Sorted(maps.Keys(models)) {
		settings, _ := models[name].(map[string]any)
		c.found = append(c.found, source.Not(source.NotAnImage, fmt.Sprint(settings["model"]), c.at("model", name), "a model"))
	}
	return err
}

func (c *compose) at(kind, name string) string { return c.place + ": " + kind + " " + name }

func (c *compose) service(name string, content any) error {
	place := c.at("service", name)
	service, is := content.(map[string]any)
	if !is {
		return fmt.Errorf("service %s is not a mapping: %w", name, errkind.Invalid)
	}
	platform, problem := c.platform(service)
	from := len(c.found)
	written, named := "", service["image"] != nil
	if named {
		written = fmt.Sprint(service["image"])
	}
	build, built := service["build"].(map[string]any)
	switch {
	case problem != nil:
		c.found = append(c.found, *problem)
		c.found[from].Place = place
	case named:
		found := source.Refer(written, place, platform)
		if policy, _ := service["pull_policy"].(string); found.Reason == "" && (built || policy == "never") {
			found.Reason = source.Built
		}
		c.found = append(c.found, found)
	case !built:
		c.found = append(c.found, source.Not(source.NotAnImage, name, place, "the service names no image"))
	}
	if built && problem == nil {
		if err := c.built(name, place, named, build, platform); err != nil {
			return err
		}
	}
	c.mounts(service, place, platform)
	labels := labelsOf(service["labels"])
	for i := range c.found[from:] {
		each := &c.found[from+i]
		*each = each.With(labels)
		if each.Reason == "" && !c.selected(service) {
			each.Reason, each.Note = source.NoProfile, strings.Join(texts(service["profiles"]), ", ")
		}
	}
	return nil
}

func (c *compose) platform(service map[string]any) (image.Platform, *source.Found) {
	text, _ := service["platform"].(string)
	if text == "" {
		return c.Platform, nil
	}
	if left := source.Variables(text); len(left) > 0 {
		found := source.Not(source.NoValue, text, "", strings.Join(left, ", "))
		return image.Platform{}, &found
	}
	platform, err := image.ParsePlatform(text)
	if err != nil {
		found := source.Not(source.Invalid, text, "", errkind.Text(err))
		return image.Platform{}, &found
	}
	if platform == image.DefaultPlatform && c.Platform == (image.Platform{}) {
		return image.Platform{}, nil
	}
	return platform, nil
}

// selected reports whether a service is one that would be started.
func (c *compose) selected(service map[string]any) bool {
	profiles := texts(service["profiles"])
	return len(profiles) == 0 || slices.Contains(c.Profiles, "*") ||
		slices.ContainsFunc(profiles, func(p string) bool { return slices.Contains(c.Profiles, p) })
}

// built finds the images that a service is built from.
func (c *compose) built(name, place string, named bool, build map[string]any, platform image.Platform) error {
	if !named {
		c.found = append(c.found, source.Not(source.Built, name, place, ""))
	}
	settings := Build{Args: pairs(build["args"]), Platform: platform, Contexts: pairs(build["additional_contexts"])}
	settings.Target, _ = build["target"].(string)
	if inline, is := build["dockerfile_inline"].(string); is {
		found, err := Dockerfile([]byte(inline), place+" dockerfile_inline", settings)
		c.found = append(c.found, found...)
		return err
	}
	folder, _ := build["context"].(string)
	file, _ := build["dockerfile"].(string)
	if file == "" {
		file = "Dockerfile"
	}
	if strings.Contains(folder, "://") || strings.HasPrefix(folder, "git@") || strings.HasPrefix(folder, "github.com/") || len(source.Variables(folder+file)) > 0 {
		c.found = append(c.found, source.Not(source.Unreadable, file, place, "the build context "+folder+" is not on the worker"))
		return nil
	}
	path := file
	if !filepath.IsAbs(path) {
		path = filepath.Join(folder, file)
	}
	text, err := c.open(path)
	if errors.Is(err, errkind.NotFound) {
		// Often only the Compose file is there; the services that run are known by it.
		c.found = append(c.found, source.Not(source.Unreadable, c.short(path), place, "the file does not exist on the worker"))
		return nil
	}
	if err != nil {
		return err
	}
	found, err := Dockerfile(text, c.short(path), settings)
	if err != nil {
		return err
	}
	for i := range found {
		found[i].Place = place + ", " + found[i].Place
	}
	c.found = append(c.found, found...)
	return nil
}

// short is a path as seen from the project.
func (c *compose) short(path string) string {
	if short, err := filepath.Rel(c.folder, path); err == nil {
		return filepath.ToSlash(short)
	}
	return path
}

// mounts finds images that are mounted as volumes.
func (c *compose) mounts(service map[string]any, place string, platform image.Platform) {
	volumes, _ := service["volumes"].([]any)
	for _, volume := range volumes {
		if mount, is := volume.(map[string]any); is && mount["type"] == "image" {
			c.found = append(c.found, source.Refer(fmt.Sprint(mount["source"]), place+" volume", platform))
		}
	}
}

func mapping(model map[string]any, key string) (map[string]any, error) {
	content, found := model[key]
	if !found || content == nil {
		return nil, nil
	}
	inner, is := content.(map[string]any)
	if !is {
		return nil, fmt.Errorf("%s is not a mapping: %w", key, errkind.Invalid)
	}
	return inner, nil
}

// labelsOf are those of a service, which writes them as a mapping or as a list.
func labelsOf(content any) map[string]string { return pairs(content) }

// pairs reads NAME=VALUE in both forms of Compose. A name alone has no value.
func pairs(content any) map[string]string {
	all := map[string]string{}
	switch value := content.(type) {
	case map[string]any:
		for name, inner := range value {
			if inner != nil {
				all[name] = fmt.Sprint(inner)
			}
		}
	case []any:
		for _, each := range value {
			if name, inner, has := strings.Cut(fmt.Sprint(each), "="); has {
				all[name] = inner
			}
		}
	}
	return all
}

// oneOrMore is a text, or a list of them.
func oneOrMore(content any) []string {
	if text, is := content.(string); is {
		return []string{text}
	}
	return texts(content)
}

func texts(content any) (all []string) {
	list, _ := content.([]any)
	for _, each := range list {
		all = append(all, fmt.Sprint(each))
	}
	return all
}
