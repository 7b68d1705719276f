package registry_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/registry"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/workload"
	"github.com/tagwatch/tagwatch/lab"
)

// TestForm reads what digests are that runtimes report.
func TestForm(t *testing.T) {
	started := startLab(t)
	client := newClient(t, registry.Options{})
	one, other := build(t, lab.Run("one", lab.Text("/a", "1"))), build(t, lab.Run("other", lab.Text("/a", "2")))
	made, err := lab.NewIndex(one, other)
	if err != nil {
		t.Fatal(err)
	}
	index := push(t, started, "app:1", made)
	repository := reference(t, started.Reference("app:1")).Repository
	hash, err := one.Digest()
	if err != nil {
		t.Fatal(err)
	}
	config, err := one.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	manifest, configuration := image.Digest(hash.String()), image.Digest(config.String())
	for name, test := range map[string]struct {
		digest image.Digest
		kind   workload.Kind
		part   image.Digest
		parts  int
	}{
		"an index":        {index, workload.Index, manifest, 2},
		"a manifest":      {manifest, workload.Manifest, configuration, 1},
		"a configuration": {configuration, workload.Configuration, "", 0},
	} {
		form, err := client.Form(t.Context(), repository, test.digest)
		if err != nil || form.Kind != test.kind || len(form.Parts) != test.parts || test.parts > 0 && form.Parts[0].Digest != test.part {
			t.Errorf("%s: %+v, %v", name, form, err)
		}
	}
	gone := image.Digest("sha256:" + strings.Repeat("7", 64))
	if _, err := client.Form(t.Context(), repository, gone); !errors.Is(err, errkind.NotFound) {
		t.Errorf("a digest that the registry does not have: %v", err)
	}
	started.Fail(lab.Fault{Status: http.StatusForbidden})
	if form, err := client.Form(t.Context(), repository, gone); err == nil || errors.Is(err, errkind.NotFound) {
		t.Errorf("a registry that refuses: %v, %s", err, cmp.Diff(workload.Form{}, form))
	}
}
