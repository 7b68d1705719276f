package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/types"

	"github.com/tagwatch/tagwatch/domain/image"
)

const (
	// hubKey is Docker Hub's name in Docker's configuration, for historical
	// reasons.
	hubKey = "https://index.docker.io/v1/"
	// identityUser is what helpers say for a user when the secret is an identity
	// token.
	identityUser = "<token>"
	// environmentConfig holds a whole configuration, as CI systems set it.
	environmentConfig = "DOCKER_AUTH_CONFIG"
)

// dockerConfiguration finds what docker login and podman login left behind, in
// files or with their helpers.
type dockerConfiguration struct{}

// find looks into the environment and then into each file that exists. The
// first that knows the registry decides.
func (dockerConfiguration) find(ctx context.Context, h *host, path string) (credentials, error) {
	if text := os.Getenv(environmentConfig); text != "" {
		loaded, err := config.LoadFromReader(strings.NewReader(text))
		if err != nil {
			return credentials{}, fmt.Errorf("%s is not a Docker configuration", environmentConfig) // the cause may quote it
		}
		if held := inFile(loaded, h, path); !held.none() {
			held.source = source{kind: "environment", name: environmentConfig}
			return held, nil
		}
	}
	for _, file := range configurationFiles() {
		held, err := inConfiguration(ctx, file, h, path)
		if err != nil || !held.none() {
			return held, err
		}
	}
	return credentials{}, nil
}

// configurationFiles are where Docker and Podman keep credentials.
func configurationFiles() (files []string) {
	home, _ := os.UserHomeDir()
	add := func(elements ...string) {
		if elements[0] != "" {
			files = append(files, filepath.Join(elements...))
		}
	}
	if directory := os.Getenv(config.EnvOverrideConfigDir); directory != "" {
		add(directory, config.ConfigFileName)
	} else {
		add(home, ".docker", config.ConfigFileName)
	}
	add(os.Getenv("REGISTRY_AUTH_FILE"))
	add(os.Getenv("XDG_RUNTIME_DIR"), "containers", "auth.json")
	if directory := os.Getenv("XDG_CONFIG_HOME"); directory != "" {
		add(directory, "containers", "auth.json")
	} else {
		add(home, ".config", "containers", "auth.json")
	}
	return files
}

func inConfiguration(ctx context.Context, file string, h *host, path string) (credentials, error) {
	opened, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return credentials{}, nil
	}
	if err != nil {
		return credentials{}, fmt.Errorf("open Docker's configuration: %w", err)
	}
	defer opened.Close()
	loaded, err := config.LoadFromReader(opened)
	if err != nil {
		return credentials{}, fmt.Errorf("read Docker's configuration %s: %s", file, withoutContent(err))
	}
	if helper := helperOf(loaded, h); helper != "" {
		held, err := askHelper(ctx, helper, keysOf(h)[0])
		if err != nil || !held.none() {
			return held, err
		}
	}
	held := inFile(loaded, h, path)
	held.source = source{kind: "file", name: file}
	return held, nil
}

// withoutContent is what is wrong with a file, without what stands in it.
func withoutContent(err error) string {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Sprintf("no JSON at byte %d", syntax.Offset)
	}
	return "not what docker login writes"
}

// keysOf are the names under which a registry stands in a configuration.
func keysOf(h *host) []string {
	if h.name == image.DefaultRegistry {
		return []string{hubKey, "index.docker.io", "docker.io", "https://index.docker.io", "registry-1.docker.io"}
	}
	return []string{h.name}
}

func helperOf(loaded *configfile.ConfigFile, h *host) string {
	for _, key := range keysOf(h) {
		if helper := loaded.CredentialHelpers[key]; helper != "" {
			return helper
		}
	}
	return loaded.CredentialsStore
}

// inFile looks for the entry of the repository, of what it lies in, and of the
// registry, the closest first, as containers-auth.json(5) has it.
func inFile(loaded *configfile.ConfigFile, h *host, path string) credentials {
	for name := h.name + "/" + path; strings.Contains(name, "/"); name = name[:strings.LastIndex(name, "/")] {
		if entry, found := loaded.AuthConfigs[name]; found {
			return credentialsOf(entry)
		}
	}
	for _, key := range keysOf(h) {
		for written, entry := range loaded.AuthConfigs {
			if written == key || bareHost(written) == key {
				return credentialsOf(entry)
			}
		}
	}
	return credentials{}
}

// bareHost is the host of a key that older tools wrote as a URL.
func bareHost(key string) string {
	_, rest, found := strings.Cut(key, "://")
	if !found {
		return key
	}
	host, path, _ := strings.Cut(rest, "/")
	if path = strings.Trim(path, "/"); path != "" && path != "v1" && path != "v2" {
		return key
	}
	return host
}

func credentialsOf(entry types.AuthConfig) credentials {
	held := credentials{username: entry.Username, password: entry.Password, identityToken: entry.IdentityToken, registryToken: entry.RegistryToken}
	if held.username == identityUser && held.identityToken == "" {
		held.identityToken, held.password = held.password, ""
	}
	return held
}
