package js

import (
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/fazt-sh/fazt/runtime/internal/literal"
)

// Characters that no host has: an opaque one, and a domain, beside controls.
const (
	forbiddenInHost   = "\x00\t\n\r #/:<>?@[\\]^|"
	forbiddenInDomain = forbiddenInHost + "%"
)

// parseHost parses a host as the standard does: an address, a domain, or an opaque host
// of a scheme that isn't special.
func (u *URL) parseHost(host string) (string, error) {
	switch {
	case strings.HasPrefix(host, "["):
		return parseIPv6(host)
	case !u.special():
		if strings.ContainsAny(host, forbiddenInHost) {
			return "", errURL
		}
		return encodeURLPart(host, ""), nil
	}
	domain, err := toASCII(strings.ToValidUTF8(literal.Unescape(host), string(utf8.RuneError)))
	if err != nil || domain == "" || strings.ContainsAny(domain, forbiddenInDomain) {
		return "", errURL
	}
	for i := range len(domain) {
		if c := domain[i]; c < ' ' || c >= 0x7f {
			return "", errURL
		}
	}
	if endsInNumber(domain) {
		return parseIPv4(domain)
	}
	return domain, nil
}

// maxDomain bounds a domain that isn't plain ASCII, as Punycode takes quadratic time. In
// the DNS none is longer than 253.
const maxDomain = 1024

// domains is how the standard has domain names mapped: leniently, as browsers do.
var domains = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false),
	idna.CheckHyphens(false), idna.CheckJoiners(true), idna.BidiRule(), idna.VerifyDNSLength(false))

func toASCII(domain string) (string, error) {
	plain := true
	for i := range len(domain) {
		plain = plain && domain[i] < utf8.RuneSelf
	}
	lower := strings.ToLower(domain)
	if plain && !strings.HasPrefix(lower, "xn--") && !strings.Contains(lower, ".xn--") {
		return lower, nil
	}
	if len(domain) > maxDomain {
		return "", errURL
	}
	return domains.ToASCII(domain)
}

// endsInNumber tells whether a domain has to be an IPv4 address.
func endsInNumber(domain string) bool {
	domain = strings.TrimSuffix(domain, ".")
	last := domain[strings.LastIndexByte(domain, '.')+1:]
	if last != "" && digits(last) == last {
		return true
	}
	_, ok := ipv4Number(last)
	return ok
}

// ipv4Number reads a number in decimal, in octal behind 0 or in hexadecimal behind 0x.
func ipv4Number(s string) (uint64, bool) {
	base := 10
	switch {
	case s == "":
		return 0, false
	case len(s) > 1 && s[0] == '0' && s[1]|0x20 == 'x':
		s, base = s[2:], 16
	case len(s) > 1 && s[0] == '0':
		s, base = s[1:], 8
	}
	if s == "" {
		return 0, true
	}
	if s[0] == '+' || s[0] == '-' || strings.IndexByte(s, '_') >= 0 {
		return 0, false
	}
	const tooLarge = 1 << 40 // for any address
	if s = strings.TrimLeft(s, "0"); s == "" {
		return 0, true
	}
	for i := range len(s) { // ParseUint stops at the first digit that is too much
		if _, err := strconv.ParseUint(s[i:i+1], base, 8); err != nil {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(s, base, 40)
	if err != nil {
		n = tooLarge
	}
	return n, true
}

// parseIPv4 reads an address of one to four numbers, the last of which stands for all
// that is left.
func parseIPv4(domain string) (string, error) {
	parts := strings.Split(strings.TrimSuffix(domain, "."), ".")
	if len(parts) > 4 {
		return "", errURL
	}
	var address uint64
	for i, part := range parts {
		n, ok := ipv4Number(part)
		limit := uint64(256)
		if i == len(parts)-1 {
			limit = 1 << (8 * (5 - len(parts)))
			address += n
		} else {
			address += n << (8 * (3 - i))
		}
		if !ok || n >= limit {
			return "", errURL
		}
	}
	return netip.AddrFrom4([4]byte{byte(address >> 24), byte(address >> 16), byte(address >> 8), byte(address)}).String(), nil
}

// parseIPv6 parses an address in brackets. Go reads and shortens it as the standard
// does, but for one that has an IPv4 address in it, which is hexadecimal here.
func parseIPv6(host string) (string, error) {
	if !strings.HasSuffix(host, "]") {
		return "", errURL
	}
	addr, err := netip.ParseAddr(host[1 : len(host)-1])
	if err != nil || !addr.Is6() || addr.Zone() != "" {
		return "", errURL
	}
	text := addr.String()
	if addr.Is4In6() {
		b := addr.As16()
		text = "::ffff:" + strconv.FormatUint(uint64(b[12])<<8|uint64(b[13]), 16) + ":" + strconv.FormatUint(uint64(b[14])<<8|uint64(b[15]), 16)
	}
	return "[" + text + "]", nil
}
