package intl

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

var (
	zoneNames   = regexp.MustCompile(`^[A-Za-z]+[A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$`)
	zoneOffsets = regexp.MustCompile(`^([+-])([01]\d|2[0-3])(?::?([0-5]\d))?$`)
)

// zones are those that have been asked for and are there: as many as there are at most.
var zones sync.Map // from the name in lower case to zone

type zone struct {
	loc  *time.Location
	name string
}

// Zone finds a time zone by its name in the IANA database, in any letters, or by an offset
// such as +05:30. Without a name it is the server's.
func Zone(name string) (*time.Location, string, error) {
	if name == "" {
		return time.Local, localName(), nil
	}
	if z, ok := zones.Load(strings.ToLower(name)); ok {
		return z.(zone).loc, z.(zone).name, nil
	}
	if m := zoneOffsets.FindStringSubmatch(name); m != nil {
		hours, _ := strconv.Atoi(m[2])
		minutes, _ := strconv.Atoi(m[3])
		seconds := hours*3600 + minutes*60
		if m[1] == "-" {
			seconds = -seconds
		}
		full := m[1] + m[2] + ":" + (m[3] + "00")[:2]
		return time.FixedZone(full, seconds), full, nil
	}
	if len(name) <= maxTag && zoneNames.MatchString(name) && !strings.HasPrefix(name, "posix") && !strings.HasPrefix(name, "right/") {
		for _, try := range []string{name, usual(name), strings.ToUpper(name)} {
			loc, err := time.LoadLocation(try)
			if err != nil || strings.EqualFold(try, "local") || strings.EqualFold(try, "localtime") {
				continue
			}
			z := zone{loc, try}
			if try == "UTC" || try == "GMT" || strings.HasPrefix(try, "Etc/U") || try == "Etc/GMT" {
				z = zone{time.UTC, "UTC"}
			}
			zones.Store(strings.ToLower(name), z)
			return z.loc, z.name, nil
		}
	}
	return nil, "", noZone(name)
}

func noZone(name string) error {
	if name == "" {
		name = "an empty name"
	}
	return rangeError("Invalid time zone specified: %.100s isn't there; use a name of the IANA database such as Europe/Berlin, UTC, or an offset such as +05:30", name)
}

// usual writes a name as most zones are written: America/New_York.
func usual(name string) string {
	b := []byte(strings.ToLower(name))
	for i := range b {
		if (i == 0 || strings.IndexByte("/_-", b[i-1]) >= 0) && b[i] >= 'a' && b[i] <= 'z' {
			b[i] -= 'a' - 'A'
		}
	}
	return strings.NewReplacer("_Of_", "_of_", "_Es_", "_es_", "-Au-", "-au-", "/Dumontdurville", "/DumontDUrville", "/Mcmurdo", "/McMurdo").Replace(string(b))
}

// localName is the name of the server's zone, as far as the system tells.
var localName = sync.OnceValue(func() string {
	if name := time.Local.String(); name != "Local" && name != "" {
		return name
	}
	if target, err := os.Readlink("/etc/localtime"); err == nil {
		if _, name, ok := strings.Cut(target, "zoneinfo/"); ok && name != "Etc/UTC" {
			return name
		}
	}
	return "UTC"
})
