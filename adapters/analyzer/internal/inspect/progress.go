package inspect

import (
	"strconv"
	"strings"
	"time"

	"github.com/anchore/syft/syft"
	"github.com/anchore/syft/syft/event"
	"github.com/anchore/syft/syft/event/monitor"
	"github.com/anchore/syft/syft/event/parsers"
	"github.com/wagoodman/go-partybus"
	"github.com/wagoodman/go-progress"
)

const progressInterval = time.Second

// followPackages reports every second how many packages syft has found, until this
// process, the child, ends.
func (r *reporter) followPackages() {
	bus := partybus.NewBus()
	events := bus.Subscribe(event.CatalogerTaskStarted).Events()
	syft.SetBus(bus)
	go func() {
		var cataloging progress.StagedProgressable
		tick := time.NewTicker(progressInterval)
		defer tick.Stop()
		for {
			select {
			case each := <-events:
				if found := packageCataloging(each); found != nil {
					cataloging = found
				}
			case <-tick.C:
				if cataloging != nil {
					r.packages(packageCount(cataloging.Stage()))
				}
			}
		}
	}()
}

// packageCataloging is the task whose stage has the number of packages; nil for any
// other event.
func packageCataloging(e partybus.Event) progress.StagedProgressable {
	task, info, err := parsers.ParseCatalogerTaskStarted(e)
	if err != nil || info.ID != monitor.PackageCatalogingTaskID {
		return nil
	}
	return task
}

// packageCount reads a stage as "1,234 packages".
func packageCount(stage string) int {
	number, _, _ := strings.Cut(stage, " ")
	n, err := strconv.Atoi(strings.ReplaceAll(number, ",", ""))
	if err != nil {
		return 0
	}
	return n
}
