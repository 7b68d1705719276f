package subscription_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/filter"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// What the filters of many endpoints may cost for one long list.
const (
	benchFindings  = 10_000
	benchEndpoints = 100
	benchBudget    = 500 * time.Millisecond // of CPU time
)

// BenchmarkEndpointFilters is the cut of each endpoint of one list, in CPU time.
func BenchmarkEndpointFilters(b *testing.B) {
	list := notification.VulnerabilitiesChanged{Added: benchList()}
	endpoints := make([]endpoint.Endpoint, benchEndpoints)
	shapes := []string{`severity >= critical`, `severity >= high && fixable`, `known_exploited || epss > 0.%02d`, `package_name in ["openssl", "package-%d"]`,
		`severity >= high && !(package_type == "npm" && package_name == "package-%d")`, `registry == "ghcr.io" && cvss > 7.%d`, `fixable && id != "CVE-2026-%05d"`,
		`purl.startsWith("pkg:deb/debian/package-%d") || labels.team == "web"`}
	for i := range endpoints {
		shape := shapes[i%len(shapes)]
		if strings.Contains(shape, "%") {
			shape = fmt.Sprintf(shape, i)
		}
		endpoints[i] = endpoint.Endpoint{Name: fmt.Sprint("endpoint-", i), When: shape}
	}
	receiver := subscription.NewReceiver(filter.Notification{Type: notification.VulnUpdate, Registry: "docker.io", Repository: "library/app", Tag: "1"}, subscription.Options{})
	kept := 0
	var least time.Duration
	for b.Loop() {
		for range 3 { // the least of three, as other processes are in the way
			kept = 0
			began := processCPU()
			for _, e := range endpoints {
				if cut, some := receiver.At(e).Content(list).(notification.VulnerabilitiesChanged); some {
					kept += len(cut.Added)
				}
			}
			if took := processCPU() - began; least == 0 || took < least {
				least = took
			}
		}
	}
	b.Logf("%d findings against the filters of %d endpoints, %d kept: %.2f CPU s, budget %.2f, ratio %.2f", benchFindings, benchEndpoints, kept,
		least.Seconds(), benchBudget.Seconds(), least.Seconds()/benchBudget.Seconds())
	b.ReportMetric(least.Seconds(), "CPU-s")
	if least > benchBudget || kept == 0 {
		b.Errorf("over budget: %.2f CPU s of %.2f", least.Seconds(), benchBudget.Seconds())
	}
}

func benchList() []vuln.Finding {
	findings := make([]vuln.Finding, benchFindings)
	for i := range findings {
		score := float64(i%1000) / 1000
		findings[i] = vuln.Finding{ID: fmt.Sprintf("CVE-2026-%05d", i), Severity: vuln.Severities[i%len(vuln.Severities)], EPSS: &score, KnownExploited: i%500 == 0,
			CVSS: []vuln.CVSS{{Version: "3.1", Base: float64(i%100) / 10}}, Fix: vuln.Fix{State: []vuln.FixState{vuln.FixKnown, vuln.FixNone}[i%2], Versions: []string{"2"}},
			Package: vuln.Package{Name: fmt.Sprintf("package-%d", i%300), Version: "1", Type: []string{"deb", "npm"}[i%2], PURL: fmt.Sprintf("pkg:deb/debian/package-%d@1", i%300)}}
	}
	return findings
}

// processCPU is the CPU time that this process has taken.
func processCPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // it has no reason to fail
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
