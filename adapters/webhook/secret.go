package webhook

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// maxSecretBytes bounds a file.
const maxSecretBytes = 64 << 10

// ReadSecret reads a secret from the environment of this process, or from a file,
// without the line break at its end, which files have and variables that Kubernetes
// makes from them. A missing or empty one is an error of kind Unavailable that names
// the reference: it can be supplied while deliveries wait.
func ReadSecret(ref endpoint.SecretRef) (string, error) {
	kind, name, _ := strings.Cut(string(ref), ":")
	switch kind {
	case "env":
		return readEnvironment(name)
	case "file":
		return readFile(name)
	}
	return "", ref.Validate()
}

func readEnvironment(name string) (string, error) {
	value := withoutBreak(os.Getenv(name))
	if value == "" {
		return "", fmt.Errorf("the environment variable %s is not set for this worker: %w", name, errkind.Unavailable)
	}
	return value, nil
}

func readFile(path string) (string, error) {
	content, err := readBounded(path)
	if err != nil {
		return "", err
	}
	value := withoutBreak(string(content))
	if value == "" {
		return "", fmt.Errorf("the file %s is empty: %w", path, errkind.Unavailable)
	}
	return value, nil
}

func withoutBreak(value string) string { return strings.TrimRight(value, "\r\n") }

func readBounded(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errkind.Unavailable, err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxSecretBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errkind.Unavailable, err)
	}
	if len(content) > maxSecretBytes {
		return nil, fmt.Errorf("the file %s has more than %d bytes: %w", path, maxSecretBytes, errkind.Unavailable)
	}
	return content, nil
}
