package message_test

import (
	"strings"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
)

var (
	first  = image.Digest("sha256:" + strings.Repeat("1", 64))
	index  = image.Digest("sha256:" + strings.Repeat("9", 64))
	nginx  = image.Target{Reference: image.Repository{Registry: "docker.io", Path: "library/nginx"}.Reference("1.25")}
	second = image.Digest("sha256:" + strings.Repeat("2", 64))
)

func evidence(manifest image.Digest) notification.Evidence {
	return notification.Evidence{Image: image.Resolved{Manifest: manifest, Index: index}, Build: "build of " + string(manifest)[7:10], Bundle: "b"}
}
