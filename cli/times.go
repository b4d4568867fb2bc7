package cli

import (
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// span reads how long something takes: 90s, 12h or 30d.
func span(text string) (d time.Duration, ok bool) {
	number, days := strings.CutSuffix(text, "d")
	if days {
		number += "h"
	}
	d, err := time.ParseDuration(number)
	if days {
		if d > time.Duration(1<<63-1)/24 {
			return 0, false
		}
		d *= 24
	}
	return d, err == nil && d >= 0
}

// moment reads a time as RFC 3339 has it, or a day, or a day and a time of it in this
// machine's zone.
func moment(text string) (at time.Time, ok bool) {
	for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if at, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// sinceOf reads --since: how long ago, or when. It is zero without.
func sinceOf(c *cli.Context, now time.Time) (time.Time, error) {
	text := c.String("since")
	if text == "" {
		return time.Time{}, nil
	}
	if ago, ok := span(text); ok {
		return now.Add(-ago), nil
	}
	at, ok := moment(text)
	if !ok {
		return at, usagef("--since %s is no time; give how long ago, such as 10m, 24h or 7d, or 2026-01-02, or 2026-01-02T15:04:05Z", text)
	}
	return at, nil
}

// expiry reads --expires: how long from now, or when. It is zero without.
func expiry(c *cli.Context, now time.Time) (time.Time, error) {
	text := c.String("expires")
	if text == "" {
		return time.Time{}, nil
	}
	if ahead, ok := span(text); ok && ahead > 0 {
		return now.Add(ahead), nil
	}
	at, ok := moment(text)
	if !ok {
		return at, usagef("--expires %s is neither a time from now nor a day; give one such as 12h, 30d or 2027-01-31", text)
	}
	return at, nil
}
