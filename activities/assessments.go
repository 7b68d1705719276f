package activities

import (
	"maps"
	"sync"

	"github.com/tagwatch/tagwatch/domain/image"
)

// assessed identifies what is assessed once: an image under a key of the active bundle.
// Without a key nobody can tell what differs.
type assessed struct {
	image image.Digest
	key   string
}

// assessments are made once for all tags that differ in nothing but the name.
type assessments struct {
	mu   sync.Mutex
	made map[assessed]func() (assessment, error)
}

// once returns the assessment, which the first that asks for it makes.
func (a *assessments) once(of assessed, assess func() (assessment, error)) (assessment, error) {
	if of.key == "" {
		return assess()
	}
	a.mu.Lock()
	made := a.made[of]
	if made == nil {
		if a.made == nil {
			a.made = map[assessed]func() (assessment, error){}
		}
		made = sync.OnceValues(assess)
		a.made[of] = made
	}
	a.mu.Unlock()
	return made()
}

// clear forgets all assessments.
func (a *assessments) clear() { a.keep("") }

// keep forgets the assessments of other images.
func (a *assessments) keep(image image.Digest) {
	a.mu.Lock()
	defer a.mu.Unlock()
	maps.DeleteFunc(a.made, func(each assessed, _ func() (assessment, error)) bool { return each.image != image })
}
