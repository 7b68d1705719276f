package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/feed"
)

// The images. A mover's openssl has a flaw in its first version and none in its
// second; zlib has one whose severity the data change; the flaw of curl is
// stopped or not as the policy says.
func flawedZlib() (v1.Image, error) {
	return lab.NewImage(lab.Debian(lab.Deb{Name: "zlib1g", Version: "1:1.2.13.dfsg-1", Source: "zlib"}))
}

func flawedCurl() (v1.Image, error) {
	return lab.NewImage(lab.Debian(lab.Deb{Name: "curl", Version: "7.88.1-10"}))
}

// damagedPackages cuts the package database in the middle of a record.
var damagedPackages = lab.Run("damage the package database", lab.Text("/var/lib/dpkg/status", "Package: openssl\nStatus: install ok inst"))

func (w *world) openssl(flawed, broken bool) (version, error) {
	number := "3.0.11-1~deb12u2"
	if flawed {
		number = "3.0.9-1"
	}
	parts := []lab.Part{lab.Debian(lab.Deb{Name: "openssl", Version: number}),
		lab.Labels(map[string]string{"org.opencontainers.image.revision": fmt.Sprint(w.pushes.Add(1))})}
	if broken {
		parts = append(parts, damagedPackages)
	}
	built, err := lab.NewImage(parts...)
	return version{image: built, flawed: flawed, broken: broken}, err
}

// move gives the mover another image that it never had.
func (w *world) move(m *mover, flawed, broken bool) error {
	made, err := w.openssl(flawed, broken)
	if err != nil {
		return err
	}
	m.images = append(m.images, made)
	return w.point(m, len(m.images)-1)
}

// point pushes one of the mover's images to its tag.
func (w *world) point(m *mover, image int) error {
	digest, err := w.registry.Push(m.name, m.images[image].image)
	m.images[image].digest, m.now = digest, image
	return err
}

// expectMove is what must follow when a mover leaves an image for another. An
// image with a damaged package database cannot be analyzed: the tag moves, and
// what was known of its last image stands.
func (w *world) expectMove(m *mover, before version) {
	after := m.images[m.now]
	e := expectation{key: w.reference(m.name), causes: []string{"image"}}
	w.ledger.expect(e.of("tag_update").from(before.digest.String()).to(after.digest.String()))
	if after.broken || m.analyzed == m.now {
		return // what was known of the last image stands, or stands again
	}
	known := m.images[m.analyzed]
	m.analyzed = m.now
	w.ledger.expect(e.of("analysis_update"))
	if known.flawed != after.flawed {
		w.ledger.expect(e.of("vuln_update"), e.of("policy_eval").from(status(known.flawed)).to(status(after.flawed)))
	}
}

// status is what the policy says of an image with or without a flaw that it stops.
func status(stopped bool) string {
	if stopped {
		return "fail"
	}
	return "pass"
}

// publish builds data as they are now and publishes them.
func (w *world) publish() error {
	severity := "Low"
	if w.high {
		severity = "High"
	}
	dir, err := os.MkdirTemp(w.dir, "feed-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	_, err = w.feed.PublishBuild(dir,
		feed.Vulnerability{Provider: feed.Debian, ID: "CVE-2026-1001", Package: "openssl", Fixed: "3.0.11-1~deb12u2", Severity: "High"},
		feed.Vulnerability{Provider: feed.Debian, ID: "CVE-2026-2002", Package: "zlib", Severity: severity},
		feed.Vulnerability{Provider: feed.Debian, ID: "CVE-2026-3003", Package: "curl", Severity: "Medium"})
	return err
}

