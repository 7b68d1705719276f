package ipclass

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"
)

var (
	thisMachine = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	metadata    = netip.AddrFrom4([4]byte{169, 254, 169, 254})
)

// ownNames lead to this machine, and so does everything below the first.
var ownNames = []string{"localhost", "localhost.localdomain", "localhost4", "localhost6", "ip6-localhost", "ip6-loopback"}

// metadataNames lead to the metadata of a cloud.
var metadataNames = []string{
	"metadata", "metadata.google.internal", "metadata.goog", "metadata.google.internal.localdomain",
	"instance-data", "instance-data.ec2.internal", "metadata.azure.internal", "metadata.tencentyun.com",
	"metadata.platformequinix.com", "metadata.packet.net", "metadata.oraclecloud.com",
}

// Spelled are the addresses that the host of a URL spells, without DNS, for connections
// through a proxy that resolves names. Clients accept decimal, octal and hexadecimal numbers
// of one to four parts, trailing dots and wide digits; a number with a leading zero has two
// readings.
func Spelled(host string) []netip.Addr {
	host = strings.ToLower(norm.NFKC.String(strings.Trim(host, "[]")))
	host = strings.TrimRight(strings.ReplaceAll(host, "\u3002", "."), ".")
	if address, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{Plain(address)}
	}
	switch {
	case slices.Contains(ownNames, host), strings.HasSuffix(host, "."+ownNames[0]):
		return []netip.Addr{thisMachine}
	case slices.Contains(metadataNames, host):
		return []netip.Addr{metadata}
	}
	var found []netip.Addr
	for _, octal := range []bool{true, false} {
		if address, ok := numeric(host, octal); ok && !slices.Contains(found, address) {
			found = append(found, address)
		}
	}
	return found
}

// numeric reads an address as inet_aton(3) does; the last part stands for all
// bytes that are left.
func numeric(host string, octal bool) (netip.Addr, bool) {
	parts := strings.Split(host, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var whole uint64
	for i, part := range parts {
		value, ok := number(part, octal)
		left := 8 * (4 - i)
		last := i == len(parts)-1
		if !ok || last && value >= 1<<left || !last && value > 255 {
			return netip.Addr{}, false
		}
		if last {
			whole |= value
		} else {
			whole |= value << (left - 8)
		}
	}
	return netip.AddrFrom4([4]byte{byte(whole >> 24), byte(whole >> 16), byte(whole >> 8), byte(whole)}), true
}

func number(text string, octal bool) (uint64, bool) {
	base, digits := 10, text
	if rest, found := strings.CutPrefix(text, "0x"); found {
		base, digits = 16, rest
		if digits == "" {
			return 0, true // as glibc has it
		}
	} else if octal && len(text) > 1 && text[0] == '0' {
		base = 8
	}
	value, err := strconv.ParseUint(digits, base, 64)
	return value, err == nil
}
