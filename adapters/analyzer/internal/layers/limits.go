package layers

import (
	"fmt"
	"sync"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/wording"
)

// Limits protect the worker from an image's layers.
type Limits struct {
	LayerBytes int64 // of one layer, unpacked
	ImageBytes int64 // of all layers of an image, unpacked
	Entries    int   // of all layers of an image: files, folders, links
	PathLength int   // bytes of a path
	PathDepth  int   // components of a path
}

// SizeLimit counts what one image uses of its limits. It is safe for concurrent
// use by the layers of that image.
type SizeLimit struct {
	limits Limits

	mu      sync.Mutex
	bytes   int64
	entries int
}

// NewSizeLimit starts an image's count.
func NewSizeLimit(limits Limits) *SizeLimit { return &SizeLimit{limits: limits} }

// spend counts bytes and entries against the image's limits.
func (b *SizeLimit) spend(bytes int64, entries int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bytes += bytes
	b.entries += entries
	if b.bytes > b.limits.ImageBytes {
		return exceeded("image unpacks to more than %s", wording.Size(b.limits.ImageBytes))
	}
	if b.entries > b.limits.Entries {
		return exceeded("image has more than %d files, the limit", b.limits.Entries)
	}
	return nil
}

func exceeded(format string, arguments ...any) error {
	return fmt.Errorf(format+": %w", append(arguments, errkind.Limit)...)
}
