package activities

import (
	"context"
	"os"

	"github.com/tagwatch/tagwatch/domain/polling"
)

// CheckRegistry reports how this worker speaks to a registry and whether it
// works.
func (a *Activities) CheckRegistry(ctx context.Context, name string) (polling.Report, error) {
	report, err := a.Registry.Check(ctx, name)
	if err != nil {
		return report, classify(err)
	}
	if report.Worker, err = os.Hostname(); err != nil {
		report.Worker = "unknown"
	}
	return report, nil
}