// updateData publishes data in which the flaw of zlib has another severity, and
// has them fetched. A run that was under way may have asked before there were
// any: the command is repeated until it tells of another build.
func (w *world) updateData(ctx context.Context, alsoPolicy bool) error {
	before, err := w.build(ctx)
	if err != nil {
		return err
	}
	published := new(time.Time)
	w.high = !w.high
	causes := []string{"feed"}
	if alsoPolicy {
		causes = []string{"feed", "policy"} // whichever a tag meets first
	}
	for _, key := range w.group("fed", fed) {
		e := expectation{key: key, causes: []string{"feed"}, change: published}
		w.ledger.expect(e.of("vuln_update"))
		e.causes = causes
		w.ledger.expect(e.of("policy_eval").from(status(!w.high)).to(status(w.high)))
	}
	if err := w.publish(); err != nil {
		return err
	}
	for now := before; now == before; {
		if now, err = w.build(ctx); err != nil {
			return err
		}
	}
	*published = time.Now()
	return nil
}

// build asks for new data and reports which are current then.
func (w *world) build(ctx context.Context) (string, error) {
	out, err := w.command(ctx, "feed", "sync", "-o", "json")
	if err != nil {
		return "", err
	}
	var synced struct{ Build string }
	return synced.Build, json.Unmarshal([]byte(out), &synced)
}

// changePolicy turns what the policy of the judged tags does about their flaw.
func (w *world) changePolicy(ctx context.Context) error {
	w.strict = !w.strict
	activated := new(time.Time)
	for _, key := range w.group("judged", judged) {
		w.ledger.expect(expectation{kind: "policy_eval", key: key, causes: []string{"policy"}, change: activated}.from(status(!w.strict)).to(status(w.strict)))
	}
	_, err := w.command(ctx, "policy", "add", "--activate", w.bundle())
	*activated = time.Now()
	return err
}

// bundle writes the policy bundle as it is now.
func (w *world) bundle() string {
	action := "WARN"
	if w.strict {
		action = "STOP"
	}
	content := strings.NewReplacer("ACTION", action).Replace(bundleText)
	return must(w.write(fmt.Sprintf("policy-%s.json", action), content))
}

const bundleText = `{
  "id": "chaos", "version": "1_0", "name": "chaos",
  "policies": [
    {"id": "high", "version": "1_0", "name": "high", "rules": [
      {"id": "h", "gate": "vulnerabilities", "trigger": "package", "action": "STOP", "params": [
        {"name": "package_type", "value": "all"}, {"name": "severity_comparison", "value": ">="}, {"name": "severity", "value": "high"}]}]},
    {"id": "judged", "version": "1_0", "name": "judged", "rules": [
      {"id": "j", "gate": "vulnerabilities", "trigger": "package", "action": "ACTION", "params": [
        {"name": "package_type", "value": "all"}, {"name": "severity_comparison", "value": ">="}, {"name": "severity", "value": "medium"}]}]}],
  "whitelists": [],
  "mappings": [
    {"id": "judged", "name": "judged", "registry": "*", "repository": "judged/app", "image": {"type": "tag", "value": "*"}, "policy_ids": ["judged"], "whitelist_ids": []},
    {"id": "all", "name": "all", "registry": "*", "repository": "*", "image": {"type": "tag", "value": "*"}, "policy_ids": ["high"], "whitelist_ids": []}],
  "whitelisted_images": [], "blacklisted_images": []
}
`

// grow pushes one more tag to the growing repository.
func (w *world) grow() error {
	tag := fmt.Sprintf("%s:%d", repository, w.grown)
	w.grown++
	_, err := w.registry.Push(tag, must(lab.NewImage(lab.Debian(lab.Deb{Name: "bash", Version: "5.2.15-2"}))))
	return err
}

// expectGrowth is what must follow when the repository has one more tag.
func (w *world) expectGrowth() {
	tag := fmt.Sprint(w.grown - 1)
	w.ledger.expect(
		expectation{kind: "repo_update", key: w.reference(repository), causes: []string{"image"}}.to(tag),
		expectation{kind: "analysis_update", key: w.reference(repository + ":" + tag), causes: []string{"image"}})
}
