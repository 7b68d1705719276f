package conf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// Certificates are the files that belong to one host.
type Certificates struct {
	Authorities []string
	// Pairs are client certificates with their keys.
	Pairs []Pair
}

// Pair is a certificate and its private key.
type Pair struct{ Certificate, Key string }

// DefaultCertificateDirectories are where other tools of the machine check, the
// nearest first.
func DefaultCertificateDirectories() []string {
	var directories []string
	if home, err := os.UserHomeDir(); err == nil {
		directories = append(directories, filepath.Join(home, ".config", "containers", "certs.d"))
	}
	return append(directories, "/etc/containers/certs.d", "/etc/docker/certs.d")
}

// CertificatesOf lists the files of a host (host or host:port) in the first of
// the directories that has a folder of its name: *.crt are authorities, *.cert
// with *.key of the same name are for the client.
func CertificatesOf(host string, directories []string) (found Certificates, err error) {
	for _, directory := range directories {
		folder := filepath.Join(directory, filepath.Base(host))
		entries, err := os.ReadDir(folder)
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission) && !exists(folder):
			continue
		case err != nil:
			return found, fmt.Errorf("read certificates of %s: %w", host, err)
		}
		for _, entry := range entries {
			if err := found.add(filepath.Join(folder, entry.Name())); err != nil {
				return found, err
			}
		}
		return found, nil
	}
	return found, nil
}

func (c *Certificates) add(path string) error {
	switch stem, extension := strings.TrimSuffix(path, filepath.Ext(path)), filepath.Ext(path); extension {
	case ".crt":
		c.Authorities = append(c.Authorities, path)
	case ".cert":
		if !exists(stem + ".key") {
			return fmt.Errorf("client certificate %s has no key beside it (%s.key): %w", path, filepath.Base(stem), errkind.Invalid)
		}
		c.Pairs = append(c.Pairs, Pair{path, stem + ".key"})
	case ".key":
		if !exists(stem + ".cert") {
			return fmt.Errorf("key %s has no client certificate beside it (%s.cert; authorities are *.crt): %w", path, filepath.Base(stem), errkind.Invalid)
		}
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
