package e2e_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/lab"
)

// TestAnalysesTakeTurns: with one analysis at a time, a tag of another
// repository does not wait for all images of the one that came before it. What
// is being done and waited for can be read meanwhile.
func TestAnalysesTakeTurns(t *testing.T) {
	t.Parallel()
	i := install(t, "TAGWATCH_ANALYSIS_SLOTS=1")
	slow, slowLayer := i.pushSmall("slow/app:1")
	lift := i.registry.Fail(lab.Fault{Path: "/blobs/" + slowLayer, Stall: true})
	i.do("subscribe", slow)
	i.eventually("the status reports how far the analysis is", func() bool {
		return strings.Contains(i.do("status", slow), "fetching layers: 0 of 1")
	})
	var queued, layers []string
	for n := range 8 {
		reference, layer := i.pushSmall(fmt.Sprintf("many/app:%d", n))
		queued, layers = append(queued, reference), append(layers, layer)
	}
	i.do(append([]string{"subscribe"}, queued...)...)
	late, lateLayer := i.pushSmall("late/app:1")
	i.do("subscribe", late)
	i.eventually("the last one waits for its turn", func() bool {
		return strings.Contains(i.do("status", late), "waiting for a free worker")
	})
	lift()
	i.do(append([]string{"subscribe", "--wait", slow, late}, queued...)...)
	if turn := slices.Index(i.fetched(append(layers, lateLayer)), lateLayer); turn < 0 || turn > 2 {
		t.Errorf("the tag that came last was analyzed after %d of 8 others", turn)
	}
}

// pushSmall pushes an image unlike any other and returns its reference and its
// only layer.
func (i *installation) pushSmall(reference string) (full, layer string) {
	i.t.Helper()
	built := made(lab.NewImage(lab.Copy("/", lab.Text("/name", reference))))(i.t)
	made(i.registry.Push(reference, built))(i.t)
	return i.registry.Host() + "/" + reference, made(built.Manifest())(i.t).Layers[0].Digest.String()
}

// fetched are the requested layers, in this order.
func (i *installation) fetched(layers []string) (order []string) {
	for _, call := range i.registry.Calls() {
		if call.Method == "GET" && slices.Contains(layers, call.Reference) {
			order = append(order, call.Reference)
		}
	}
	return order
}

// TestSBOMForms: a stored SBOM is printed in the form that is asked for.
func TestSBOMForms(t *testing.T) {
	t.Parallel()
	i := install(t)
	reference := i.push("shop/api:1", lab.Debian(lab.Bookworm()...))
	i.do("subscribe", "--wait", reference)
	for form, mark := range map[string]string{"syft-json": `"artifacts"`, "cyclonedx-json": `"CycloneDX"`, "spdx-json": `"SPDX-2.3"`} {
		document := i.do("sbom", reference, "-o", form)
		if !json.Valid([]byte(document)) || !strings.Contains(document, mark) || !strings.Contains(document, "pkg:deb/debian/libssl3@3.0.9-1") {
			t.Errorf("%s: %.200s", form, document)
		}
	}
	refused := made(i.Run(t.Context(), "sbom", reference, "-o", "csv"))(t)
	if refused.Code == 0 || !strings.Contains(refused.Err, "spdx-json") {
		t.Errorf("an unknown form: exit code %d, %s", refused.Code, refused.Err)
	}
}
