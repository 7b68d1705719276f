package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"
)

func versionCommand() *cli.Command {
	return &cli.Command{
		Name: "version", Category: categorySystem,
		Usage:       "print the version",
		UsageText:   "tagwatch version [options]",
		Description: "   tagwatch version\n   tagwatch version -o json",
		Flags:       []cli.Flag{outputFlag()},
		Action:      bare(printVersion),
	}
}

// versionView is what this program was built from.
type versionView struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Changed  bool   `json:"changed"` // from that revision
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func printVersion(_ context.Context, s *session) error {
	view := versionView{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			switch setting.Key {
			case "vcs.revision":
				view.Revision = setting.Value
			case "vcs.modified":
				view.Changed = setting.Value == "true"
			}
		}
	}
	return s.show(view, func(w io.Writer) { view.write(w) })
}

func (v versionView) write(w io.Writer) {
	revision := short(v.Revision)
	if v.Changed {
		revision += " with changes"
	}
	fmt.Fprintf(w, "tagwatch %s\n", v.Version)
	var p pairs
	p.add("revision", revision)
	p.add("go", v.Go)
	p.add("platform", v.Platform)
	p.write(w)
}
