package analyzer

import (
	"cmp"
	"time"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/layers"
	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/sandbox"
)

// Limits protect the worker and its machine from an image. Zero fields have the
// defaults given here.
type Limits struct {
	LayerBytes int64         // of one layer, unpacked: 8 GiB
	ImageBytes int64         // of all layers, unpacked: 16 GiB
	Entries    int           // files, folders and links of all layers: 1,000,000
	PathLength int           // bytes of a path: 4096
	PathDepth  int           // components of a path: 256
	Layers     int           // of an image: 512
	Memory     int64         // bytes of the child's memory: 1 GiB
	CPU        time.Duration // processor time of the child, from when it has its image: 10 minutes
	Wall       time.Duration // duration of the child, from then: 15 minutes
	Scratch    int64         // bytes of the child's temporary files: 4 GiB
}

func (l Limits) withDefaults() Limits {
	return Limits{
		LayerBytes: cmp.Or(l.LayerBytes, 8<<30),
		ImageBytes: cmp.Or(l.ImageBytes, 16<<30),
		Entries:    cmp.Or(l.Entries, 1_000_000),
		PathLength: cmp.Or(l.PathLength, 4096),
		PathDepth:  cmp.Or(l.PathDepth, 256),
		Layers:     cmp.Or(l.Layers, 512),
		Memory:     cmp.Or(l.Memory, 1<<30),
		CPU:        cmp.Or(l.CPU, 10*time.Minute),
		Wall:       cmp.Or(l.Wall, 15*time.Minute),
		Scratch:    cmp.Or(l.Scratch, 4<<30),
	}
}

func (l Limits) ofLayers() layers.Limits {
	return layers.Limits{
		LayerBytes: l.LayerBytes, ImageBytes: l.ImageBytes, Entries: l.Entries,
		PathLength: l.PathLength, PathDepth: l.PathDepth,
	}
}

// ofChild allows one file the size of all files together, and as many open files as
// an image may have layers, and some more.
func (l Limits) ofChild() sandbox.Limits {
	return sandbox.Limits{
		Memory: l.Memory, CPU: l.CPU, Wall: l.Wall,
		FileBytes: l.Scratch, Scratch: l.Scratch, OpenFiles: l.Layers + 1024,
	}
}
