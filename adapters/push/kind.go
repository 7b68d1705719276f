package push

import (
	"slices"

	"github.com/tagwatch/tagwatch/domain/image"
)

// Kind is what sends the notifications of a source.
type Kind string

// The kinds.
const (
	Distribution Kind = "distribution"
	DockerHub    Kind = "dockerhub"
	Harbor       Kind = "harbor"
	Quay         Kind = "quay"
	GitHub       Kind = "github"
	ACR          Kind = "acr"
	PubSub       Kind = "pubsub" // Google Artifact Registry
	Generic      Kind = "generic"
)

// proof is a way to show that a request comes from the source.
type proof int

const (
	byHeader    proof = iota // the secret in Authorization, with or without "Bearer "
	byQuery                  // ?token=: the service can send nothing else
	bySignature              // X-Hub-Signature-256: HMAC-SHA256 of the body
)

// trait describes a kind.
type trait struct {
	kind   Kind
	parse  parser
	proofs []proof // of one secret, each is enough
	// tokens reports that the service can sign OpenID Connect tokens.
	tokens bool
	// registry is the host where the body names none; "" where it always does, or
	// where the source has to name it.
	registry string
}

var traits = []trait{
	{kind: Distribution, parse: parseDistribution, proofs: []proof{byHeader}},
	{kind: DockerHub, parse: parseDockerHub, proofs: []proof{byQuery}, registry: image.DefaultRegistry},
	{kind: Harbor, parse: parseHarbor, proofs: []proof{byHeader}},
	{kind: Quay, parse: parseQuay, proofs: []proof{byQuery}, registry: "quay.io"},
	{kind: GitHub, parse: parseGitHub, proofs: []proof{bySignature}, registry: githubHost},
	{kind: ACR, parse: parseACR, proofs: []proof{byHeader}},
	{kind: PubSub, parse: parsePubSub, proofs: []proof{byQuery}, tokens: true},
	{kind: Generic, parse: parseGeneric, proofs: []proof{byHeader, bySignature}},
}

// Kinds are all of them.
func Kinds() []Kind {
	kinds := make([]Kind, len(traits))
	for i, t := range traits {
		kinds[i] = t.kind
	}
	return kinds
}

func (k Kind) trait() (trait, bool) {
	if i := slices.IndexFunc(traits, func(t trait) bool { return t.kind == k }); i >= 0 {
		return traits[i], true
	}
	return trait{}, false
}
