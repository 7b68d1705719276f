package sbom

// Unreadable is a file that was to be read for its packages, and could not be, or
// not all of it.
type Unreadable struct {
	Path string `json:"path"`
	// Cataloger is the part of syft that reads such files, as in
	// "javascript-package-cataloger".
	Cataloger string `json:"cataloger"`
	Reason    string `json:"reason"`
}
