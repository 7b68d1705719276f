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

// Top is the digest a HEAD request on the tag answers with.
func (r Resolved) Top() Digest {
	if r.Index != "" {
		return r.Index
	}
	return r.Manifest
}
