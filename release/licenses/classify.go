package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// allowed are the licenses that programs under the Apache License may be linked from.
// MPL-2.0 asks for the source of the module itself, which its path and version name.
var allowed = []string{"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-2-Clause-FreeBSD", "BSD-2-Clause-Views", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0", "MPL-2.0", "Unicode-DFS-2016", "Unlicense", "Zlib", "BlueOak-1.0.0"}

// read are modules, in these versions, whose license a person has read, and what it is.
var read = map[string]struct{ license, remark string }{
	"github.com/cactus/go-statsd-client/statsd v0.0.0-20200423205355-cb0885a1018c": {"MIT", "the file is at the root of its repository, outside of the module; its sources refer to it"},
	"github.com/nexus-rpc/nexus-proto-annotations v0.1.0":                          {"not stated", "go.temporal.io/api needs it; the other modules of its authors, who make Temporal, are under MIT"},
	"github.com/spdx/tools-golang v0.6.0-rc4":                                      {"Apache-2.0", "it leaves the choice between this and GPL-2.0-or-later"},
	"github.com/xi2/xz v0.0.0-20171230120015-48954b6210f8":                         {"public domain", "its authors say so"},
}

// covered is how much of a text must be that of known licenses, in percent.
const covered = 75

// licenseFile is a file that has a license of code; noticeFile is one to pass on with it.
var (
	licenseFile = regexp.MustCompile(`(?i)^(un)?(licen[sc]e|copying)([-.].*)?$`)
	noticeFile  = regexp.MustCompile(`(?i)^(notice|copyright|authors|patents)(\.(md|txt))?$`)
	ofDocuments = regexp.MustCompile(`(?i)[-.]docs(\.|$)`)
)

// classify finds the licenses of all modules. Its error names each module of which they
// are unknown or not allowed.
func classify(modules []*module) error {
	var problems []error
	for _, m := range modules {
		if err := m.classify(); err != nil {
			problems = append(problems, fmt.Errorf("%s %s: %w", m.path, m.version, err))
		}
	}
	return errors.Join(problems...)
}

func (m *module) classify() error {
	entries, err := os.ReadDir(m.folder)
	if err != nil {
		return fmt.Errorf("read its folder (go mod download fetches it): %w", err)
	}
	var best float64
	for _, entry := range entries {
		isLicense := licenseFile.MatchString(entry.Name()) && !ofDocuments.MatchString(entry.Name())
		if entry.IsDir() || !isLicense && !noticeFile.MatchString(entry.Name()) {
			continue
		}
		content, err := os.ReadFile(filepath.Join(m.folder, entry.Name()))
		if err != nil {
			return err
		}
		m.texts = append(m.texts, strings.TrimSpace(string(content)))
		if !isLicense {
			continue
		}
		found := licensecheck.Scan(content)
		best = max(best, found.Percent)
		for _, match := range found.Match {
			if !match.IsURL && !slices.Contains(m.licenses, match.ID) {
				m.licenses = append(m.licenses, match.ID)
			}
		}
	}
	slices.Sort(m.licenses)
	if known, found := read[m.path+" "+m.version]; found {
		m.licenses = []string{known.license}
		return nil
	}
	return m.judge(best)
}

func (m *module) judge(best float64) error {
	if len(m.licenses) == 0 || best < covered {
		return fmt.Errorf("its license is unknown: %.0f%% of the file is that of %q", best, m.licenses)
	}
	for _, license := range m.licenses {
		if !slices.Contains(allowed, license) {
			return fmt.Errorf("its license %s is not one of %s", license, strings.Join(allowed, ", "))
		}
	}
	return nil
}
