// Package sbom holds what one analysis finds in an image: its packages, its
// files and the contents that policies ask for.
package sbom

import (
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
)

// Inventory is the outcome of analyzing one platform manifest. It does not
// depend on the tag the image was found under. The SBOM itself, in syft's JSON,
// is kept beside it as the record.
type Inventory struct {
	Digest  image.Digest // of the manifest
	ImageID string       // 64 hexadecimal digits: the digest of the configuration
	// FileSystem identifies the layers, unpacked and in their order. Images that
	// agree in it differ in nothing but their configuration.
	FileSystem   string
	OS           string // of the configuration, as in "linux"
	Architecture string // of the configuration, as in "amd64"
	Distro       Distro
	Created      time.Time // as the configuration claims; zero if it does not
	Size         int64     // bytes of the unpacked layers together
	Layers       int       // number of layers in the manifest
	BaseLayers   int       // how many of them come from the base image; 0 if nobody can tell
	Dockerfile   Dockerfile
	Packages     []Package
	// Unreadable are files whose packages could not be listed, each once, sorted by path. A
	// damaged package database of the operating system is not among them: it fails the
	// analysis.
	Unreadable []Unreadable
	Files      []File // sorted by path
	// Retrieved are the contents of the files whose storing was configured, by
	// absolute path. Missing, larger or special files are absent.
	Retrieved map[string][]byte
	// ContentHits and SecretHits are the hits of the configured expressions,
	// sorted by path, then by expression.
	ContentHits []Hit
	SecretHits  []Hit
	// Malware holds a record for each scanner that ran.
	Malware []MalwareScan
}

// Distro is the distribution as os-release names it; zero if there is none.
type Distro struct {
	ID        string   // as in "debian"
	VersionID string   // as in "12"
	Like      []string // ID_LIKE
	Name      string   // PRETTY_NAME, for people
}

// Dockerfile is the instructions that made the image.
type Dockerfile struct {
	// Text is one instruction a line.
	Text string
	// Actual reports that a person supplied the text; otherwise it was inferred
	// from the history of the image's configuration.
	Actual bool
}

// Hit is an expression that matched in a file.
type Hit struct {
	Path       string
	Expression string // as configured: NAME=regular expression
	Lines      []int  // zero-based
}

// MalwareScan is the outcome of one malware scanner.
type MalwareScan struct {
	Scanner  string // as in "clamav"
	Findings []MalwareFinding
}

// MalwareFinding is a file that a scanner reports as malware.
type MalwareFinding struct {
	Path      string
	Signature string
}
