package dates

import (
	"fmt"
	"math"
	"time"
)

const invalid = "Invalid Date"

var (
	weekdays = [...]string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}
	months   = [...]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}
)

// ISO is toISOString of a valid time.
func ISO(ms float64) string {
	f, _ := Split(ms)
	year := fmt.Sprintf("%04.0f", f[Year])
	if f[Year] < 0 || f[Year] > 9999 {
		year = fmt.Sprintf("%+07.0f", f[Year])
	}
	return fmt.Sprintf("%s-%02.0f-%02.0fT%02.0f:%02.0f:%02.0f.%03.0fZ", year, f[Month]+1, f[Day], f[Hour], f[Minute], f[Second], f[Millisecond])
}

// year has at least four digits, and a sign before year 0.
func year(y float64) string {
	if y < 0 {
		return fmt.Sprintf("-%04.0f", -y)
	}
	return fmt.Sprintf("%04.0f", y)
}

// UTCString is toUTCString.
func UTCString(ms float64) string {
	if math.IsNaN(ms) {
		return invalid
	}
	f, weekday := Split(ms)
	return fmt.Sprintf("%s, %02.0f %s %s %02.0f:%02.0f:%02.0f GMT", weekdays[weekday], f[Day], months[int(f[Month])], year(f[Year]), f[Hour], f[Minute], f[Second])
}

// DateString is toDateString.
func DateString(ms float64, loc *time.Location) string {
	if math.IsNaN(ms) {
		return invalid
	}
	f, weekday := Split(Local(ms, loc))
	return fmt.Sprintf("%s %s %02.0f %s", weekdays[weekday], months[int(f[Month])], f[Day], year(f[Year]))
}

// TimeString is toTimeString.
func TimeString(ms float64, loc *time.Location) string {
	if math.IsNaN(ms) {
		return invalid
	}
	f, _ := Split(Local(ms, loc))
	offset, _ := zoneAt(ms, loc)
	sign := '+'
	if offset < 0 {
		sign, offset = '-', -offset
	}
	minutes := math.Floor(offset / minute)
	return fmt.Sprintf("%02.0f:%02.0f:%02.0f GMT%c%02.0f%02.0f (%s)", f[Hour], f[Minute], f[Second], sign,
		math.Floor(minutes/60), math.Mod(minutes, 60), LongZone(ms, loc))
}

// String is toString.
func String(ms float64, loc *time.Location) string {
	if math.IsNaN(ms) {
		return invalid
	}
	return DateString(ms, loc) + " " + TimeString(ms, loc)
}
