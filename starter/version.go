package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:        "version",
		Usage:       "print the version",
		UsageText:   "tagwatch version [options]",
		Description: "   tagwatch version\n   tagwatch version -o json",
		Flags:       []cli.Flag{session.OutputFlag()},
		Action:      session.Bare(printVersion),
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

func printVersion(_ context.Context, s *session.Session) error {
	view := versionView{Version: version, Revision: revision, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
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
	return s.Show(view, func(w io.Writer) { view.write(w) })
}

func (v versionView) write(w io.Writer) {
	revision := output.Short(v.Revision)
	if v.Changed {
		revision += " with changes"
	}
	fmt.Fprintf(w, "tagwatch %s\n", v.Version)
	var p output.Pairs
	p.Add("revision", revision)
	p.Add("go", v.Go)
	p.Add("platform", v.Platform)
	p.Write(w)
}
