package source_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/source"
)

func TestMerge(t *testing.T) {
	t.Parallel()
	web := func(running ...source.Running) source.Workload {
		return source.Workload{Kind: "deployment", Namespace: "shop", Name: "web", Container: "app", Running: running}
	}
	job := source.Workload{Kind: "cronjob", Namespace: "shop", Name: "job"}
	got := source.Merge([]source.Workload{web(source.Running{Digest: "sha256:a", Count: 1})},
		[]source.Workload{web(source.Running{Digest: "sha256:b", Count: 2}, source.Running{Digest: "sha256:a", Count: 1}), job})
	want := []source.Workload{web(source.Running{Digest: "sha256:a", Count: 2}, source.Running{Digest: "sha256:b", Count: 2}), job}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("merged (-want +got)\n%s", diff)
	}
}

// TestMergeIsBounded counts every container, those of too many images as unknown.
func TestMergeIsBounded(t *testing.T) {
	t.Parallel()
	var all []source.Workload
	for i := range 2 * source.MostRunning {
		all = append(all, source.Workload{Kind: "service", Name: "web", Running: []source.Running{{Digest: image.Digest(fmt.Sprint("sha256:", i)), Count: 1}}})
	}
	got := source.Merge(nil, all)
	if len(got) != 1 || got[0].Count() != 2*source.MostRunning || len(got[0].Running) != source.MostRunning || got[0].Running[source.MostRunning-1].Digest != "" {
		t.Errorf("merged %+v", got)
	}
	all = nil
	for i := range 2 * source.MostWorkloads {
		all = append(all, source.Workload{Kind: "service", Name: fmt.Sprint("web", i)})
	}
	if got := source.Merge(nil, all); len(got) != source.MostWorkloads {
		t.Errorf("%d workloads", len(got))
	}
}

// TestOrder keeps what runs of a place that is listed twice.
func TestOrder(t *testing.T) {
	t.Parallel()
	task := source.Refer("nginx:1", "service web", image.Platform{})
	task.Workloads = []source.Workload{{Kind: "service", Name: "web", Running: []source.Running{{Digest: "sha256:a", Count: 1}}}}
	got := source.Order([]source.Found{task, task, source.Refer("nginx:2", "service web", image.Platform{})})
	if len(got) != 2 || len(got[0].Workloads) != 1 || got[0].Workloads[0].Count() != 2 {
		t.Errorf("found %+v", got)
	}
}
