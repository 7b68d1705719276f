package config

import (
	"fmt"
	"os"
	"strings"
)

// readDatabaseURL is the setting of the database itself, or the content of the file that
// it names as file:/path.
func readDatabaseURL(setting string) (string, error) {
	path, named := strings.CutPrefix(setting, "file:")
	if !named {
		return strings.TrimRight(setting, "\r\n"), nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the database URL (--database-url, TAGWATCH_DATABASE_URL): %w", err)
	}
	url := strings.TrimSpace(string(content))
	if url == "" {
		return "", fmt.Errorf("the file %s, which --database-url (TAGWATCH_DATABASE_URL) names, is empty; it should contain a URL such as postgres://user:password@host/name", path)
	}
	return url, nil
}
