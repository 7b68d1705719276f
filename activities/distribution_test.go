package activities_test

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/lab"
)

// TestRepositoryAtRealRegistries watches a repository with two platforms at go-containerregistry's registry and, where
// TAGWATCH_TEST_DISTRIBUTION names its program, at Distribution.
func TestRepositoryAtRealRegistries(t *testing.T) {
	t.Parallel()
	for kind, host := range registryHosts(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			at := remoteRepository{r, host + "/team/app"}
			at.index("1.0.0", "openssl 1")
			for n := 1; n < 50; n++ {
				at.tag("1.0.0", fmt.Sprintf("1.%d.%d", n/10, n%10))
			}
			at.index("1.4.0", "openssl 1.4") // to be deleted alone
			repository, err := image.ParseRepository(at.name)
			r.must(err)
			platforms := []image.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm64"}}
			r.must(r.store.SaveRepository(t.Context(), taglist.Repository{Name: repository, Types: []notification.Type{notification.TagUpdate},
				Platforms: platforms, Filter: taglist.Filter{Versions: "^1", Newest: 30}}, r.clock.Now()))
			if first := r.list(repository); first.Problem != nil || first.Tags != 30 {
				t.Fatalf("first listing %+v", first)
			}
			newest := taglist.Repository{Name: repository, Platforms: platforms}.Targets("1.4.9")
			for _, target := range newest {
				r.resync(target)
			}
			at.index("1.4.9", "openssl 2")
			at.index("1.5.0", "openssl 2")
			at.delete("1.4.0")
			if second := r.list(repository); !slices.Equal(second.New, []string{"1.5.0"}) || !slices.Equal(second.Removed, []string{"1.4.0"}) || second.Tags != 30 {
				t.Errorf("second listing %+v", second)
			}
			for _, target := range newest {
				if seen := r.resync(target); seen.Problem != nil || seen.Resolved.Index == "" {
					t.Errorf("%s: %+v", target, seen)
				}
			}
			notified := r.notified()
			slices.Sort(notified)
			want := []string{"repo_update image " + at.name, "system.repository.tags_removed " + at.name,
				"tag_update image " + at.name + ":1.4.9@linux/amd64", "tag_update image " + at.name + ":1.4.9@linux/arm64"}
			if !slices.Equal(notified, want) {
				t.Errorf("notified %q, want %q", notified, want)
			}
		})
	}
}

// registryHosts are the addresses of registries.
func registryHosts(t *testing.T) map[string]string {
	t.Helper()
	own, err := lab.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = own.Close() })
	hosts := map[string]string{"go-containerregistry": own.Host()}
	if program := os.Getenv("TAGWATCH_TEST_DISTRIBUTION"); program != "" {
		other, err := lab.StartDistribution(program, t.TempDir(), lab.DistributionOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = other.Close() })
		hosts["Distribution"] = other.Host()
	}
	return hosts
}

// remoteRepository is a repository as those see it who push to it.
type remoteRepository struct {
	*rig
	name string
}

func (r remoteRepository) ref(tag string) name.Tag {
	r.Helper()
	ref, err := name.NewTag(r.name + ":" + tag)
	r.must(err)
	return ref
}

// index pushes an image for two platforms.
func (r remoteRepository) index(tag, content string) {
	r.Helper()
	var images []v1.Image
	for _, platform := range []string{"linux/amd64", "linux/arm64"} {
		one, err := lab.NewImage(lab.Platform(platform), lab.Run("install", lab.Text("/packages", platform+content+"\n")))
		r.must(err)
		digest, err := one.Digest()
		r.must(err)
		r.analyzer.finds(image.Digest(digest.String()), content)
		images = append(images, one)
	}
	index, err := lab.NewIndex(images...)
	r.must(err)
	r.must(remote.WriteIndex(r.ref(tag), index))
}

func (r remoteRepository) tag(existing, tag string) {
	r.Helper()
	found, err := remote.Get(r.ref(existing))
	r.must(err)
	r.must(remote.Tag(r.ref(tag), found))
}

// delete deletes a tag, or the image where the registry deletes only those.
func (r remoteRepository) delete(tag string) {
	r.Helper()
	ref := r.ref(tag)
	found, err := remote.Get(ref)
	r.must(err)
	if remote.Delete(ref) != nil {
		r.must(remote.Delete(ref.Context().Digest(found.Digest.String())))
	}
}
