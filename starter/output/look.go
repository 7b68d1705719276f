package output

import (
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

func ActionStyle(a policy.Action) Style {
	switch a {
	case policy.Stop:
		return Bad
	case policy.Warn:
		return Doubtful
	}
	return Ordinary
}

func SeverityStyle(s vuln.Severity) Style {
	switch s {
	case vuln.Critical:
		return Bad
	case vuln.High:
		return Doubtful
	}
	return Ordinary
}
