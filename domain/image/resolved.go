package image

// Resolved is what a reference points to at one moment.
type Resolved struct {
	// Manifest is the digest of the platform's manifest: the identity of the
	// image that is analyzed.
	Manifest Digest `json:"manifest"`
	// Index is the digest of the index the manifest was taken from; empty when
	// the tag points to a manifest directly.
	Index Digest `json:"index,omitempty"`
}

// LeftPin reports whether a tag that points there has left a pin, which names the
// image or the index that has it. Without a pin, or before it is known what the tag
// points to, it has not.
func (r Resolved) LeftPin(pin Digest) bool {
	return pin != "" && r.Manifest != "" && pin != r.Manifest && pin != r.Index
}

// Top is the digest a HEAD request on the tag answers with.
func (r Resolved) Top() Digest {
	if r.Index != "" {
		return r.Index
	}
	return r.Manifest
}
