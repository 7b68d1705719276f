package main

// statement says something about files or images.
//
// Specification: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
type statement struct {
	Type          string    `json:"_type"`
	Subject       []subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     any       `json:"predicate"`
}

type subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

const (
	provenanceType = "https://slsa.dev/provenance/v1"
	sbomType       = "https://cyclonedx.org/bom"
)

func newStatement(of []subject, predicateType string, predicate any) statement {
	return statement{Type: "https://in-toto.io/Statement/v1", Subject: of, PredicateType: predicateType, Predicate: predicate}
}

// provenance says how something was built.
//
// Specification: https://slsa.dev/spec/v1.0/provenance
type provenance struct {
	BuildDefinition buildDefinition `json:"buildDefinition"`
	RunDetails      runDetails      `json:"runDetails"`
}

type buildDefinition struct {
	BuildType            string            `json:"buildType"`
	ExternalParameters   map[string]string `json:"externalParameters"`
	ResolvedDependencies []resource        `json:"resolvedDependencies"`
}

type resource struct {
	URI    string            `json:"uri"`
	Digest map[string]string `json:"digest,omitempty"`
}

type runDetails struct {
	Builder struct {
		ID string `json:"id"`
	} `json:"builder"`
}

// newProvenance is that of a build from the source and from what else it took.
func newProvenance(from source, others ...resource) provenance {
	made := provenance{BuildDefinition: buildDefinition{
		BuildType:          repository + "/blob/main/docs/install.md#how-a-release-is-built",
		ExternalParameters: map[string]string{"version": from.version, "repository": repository},
		ResolvedDependencies: append([]resource{
			{URI: "git+" + repository + "@refs/tags/v" + from.version, Digest: map[string]string{"gitCommit": from.revision}},
			{URI: "https://go.dev/dl/#" + toolchain()},
		}, others...),
	}}
	made.RunDetails.Builder.ID = from.builder
	return made
}
