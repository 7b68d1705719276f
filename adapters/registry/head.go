package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
)

// Head asks what a tag points to with one HEAD request. One that is refused
// proves nothing: there are registries, and more things in front of them, that
// answer only GET. So a GET follows before it is a verdict.
func (r *Registry) Head(ctx context.Context, ref image.Reference) (image.Digest, error) {
	var digest image.Digest
	err := r.eachPlace(ctx, manifestQuery(http.MethodHead, ref.Repository, ref.Identifier()), func(at place) (err error) {
		digest, err = at.digestOfTag(ctx, ref)
		return err
	})
	if err != nil {
		err = r.doubt(ctx, ref, err)
		return "", fmt.Errorf("look up %s: %w", ref, err)
	}
	return digest, nil
}

// digestOfTag asks one place, in the way that works there.
func (p place) digestOfTag(ctx context.Context, ref image.Reference) (image.Digest, error) {
	heads := &p.host.heads
	if heads.useless() {
		return p.digestByGet(ctx, ref)
	}
	digest, err := p.digestByHead(ctx, ref)
	refused := refusal(err)
	tag := fmt.Sprint(p.path, ":", ref.Identifier(), " ", refused)
	if digest != "" || err != nil && refused == 0 || heads.confirmed(tag) {
		return digest, err
	}
	digest, confirmation := p.digestByGet(ctx, ref)
	switch {
	case confirmation == nil:
		heads.giveUp()
	case refusal(confirmation) != 0:
		heads.confirm(tag)
	}
	return digest, confirmation
}

// digestByHead is "" where the answer has no digest.
func (p place) digestByHead(ctx context.Context, ref image.Reference) (image.Digest, error) {
	resp, err := p.ask(ctx, manifestQuery(http.MethodHead, ref.Repository, ref.Identifier()))
	if err != nil {
		return "", err
	}
	resp.Body.Close() // the body of a HEAD response is empty
	digest, _ := image.ParseDigest(resp.Header.Get(digestHeader))
	if ref.Digest == "" {
		return digest, nil
	}
	if digest != "" && digest != ref.Digest {
		return "", fmt.Errorf("%s says that %s has digest %s: %w", p.host.name, ref.Digest, digest, errkind.Unavailable)
	}
	return ref.Digest, nil
}

func (p place) digestByGet(ctx context.Context, ref image.Reference) (image.Digest, error) {
	ctx, cancel := p.host.client.soon(ctx)
	defer cancel()
	doc, err := p.document(ctx, manifestQuery(http.MethodGet, ref.Repository, ref.Identifier()))
	if err == nil {
		p.host.client.documents.keep(ref.Repository, doc)
	}
	return doc.digest, err
}

// refusal is the status with which a request was refused; 0 if it was not. That
// the host asks to wait is no refusal.
func refusal(err error) int {
	var status *statusError
	if !errors.As(err, &status) || status.status == http.StatusTooManyRequests {
		return 0
	}
	return status.status
}

const (
	// headsAgain is when a host that answers only GET is asked by HEAD again.
	headsAgain = time.Hour
	// confirmedFor is how long a refusal that GET confirmed is believed when HEAD
	// repeats it for the same tag.
	confirmedFor = 10 * time.Minute
	// mostConfirmed bounds the memory of confirmed refusals.
	mostConfirmed = 10_000
)

// heads is what the answers of a host to HEAD requests are worth.
type heads struct {
	mu      sync.Mutex
	again   time.Time            // when to try the next one
	refused map[string]time.Time // until when to believe it, by tag and status
}

// useless reports that the host answers GET where it refuses HEAD.
func (h *heads) useless() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Now().Before(h.again)
}

func (h *heads) giveUp() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.again = time.Now().Add(headsAgain)
}

func (h *heads) confirmed(tag string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Now().Before(h.refused[tag])
}

func (h *heads) confirm(tag string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refused == nil || len(h.refused) >= mostConfirmed {
		h.refused = map[string]time.Time{}
	}
	h.refused[tag] = time.Now().Add(confirmedFor)
}
