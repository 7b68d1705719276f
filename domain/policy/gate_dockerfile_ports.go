package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tagwatch/tagwatch/domain/sbom"
)

func dockerfilePorts(c *check) error {
	if onlyActual(c) {
		return nil
	}
	ports := c.numbers("ports")
	allowed := map[int]bool{}
	for _, port := range ports {
		allowed[port] = true
	}
	for line := range each(c.memo.timeLimit, dockerfileLines(c)) {
		if line.word != "EXPOSE" {
			continue
		}
		exposed := exposedPorts(line.argument)
		if c.value("type") == "blacklist" {
			fireDenied(c, ports, exposed)
		} else {
			fireNotAllowed(c, allowed, exposed)
		}
	}
	return nil
}

// fireDenied fires once per listed port that is exposed, in the first form in
// which it is: 22, 22/tcp or 22/udp.
func fireDenied(c *check, ports []int, exposed []exposedPort) {
	for port := range each(c.memo.timeLimit, ports) {
		for _, protocol := range []string{"", "/tcp", "/udp", "/sctp"} {
			if !c.spend(elementWork * len(exposed)) {
				return
			}
			if slices.ContainsFunc(exposed, func(e exposedPort) bool { return e.protocol == protocol && e.covers(port) }) {
				c.fire(fmt.Sprintf("Dockerfile exposes port (%d%s) which is in policy file DENIEDPORTS list", port, protocol))
				break
			}
		}
	}
}

// fireNotAllowed fires for each exposed port, or range, that the listed ones do
// not cover completely.
func fireNotAllowed(c *check, allowed map[int]bool, exposed []exposedPort) {
	for e := range each(c.memo.timeLimit, exposed) {
		if c.spend(elementWork*max(0, e.last-e.first)) && !e.coveredBy(allowed) {
			c.fire(fmt.Sprintf("Dockerfile exposes port (%s) which is not in policy file ALLOWEDPORTS list", e.token))
		}
	}
}

// exposedPort is one argument of EXPOSE: a port or a range, of a protocol.
type exposedPort struct {
	token       string // as written
	first, last int    // last is before first if the token is not a port, such as a variable
	protocol    string // with its slash, as in "/tcp"; "" if none is named
}

func exposedPorts(argument string) []exposedPort {
	var exposed []exposedPort
	for _, token := range sbom.ExposedPorts(argument) {
		exposed = append(exposed, parsePort(token))
	}
	return exposed
}

func parsePort(token string) exposedPort {
	port := exposedPort{token: token, last: -1}
	numbers, protocol, named := strings.Cut(token, "/")
	if named {
		port.protocol = "/" + strings.ToLower(protocol)
	}
	low, high, ranged := strings.Cut(numbers, "-")
	if !ranged {
		high = low
	}
	first, errFirst := strconv.ParseUint(low, 10, 16)
	last, errLast := strconv.ParseUint(high, 10, 16)
	if errFirst == nil && errLast == nil {
		port.first, port.last = int(first), int(last)
	}
	return port
}

func (e exposedPort) covers(port int) bool { return e.first <= port && port <= e.last }

func (e exposedPort) coveredBy(allowed map[int]bool) bool {
	for port := e.first; port <= e.last; port++ {
		if !allowed[port] {
			return false
		}
	}
	return e.first <= e.last
}
