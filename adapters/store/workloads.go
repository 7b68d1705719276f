package store

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// runningImages are what workloads run now, each with its image, empty if that is not
// known. The image of the tag comes first: two images may share a configuration.
const runningImages = `(SELECT w.source, w.kind, w.namespace, w.name, w.container, w.target, w.digest, w.count,
		coalesce(s.manifest, '') AS manifest, coalesce(s.analyzed, '') AS analyzed,
		CASE WHEN w.digest <> '' AND (w.digest = s.manifest OR w.digest = s.index_digest OR w.digest = 'sha256:' || i.config)
			THEN s.manifest ELSE coalesce(n.image, '') END AS image
	FROM workload w LEFT JOIN target_state s ON s.target = w.target LEFT JOIN image i ON i.digest = s.manifest
		LEFT JOIN image_name n ON n.digest = w.digest AND n.platform IN ('', w.platform)
	WHERE w.count > 0)`

type workloadRow struct {
	Source    string
	Kind      string
	Namespace string
	Name      string
	Container string
	Target    string
	Digest    string
	Origin    string
	Count     int
	Gone      int64
	Notified  bool
	Waits     bool
	// Of what runs now.
	Image    string
	Manifest string
}

func (r workloadRow) key() workload.Key {
	return workload.Key{Source: r.Source, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name, Container: r.Container}
}

func (r workloadRow) row() (workload.Row, error) {
	target, err := image.ParseTarget(r.Target)
	return workload.Row{Key: r.key(), Target: target, Digest: image.Digest(r.Digest), Origin: r.Origin, Count: r.Count, Gone: timeOf(r.Gone), Notified: r.Notified, Waits: r.Waits}, err
}

func (r workloadRow) instance() workload.Instance {
	return workload.Instance{Key: r.key(), Reported: image.Digest(r.Digest), Image: image.Digest(r.Image), Count: r.Count,
		Age: workload.AgeOf(image.Digest(r.Image), image.Digest(r.Manifest))}
}

// Running is what the workloads of tags run, by tag. A tag without any is missing.
func (s *Store) Running(ctx context.Context, targets []image.Target) (running map[image.Target]*workload.Running, err error) {
	err = s.view(ctx, "list workloads", func(t tx) error {
		instances, err := t.instances(ctx, targets)
		running = map[image.Target]*workload.Running{}
		for target, each := range instances {
			running[target] = workload.Summarize(each)
		}
		return err
	})
	return running, err
}

func (t tx) instances(ctx context.Context, targets []image.Target) (map[image.Target][]workload.Instance, error) {
	rows, err := allIn[workloadRow](ctx, t, `SELECT source, kind, namespace, name, container, target, digest, count, manifest, image
		FROM `+runningImages+` r WHERE target IN (?)`, namesOf(targets))
	if err != nil {
		return nil, err
	}
	byName := map[string][]workload.Instance{}
	for _, row := range rows {
		byName[row.Target] = append(byName[row.Target], row.instance())
	}
	found := map[image.Target][]workload.Instance{}
	for _, target := range targets {
		if each := byName[target.String()]; each != nil {
			found[target] = each
		}
	}
	return found, nil
}

// runningView adds to the view what its workloads ran, and what their digests name.
func (t tx) runningView(ctx context.Context, view *source.View, found []source.Found) error {
	rows, err := all[workloadRow](ctx, t, `SELECT source, kind, namespace, name, container, target, digest, origin, count, gone, notified, waits FROM workload WHERE source = ?`, view.Source.Name)
	if err != nil {
		return err
	}
	if view.Running, err = convert(rows, workloadRow.row); err != nil {
		return err
	}
	digests := source.Reported(found, view.Running)
	if len(digests) == 0 {
		return nil
	}
	if view.Images, err = t.imagesNamed(ctx, digests); err != nil {
		return err
	}
	for i, row := range view.Running {
		view.Running[i].Image = view.Images.Of(row.Digest, row.Target.Platform)
	}
	if view.Forms, err = t.forms(ctx, slices.Concat(digests, slices.Collect(maps.Values(view.Images)))); err != nil {
		return err
	}
	targets := slices.Collect(maps.Values(view.Watched))
	if view.PointsTo, err = t.pointsTo(ctx, targets); err != nil {
		return err
	}
	if view.Subscribed, err = t.subscribedTo(ctx, notification.RuntimeUpdate, targets); err != nil {
		return err
	}
	view.Elsewhere, err = t.countedElsewhere(ctx, view.Source.Name, source.Origins(found))
	return err
}

// countedElsewhere are the workloads that sources other than the named one count, each with
// the first of their names.
func (t tx) countedElsewhere(ctx context.Context, name string, origins []string) (map[source.Counted]string, error) {
	rows, err := allIn[struct{ Origin, Target, Source string }](ctx, t, `SELECT DISTINCT origin, target, source FROM workload WHERE count > 0 AND source <> ? AND origin IN (?)`, origins, name)
	if err != nil {
		return nil, err
	}
	counted := map[source.Counted]string{}
	for _, row := range rows {
		target, err := image.ParseTarget(row.Target)
		if err != nil {
			return nil, err
		}
		key := source.Counted{Origin: row.Origin, Target: target}
		if first, again := counted[key]; !again || row.Source < first {
			counted[key] = row.Source
		}
	}
	return counted, nil
}

