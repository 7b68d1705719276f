package sources

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/source"
)

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
