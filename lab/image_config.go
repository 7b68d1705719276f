package lab

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// configured changes the configuration and leaves a line of history.
func configured(verb, arguments string, change func(*v1.Config)) Part {
	return func(r *recipe) error {
		change(&r.config.Config)
		r.note(verb, arguments)
		return nil
	}
}

// with adds keys to a set that may be nil.
func with(set map[string]struct{}, keys ...string) map[string]struct{} {
	grown := map[string]struct{}{}
	maps.Copy(grown, set)
	for _, key := range keys {
		grown[key] = struct{}{}
	}
	return grown
}

// User sets the user that the image runs as.
func User(user string) Part {
	return configured("USER", user, func(c *v1.Config) { c.User = user })
}

// Expose declares ports, as "8080/tcp".
func Expose(ports ...string) Part {
	return configured("EXPOSE", strings.Join(ports, " "), func(c *v1.Config) { c.ExposedPorts = with(c.ExposedPorts, ports...) })
}

// Entrypoint sets the command that always runs.
func Entrypoint(words ...string) Part {
	return configured("ENTRYPOINT", execForm(words), func(c *v1.Config) { c.Entrypoint = words })
}

// Cmd sets the default command or the entrypoint's default arguments.
func Cmd(words ...string) Part {
	return configured("CMD", execForm(words), func(c *v1.Config) { c.Cmd = words })
}

// Env sets an environment variable.
func Env(key, value string) Part {
	return configured("ENV", key+"="+value, func(c *v1.Config) { c.Env = append(c.Env, key+"="+value) })
}

// Labels sets labels.
func Labels(labels map[string]string) Part {
	return func(r *recipe) error {
		if r.config.Config.Labels == nil {
			r.config.Config.Labels = map[string]string{}
		}
		maps.Copy(r.config.Config.Labels, labels)
		for _, key := range slices.Sorted(maps.Keys(labels)) {
			r.note("LABEL", key+"="+labels[key])
		}
		return nil
	}
}

// WorkingDir sets the directory in which the command starts.
func WorkingDir(dir string) Part {
	return configured("WORKDIR", dir, func(c *v1.Config) { c.WorkingDir = dir })
}

// Volume declares a mount point.
func Volume(path string) Part {
	return configured("VOLUME", "["+path+"]", func(c *v1.Config) { c.Volumes = with(c.Volumes, path) })
}

// Healthcheck sets a shell command that checks whether a container is healthy.
func Healthcheck(command string) Part {
	test := []string{"CMD-SHELL", command}
	return configured("HEALTHCHECK", fmt.Sprintf(`&{%s "30s" "3s" "0s" "0s" '\x00'}`, execForm(test)), func(c *v1.Config) {
		c.Healthcheck = &v1.HealthConfig{Test: test, Interval: 30 * time.Second, Timeout: 3 * time.Second}
	})
}
