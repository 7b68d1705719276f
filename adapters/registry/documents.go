package registry

import (
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/tagwatch/tagwatch/domain/image"
)

const (
	keptDocuments = 1000
	largestKept   = 16 << 10 // bytes
)

// documents are the manifests and indexes read last, by their digest. Resolving
// a tag, looking it up for its first check and analyzing its image need the same
// ones, and registries count each request for a manifest.
type documents struct {
	cache *lru.Cache[cacheKey, document]
}

type cacheKey struct {
	repository image.Repository
	digest     image.Digest
}

func newDocuments() documents {
	cache, err := lru.New[cacheKey, document](keptDocuments)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return documents{cache}
}

func (d documents) find(repository image.Repository, identifier string) (document, bool) {
	return d.cache.Get(cacheKey{repository, image.Digest(identifier)})
}

func (d documents) keep(repository image.Repository, doc document) {
	if len(doc.raw) <= largestKept {
		d.cache.Add(cacheKey{repository, doc.digest}, doc)
	}
}
