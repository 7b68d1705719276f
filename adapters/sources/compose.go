package sources

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/interpolation"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"

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
