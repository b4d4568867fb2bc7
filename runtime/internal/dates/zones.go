package dates

import (
	"fmt"
	"math"
	"time"
)

// zoneNames are English names of zones, by their abbreviation and what clocks are ahead of
// UTC there, in minutes: CST is one in Chicago and another in Shanghai.
var zoneNames = map[string]map[int]string{
	"UTC": {0: "Coordinated Universal Time"}, "GMT": {0: "Greenwich Mean Time"},
	"BST": {60: "British Summer Time"}, "IST": {60: "Irish Standard Time", 120: "Israel Standard Time", 330: "India Standard Time"},
	"IDT": {180: "Israel Daylight Time"},
	"WET": {0: "Western European Standard Time"}, "WEST": {60: "Western European Summer Time"},
	"CET": {60: "Central European Standard Time"}, "CEST": {120: "Central European Summer Time"},
	"EET": {120: "Eastern European Standard Time"}, "EEST": {180: "Eastern European Summer Time"},
	"MSK": {180: "Moscow Standard Time"},
	"EST": {-300: "Eastern Standard Time"}, "EDT": {-240: "Eastern Daylight Time"},
	"CST": {-360: "Central Standard Time", 480: "China Standard Time"}, "CDT": {-300: "Central Daylight Time"},
	"MST": {-420: "Mountain Standard Time"}, "MDT": {-360: "Mountain Daylight Time"},
	"PST": {-480: "Pacific Standard Time"}, "PDT": {-420: "Pacific Daylight Time"},
	"AKST": {-540: "Alaska Standard Time"}, "AKDT": {-480: "Alaska Daylight Time"},
	"HST": {-600: "Hawaii-Aleutian Standard Time"},
	"NST": {-210: "Newfoundland Standard Time"}, "NDT": {-150: "Newfoundland Daylight Time"},
	"AST": {-240: "Atlantic Standard Time"}, "ADT": {-180: "Atlantic Daylight Time"},
	"JST": {540: "Japan Standard Time"}, "KST": {540: "Korean Standard Time"}, "HKT": {480: "Hong Kong Standard Time"},
	"AEST": {600: "Australian Eastern Standard Time"}, "AEDT": {660: "Australian Eastern Daylight Time"},
	"ACST": {570: "Australian Central Standard Time"}, "ACDT": {630: "Australian Central Daylight Time"},
	"AWST": {480: "Australian Western Standard Time"},
	"NZST": {720: "New Zealand Standard Time"}, "NZDT": {780: "New Zealand Daylight Time"},
	"SAST": {120: "South Africa Standard Time"}, "WAT": {60: "West Africa Standard Time"}, "EAT": {180: "East Africa Time"}, "CAT": {120: "Central Africa Time"},
}

// LongZone is the English name of a zone at a time: "Central European Summer Time", or
// GMT+05:45 for one without a name here.
func LongZone(ms float64, loc *time.Location) string {
	offset, name := zoneAt(ms, loc)
	minutes := int(math.Floor(offset / minute))
	if long := zoneNames[name][minutes]; long != "" {
		return long
	}
	return GMT(minutes, true)
}

// american are the zones that English of the United States has short names for.
var american = map[string]bool{"EST": true, "EDT": true, "CDT": true, "MST": true, "MDT": true, "PST": true,
	"PDT": true, "AKST": true, "AKDT": true, "HST": true}

// ShortZone is the short name of a zone at a time, as it is written in the United States:
// "EST", or GMT+1 for one that has no name of its own there.
func ShortZone(ms float64, loc *time.Location) string {
	offset, name := zoneAt(ms, loc)
	minutes := int(math.Floor(offset / minute))
	if name == "UTC" || american[name] || name == "CST" && minutes == -360 {
		return name
	}
	return GMT(minutes, false)
}

// GMT is an offset in minutes as text: GMT+1, or GMT+01:00 for long.
func GMT(minutes int, long bool) string {
	if minutes == 0 {
		return "GMT"
	}
	sign := '+'
	if minutes < 0 {
		sign, minutes = '-', -minutes
	}
	switch {
	case long:
		return fmt.Sprintf("GMT%c%02d:%02d", sign, minutes/60, minutes%60)
	case minutes%60 != 0:
		return fmt.Sprintf("GMT%c%d:%02d", sign, minutes/60, minutes%60)
	}
	return fmt.Sprintf("GMT%c%d", sign, minutes/60)
}