// imagesNamed are the images that digests name.
func (t tx) imagesNamed(ctx context.Context, digests []image.Digest) (workload.Images, error) {
	rows, err := allIn[struct{ Digest, Platform, Image string }](ctx, t, `SELECT digest, platform, image FROM image_name WHERE digest IN (?)`, digests)
	if err != nil {
		return nil, err
	}
	images := workload.Images{}
	for _, row := range rows {
		platform, err := image.ParsePlatform(row.Platform)
		if err != nil {
			return nil, err
		}
		images[workload.Reported{Digest: image.Digest(row.Digest), Platform: platform}] = image.Digest(row.Image)
	}
	return images, nil
}

// pointsTo are the images that the targets point to.
func (t tx) pointsTo(ctx context.Context, targets []image.Target) (map[image.Target]image.Digest, error) {
	rows, err := allIn[struct{ Target, Manifest string }](ctx, t, `SELECT target, manifest FROM target_state WHERE target IN (?)`, namesOf(targets))
	if err != nil {
		return nil, err
	}
	found := map[image.Target]image.Digest{}
	for _, row := range rows {
		target, err := image.ParseTarget(row.Target)
		if err != nil {
			return nil, err
		}
		found[target] = image.Digest(row.Manifest)
	}
	return found, nil
}

// subscribedTo are the options of the active subscriptions of that type.
func (t tx) subscribedTo(ctx context.Context, kind notification.Type, targets []image.Target) (map[image.Target]subscription.Options, error) {
	rows, err := allIn[subscriptionRow](ctx, t, `SELECT `+subscriptionColumns+` FROM subscription WHERE active AND type = ? AND target IN (?)`, namesOf(targets), string(kind))
	if err != nil {
		return nil, err
	}
	found := map[image.Target]subscription.Options{}
	for _, row := range rows {
		s, err := row.subscription()
		if err != nil {
			return nil, err
		}
		found[s.Target] = s.Options
	}
	return found, nil
}

// saveRunning writes the rows of a source's workloads that changed.
func (t tx) saveRunning(ctx context.Context, before, after []workload.Row) error {
	left := map[workloadName]workload.Row{}
	for _, row := range before {
		left[nameOfRow(row)] = row
	}
	var rows [][]any
	for _, row := range after {
		name := nameOfRow(row)
		was, known := left[name]
		delete(left, name)
		if known && was.Origin == row.Origin && was.Count == row.Count && was.Gone.Equal(row.Gone) && was.Notified == row.Notified && was.Waits == row.Waits {
			continue
		}
		rows = append(rows, []any{row.Source, row.Kind, row.Namespace, row.Name, row.Container, name.target, string(row.Digest),
			row.Target.Platform.OrDefault().String(), row.Origin, row.Count, toMicros(row.Gone), row.Notified, row.Waits})
	}
	for name := range left {
		if err := t.run(ctx, `DELETE FROM workload WHERE source = ? AND kind = ? AND namespace = ? AND name = ? AND container = ? AND target = ? AND digest = ?`,
			name.Source, name.Kind, name.Namespace, name.Name, name.Container, name.target, string(name.digest)); err != nil {
			return err
		}
	}
	return t.insert(ctx, `workload (source, kind, namespace, name, container, target, digest, platform, origin, count, gone, notified, waits)`, rows,
		`ON CONFLICT (source, kind, namespace, name, container, target, digest) DO UPDATE SET origin = excluded.origin, count = excluded.count, gone = excluded.gone, notified = excluded.notified, waits = excluded.waits`)
}

// workloadName is what makes a row the same one.
type workloadName struct {
	workload.Key
	target string
	digest image.Digest
}

func nameOfRow(r workload.Row) workloadName { return workloadName{r.Key, r.Target.String(), r.Digest} }

// nameImages stores which images the digests name that tags point to.
func (t tx) nameImages(ctx context.Context, states []savedState) error {
	names := map[[2]string]string{}
	for _, s := range states {
		if s.Resolved.Manifest == "" {
			continue
		}
		manifest := string(s.Resolved.Manifest)
		names[[2]string{manifest, ""}] = manifest
		if s.Resolved.Index != "" {
			names[[2]string{string(s.Resolved.Index), s.target.Platform.OrDefault().String()}] = manifest
		}
	}
	keys := slices.SortedFunc(maps.Keys(names), func(a, b [2]string) int { return strings.Compare(a[0]+a[1], b[0]+b[1]) })
	rows := make([][]any, len(keys))
	for i, key := range keys {
		rows[i] = []any{key[0], key[1], names[key]}
	}
	return t.insert(ctx, `image_name (digest, platform, image)`, rows, `ON CONFLICT DO NOTHING`)
}

// nameConfiguration stores which image a configuration is of. Of several with the same
// one it is the last that was analyzed.
func (t tx) nameConfiguration(ctx context.Context, inventory *sbom.Inventory) error {
	if err := t.run(ctx, `INSERT INTO image_name (digest, platform, image) VALUES (?, '', ?) ON CONFLICT DO NOTHING`, string(inventory.Digest), string(inventory.Digest)); err != nil {
		return err
	}
	return t.run(ctx, `INSERT INTO image_name (digest, platform, image) VALUES (?, '', ?) ON CONFLICT (digest, platform) DO UPDATE SET image = excluded.image`,
		"sha256:"+inventory.ImageID, string(inventory.Digest))
}

// pruneNames forgets digests of images that are forgotten.
func (t tx) pruneNames(ctx context.Context) error {
	return t.run(ctx, `DELETE FROM image_name WHERE image NOT IN (SELECT digest FROM image) AND image NOT IN (SELECT manifest FROM target_state)
		AND NOT EXISTS (SELECT 1 FROM workload w WHERE w.digest = image_name.digest AND w.count > 0)`)
}
