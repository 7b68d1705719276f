package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
)

// transfer is the body of a layer. It ends with an error when it stalls, and,
// from a mirror, when it is not what its digest says: the next try then goes
// elsewhere.
type transfer struct {
	body   io.ReadCloser
	at     place
	digest image.Digest
	sum    hash.Hash // nil unless it is verified
	watch  *time.Timer
	ctx    context.Context
	cancel func()
}

func newTransfer(ctx context.Context, cancel context.CancelCauseFunc, at place, body io.ReadCloser, digest image.Digest) *transfer {
	timeouts := at.host.client.timeouts.stall
	stalled := fmt.Errorf("%s sent nothing for %s", at.host.name, timeouts)
	t := &transfer{body: body, at: at, digest: digest, ctx: ctx,
		watch:  time.AfterFunc(timeouts, func() { cancel(stalled) }),
		cancel: func() { cancel(nil) }}
	if at.mirror {
		t.sum = sha256.New()
	}
	return t
}

// Read implements io.Reader.
func (t *transfer) Read(p []byte) (int, error) {
	n, err := t.body.Read(p)
	t.watch.Reset(t.at.host.client.timeouts.stall)
	if t.sum != nil {
		t.sum.Write(p[:n])
	}
	switch {
	case err == nil:
		return n, nil
	case err == io.EOF:
		return n, t.verify()
	}
	if cause := context.Cause(t.ctx); cause != nil {
		err = cause
	}
	return n, fmt.Errorf("read layer %s of %s: %w: %w", t.digest, t.at.host.name, errkind.Unavailable, err)
}

// verify is io.EOF if all is well.
func (t *transfer) verify() error {
	if t.sum == nil {
		return io.EOF
	}
	if found := "sha256:" + hex.EncodeToString(t.sum.Sum(nil)); found != string(t.digest) {
		t.at.host.distrust(t.digest)
		return fmt.Errorf("mirror %s sent wrong content for layer %s and is not used for it again: %w", t.at.host.name, t.digest, errkind.Unavailable)
	}
	return io.EOF
}

// Close implements io.Closer.
func (t *transfer) Close() error {
	t.watch.Stop()
	t.cancel()
	return t.body.Close()
}
