package cluster

import (
	"strings"

	"github.com/tagwatch/tagwatch/domain/image"
)

// runningDigest is the digest in an identifier of an image as container runtimes report it: of a
// manifest or an index with a repository, of a configuration without one. Empty if there
// is none.
//
//	docker-pullable://nginx@sha256:…    docker://sha256:…
//	docker.io/library/nginx@sha256:…    sha256:…
//	a name and no digest                64 hexadecimal digits
func runningDigest(imageID string) image.Digest {
	text := imageID
	if _, rest, found := strings.Cut(text, "://"); found {
		text = rest
	}
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		text = text[at+1:]
	}
	if !strings.Contains(text, ":") {
		text = "sha256:" + text
	}
	digest, err := image.ParseDigest(text)
	if err != nil {
		return ""
	}
	return digest
}
