package lab

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// User sets the user that the image runs as.
func User(user string) Part {
	return func(r *recipe) error {
		r.config.Config.User = user
		r.note("USER", user)
		return nil
	}
}

// Expose declares ports, as "8080/tcp".
func Expose(ports ...string) Part {
	return func(r *recipe) error {
		if r.config.Config.ExposedPorts == nil {
			r.config.Config.ExposedPorts = map[string]struct{}{}
		}
		for _, port := range ports {
			r.config.Config.ExposedPorts[port] = struct{}{}
		}
		r.note("EXPOSE", strings.Join(ports, " "))
		return nil
	}
}

// Entrypoint sets the command that always runs.
func Entrypoint(words ...string) Part {
	return func(r *recipe) error {
		r.config.Config.Entrypoint = words
		r.note("ENTRYPOINT", execForm(words))
		return nil
	}
}

// Cmd sets the default command or the entrypoint's default arguments.
func Cmd(words ...string) Part {
	return func(r *recipe) error {
		r.config.Config.Cmd = words
		r.note("CMD", execForm(words))
		return nil
	}
}

// Env sets an environment variable.
func Env(key, value string) Part {
	return func(r *recipe) error {
		r.config.Config.Env = append(r.config.Config.Env, key+"="+value)
		r.note("ENV", key+"="+value)
		return nil
	}
}

// Labels sets labels.
func Labels(labels map[string]string) Part {
	return func(r *recipe) error {
		if r.config.Config.Labels == nil {
			r.config.Config.Labels = map[string]string{}
		}
		for _, key := range slices.Sorted(maps.Keys(labels)) {
			r.config.Config.Labels[key] = labels[key]
			r.note("LABEL", key+"="+labels[key])
		}
		return nil
	}
}

// WorkingDir sets the directory in which the command starts.
func WorkingDir(dir string) Part {
	return func(r *recipe) error {
		r.config.Config.WorkingDir = dir
		r.note("WORKDIR", dir)
		return nil
	}
}

// Volume declares a mount point.
func Volume(path string) Part {
	return func(r *recipe) error {
		if r.config.Config.Volumes == nil {
			r.config.Config.Volumes = map[string]struct{}{}
		}
		r.config.Config.Volumes[path] = struct{}{}
		r.note("VOLUME", "["+path+"]")
		return nil
	}
}

// Healthcheck sets a shell command that reports whether a container is well.
func Healthcheck(command string) Part {
	return func(r *recipe) error {
		test := []string{"CMD-SHELL", command}
		r.config.Config.Healthcheck = &v1.HealthConfig{Test: test, Interval: 30 * time.Second, Timeout: 3 * time.Second}
		r.note("HEALTHCHECK", fmt.Sprintf(`&{%s "30s" "3s" "0s" "0s" '\x00'}`, execForm(test)))
		return nil
	}
}
