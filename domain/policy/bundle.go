package policy

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"slices"
)

// Bundle is a document of policies, whitelists, mappings and image lists, as
// Anchore Engine or Anchore Enterprise defines it. It is immutable and safe for concurrent use.
type Bundle struct {
	ID                string
	Version           string // of its form: VersionEngine or VersionEnterprise
	Name              string
	Description       string
	Policies          []Policy
	Whitelists        []Whitelist
	Mappings          []Mapping   // in order: the first that matches counts
	WhitelistedImages []Selection // in order
	BlacklistedImages []Selection // in order

	raw        json.RawMessage
	hash       string
	faults     []Problem // errors that affect every image
	policies   map[string]*Policy
	whitelists map[string]*Whitelist
	// expressions are the compiled regular expressions by their texts.
	expressions map[string]*expression
}

// Policy is an ordered list of rules.
type Policy struct {
	ID    string
	Name  string
	Rules []Rule
	// order are the positions of the rules in their order of evaluation.
	order []int
	// faults are errors outside of the rules.
	faults  []Problem
	content string // identifies it
}

// Parse reads a bundle and validates all of it: problems of a part that no
// mapping uses are warnings. A bundle with errors (see Valid) must not be
// accepted; one that was stored before can still be evaluated, and what its invalid
// parts decide about stops. Parsing takes longer than evaluating: reuse the bundle.
func Parse(raw []byte) (*Bundle, []Problem) {
	b, p := &Bundle{}, newProblems()
	if err := checkDocument(raw); err != nil {
		p.error("", problemInvalid, "%v", err)
		b.faults = p.list
		return b, p.close()
	}
	b.raw = bytes.TrimSpace(bytes.Clone(raw))
	b.hash = canonicalHash(b.raw)
	b.read(node{"", b.raw, p})
	list := p.close()
	if p.errors > maxProblems {
		b.faults = append(b.faults, list[len(list)-1])
	}
	return b, list
}

func (b *Bundle) read(n node) {
	// Errors in policies and whitelists depend on the mappings that use them, so the
	// mappings are read first.
	var parts struct{ policies, whitelists, mappings, whitelisted, blacklisted []node }
	b.faults = n.problems.faults(func() {
		o := n.object()
		if o.fields == nil {
			return
		}
		b.Version = readVersion(o) // which decides how the rest is called
		b.ID = o.at("id").requiredText()
		b.Name = o.at("name").text()
		b.Description = o.at("description").text()
		parts.mappings = o.at("mappings").requiredItems()
		parts.whitelisted = imageList(o.at("whitelisted_images"))
		parts.blacklisted = imageList(o.at("blacklisted_images"))
		parts.policies = o.at("policies").requiredItems()
		parts.whitelists = o.at("whitelists").items()
	})
	b.Mappings = readMappings(parts.mappings)
	b.WhitelistedImages = readImages(parts.whitelisted)
	b.BlacklistedImages = readImages(parts.blacklisted)
	b.Policies = readEach(b.used(Mapping.policies), parts.policies, readPolicy)
	b.Whitelists = readEach(b.used(Mapping.whitelists), parts.whitelists, readWhitelist)
	b.expressions = n.problems.expressions
	b.policies, b.whitelists = byID(b.Policies), byID(b.Whitelists)
	b.checkReferences(n.problems)
	b.addContents()
}

// Hash identifies the content: the SHA-256, in hexadecimal, of the document
// with sorted keys and without blanks.
func (b *Bundle) Hash() string { return b.hash }

// MarshalJSON is the document as it was read.
func (b *Bundle) MarshalJSON() ([]byte, error) {
	if b.raw == nil {
		return []byte("{}"), nil
	}
	return slices.Clone(b.raw), nil
}

//go:embed default_bundle.json
var defaultBundle []byte

// Default is the bundle in use until another is activated.
func Default() *Bundle {
	b, _ := Parse(defaultBundle)
	return b
}

func canonicalHash(raw []byte) string {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber() // they count as they are written
	var document any
	_ = decoder.Decode(&document) // checked before
	sum := sha256.New()
	encoder := json.NewEncoder(sum)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(document) // a hash takes everything
	return hex.EncodeToString(sum.Sum(nil))
}
