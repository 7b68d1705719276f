package analyzer_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"

	"github.com/tagwatch/tagwatch/adapters/analyzer"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/lab"
)

// An SBOM has the same packages in every form.
func TestConvert(t *testing.T) {
	t.Parallel()
	b := newBench(t, analyzer.Limits{})
	result, err := b.Analyze(t.Context(), b.push(t, build(t, lab.Debian(lab.Bookworm()...))))
	if err != nil {
		t.Fatal(err)
	}
	for form, packages := range map[string]func(*testing.T, []byte) []string{"cyclonedx-json": componentURLs, "spdx-json": packageURLs} {
		var converted bytes.Buffer
		if err := analyzer.Convert(&converted, result.SBOM, form); err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		for _, url := range packages(t, converted.Bytes()) {
			found[url] = true
		}
		for _, want := range result.Inventory.Packages {
			if !found[want.PURL] {
				t.Errorf("%s lacks %s", form, want.PURL)
			}
		}
	}
}

// componentURLs are the package URLs of a CycloneDX document.
func componentURLs(t *testing.T, document []byte) (urls []string) {
	var read struct {
		BOMFormat  string
		Components []struct{ PURL string }
	}
	if err := json.Unmarshal(document, &read); err != nil || read.BOMFormat != "CycloneDX" {
		t.Fatalf("format %q: %v", read.BOMFormat, err)
	}
	for _, component := range read.Components {
		urls = append(urls, component.PURL)
	}
	return urls
}

// packageURLs are the package URLs of an SPDX document.
func packageURLs(t *testing.T, document []byte) (urls []string) {
	var read struct {
		SPDXVersion string
		Packages    []struct {
			ExternalRefs []struct{ ReferenceType, ReferenceLocator string }
		}
	}
	if err := json.Unmarshal(document, &read); err != nil || read.SPDXVersion == "" {
		t.Fatalf("version %q: %v", read.SPDXVersion, err)
	}
	for _, each := range read.Packages {
		for _, reference := range each.ExternalRefs {
			if reference.ReferenceType == "purl" {
				urls = append(urls, reference.ReferenceLocator)
			}
		}
	}
	return urls
}

func TestConvertRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ document, form string }{
		"a form that does not exist": {`{}`, "csv"},
		"a document that is no SBOM": {`{"some": "thing"}`, "spdx-json"},
		"a document that is no JSON": {`nothing`, "cyclonedx-json"},
	} {
		if err := analyzer.Convert(io.Discard, []byte(test.document), test.form); !errors.Is(err, errkind.Invalid) {
			t.Errorf("%s: error = %v, want errkind.Invalid", name, err)
		}
	}
}
