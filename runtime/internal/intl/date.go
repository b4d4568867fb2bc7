package intl

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/runtime/internal/dates"
)

type dateData struct {
	Months, Alone, Days [][]string // long, short and narrow; Alone without a day beside it
	DaysAlone           [][]string // the same of days of the week
	Halves              []string   // AM and PM
	Hour12              bool
	Join                string            // 0 and what is between date and time, or 1 where the time is first
	Patterns            map[string]string // see dateKey
}

// DateTimeFormat is Intl.DateTimeFormat.
type DateTimeFormat struct {
	Locale   Locale
	zone     *time.Location
	zoneName string
	pattern  string
	hour12   bool
	clock    string // ! where it isn't the locale's own
	hasHour  bool
	widths   map[string]string // of the fields that were asked for
	fields   []Part            // resolved, in order
}

var dateFields = []string{"weekday", "year", "month", "day"}

// NewDateTimeFormat reads the options. required is what there has to be, "date", "time" or
// "any", and defaults what there is otherwise: "date", "time" or "all".
func NewDateTimeFormat(l Locale, get Options, required, defaults string) (*DateTimeFormat, error) {
	o := &options{get: get, kind: "DateTimeFormat"}
	o.common()
	o.one("calendar", "gregory")
	o.one("numberingSystem", "latn")
	o.one("formatMatcher", "best fit", "basic")
	o.none("era", "dayPeriod")
	f := &DateTimeFormat{Locale: l, widths: make(map[string]string)}
	f.hour12 = l.Dates.Hour12
	switch o.one("hour12", "", "true", "false") + o.one("hourCycle", "", "h12", "h23") {
	case "true", "h12", "trueh12", "trueh23":
		f.hour12 = true
	case "false", "h23", "falseh12", "falseh23":
		f.hour12 = false
	}
	if f.hour12 != l.Dates.Hour12 {
		f.clock = "!"
		if !strings.HasPrefix(l.name, "en") {
			o.fail(rangeError("Intl.DateTimeFormat: another clock than the locale's own (hour12, hourCycle) is there in English only"))
		}
	}
	name, given := get("timeZone")
	var err error
	if given && name == "" {
		err = noZone(name)
	} else {
		f.zone, f.zoneName, err = Zone(name)
	}
	if err != nil {
		o.fail(err)
	}
	field := func(name string, values ...string) {
		if v := o.one(name, append([]string{""}, values...)...); v != "" {
			f.widths[name] = v
		}
	}
	field("weekday", "long", "short", "narrow")
	field("year", "numeric", "2-digit")
	field("month", "numeric", "2-digit", "long", "short", "narrow")
	field("day", "numeric", "2-digit")
	field("hour", "numeric", "2-digit")
	field("minute", "numeric", "2-digit")
	field("second", "numeric", "2-digit")
	if n := o.number("fractionalSecondDigits", 1, 3); n > 0 {
		f.widths["fractionalSecondDigits"] = strconv.Itoa(n)
	}
	field("timeZoneName", "short", "long", "shortOffset", "longOffset")
	if z := f.widths["timeZoneName"]; z != "" && l.name != "en" {
		o.fail(rangeError("Intl.DateTimeFormat: timeZoneName is there for en-US only"))
	}
	dateStyle, timeStyle := o.one("dateStyle", "", "full", "long", "medium", "short"), o.one("timeStyle", "", "full", "long", "medium", "short")
	if o.err != nil {
		return nil, o.err
	}
	if dateStyle != "" || timeStyle != "" {
		return f, f.style(dateStyle, timeStyle, required)
	}
	f.defaults(required, defaults)
	return f, f.compose()
}

// style makes the pattern of dateStyle and timeStyle.
func (f *DateTimeFormat) style(date, clock, required string) error {
	switch {
	case len(f.widths) > 0:
		return typeError("Can't set option %s when %s is used", f.anyWidth(), map[bool]string{true: "dateStyle", false: "timeStyle"}[date != ""])
	case required == "date" && clock != "":
		return typeError("Invalid option : timeStyle")
	case required == "time" && date != "":
		return typeError("Invalid option : dateStyle")
	}
	p := f.Locale.Dates.Patterns
	datePattern, timePattern := p["date "+date], ""
	if clock != "" {
		f.hasHour = true
		f.widths["hour"], f.widths["minute"] = "", ""
		if clock == "full" || clock == "long" {
			if f.Locale.name != "en" {
				return rangeError("Intl.DateTimeFormat: timeStyle %s names the time zone, which is there for en-US only; use medium or short", clock)
			}
			f.widths["timeZoneName"] = map[string]string{"full": "long", "long": "short"}[clock]
		}
		key := "time short"
		if clock != "short" {
			key = "time medium"
		}
		timePattern = p[key+f.clock]
		if f.widths["timeZoneName"] != "" {
			timePattern += " {z}"
		}
	}
	f.fields = nil
	if date != "" {
		f.fields = append(f.fields, Part{"dateStyle", date})
	}
	if clock != "" {
		f.fields = append(f.fields, Part{"timeStyle", clock})
	}
	if date == "full" {
		f.widths["weekday"] = "long"
	}
	f.widths["month"] = map[string]string{"full": "long", "long": "long", "medium": "short"}[date]
	f.pattern = joined(p["join "+date], datePattern, timePattern)
	return nil
}

func (f *DateTimeFormat) anyWidth() string {
	for _, name := range append(dateFields, "hour", "minute", "second", "fractionalSecondDigits", "timeZoneName") {
		if f.widths[name] != "" {
			return name
		}
	}
	return ""
}

// joined puts a date and a time together.
func joined(join, date, clock string) string {
	switch {
	case date == "":
		return clock
	case clock == "":
		return date
	case join[0] == '1':
		return clock + join[1:] + date
	}
	return date + join[1:] + clock
}

// defaults asks for fields when there is none of those required.
func (f *DateTimeFormat) defaults(required, defaults string) {
	need := true
	if required != "time" {
		for _, name := range dateFields {
			need = need && f.widths[name] == ""
		}
	}
	if required != "date" {
		for _, name := range []string{"hour", "minute", "second", "fractionalSecondDigits"} {
			need = need && f.widths[name] == ""
		}
	}
	if !need {
		return
	}
	if defaults != "time" {
		f.widths["year"], f.widths["month"], f.widths["day"] = "numeric", "numeric", "numeric"
	}
	if defaults != "date" {
		f.widths["hour"], f.widths["minute"], f.widths["second"] = "numeric", "numeric", "numeric"
	}
}

// compose makes the pattern of the fields that are asked for.
func (f *DateTimeFormat) compose() error {
	date, join, err := f.datePattern()
	if err != nil {
		return err
	}
	clock, err := f.clockPattern()
	if err != nil {
		return err
	}
	if f.widths["timeZoneName"] != "" {
		switch {
		case clock != "" && f.widths["minute"] != "":
			clock += " {z}"
		case date != "" && clock == "" && f.widths["month"] != "long":
			date += ", {z}"
		default:
			return rangeError("Intl.DateTimeFormat: timeZoneName has to have hour and minute beside it, or a date without a long month")
		}
	}
	if date != "" && clock != "" && join == "-" {
		return rangeError("Intl.DateTimeFormat: this date can't have a time beside it in %s; format them apart", f.Locale.Tag)
	}
	f.pattern = joined(join, date, clock)
	for _, name := range append(dateFields, "hour", "minute", "second", "fractionalSecondDigits", "timeZoneName") {
		if w := f.widths[name]; w != "" {
			f.fields = append(f.fields, Part{name, w})
		}
	}
	return nil
}

// datePattern finds the pattern of a date: letters for the fields that there are, of the
// weekday and the month with their width.
func (f *DateTimeFormat) datePattern() (pattern, join string, err error) {
	p, w := f.Locale.Dates.Patterns, f.widths
	key := map[string]string{"long": "l", "short": "s", "narrow": "s"}[w["weekday"]]
	month := map[string]string{"numeric": "N", "2-digit": "N", "short": "S", "narrow": "S", "long": "L"}[w["month"]]
	if w["year"] != "" {
		key += "y"
	}
	key += month
	if w["day"] != "" {
		key += "d"
	}
	switch {
	case key == "":
		return "", f.Locale.Dates.Join, nil
	case (w["month"] == "narrow" || w["weekday"] == "narrow") && (len(key) > 1 || w["minute"]+w["hour"]+w["second"] != ""):
		return "", "", rangeError("Intl.DateTimeFormat: a narrow month or weekday is there without other fields beside it only")
	case w["weekday"] != "" && month != "" && w["day"] == "":
		return "", "", rangeError("Intl.DateTimeFormat: weekday and month have to have day beside them")
	case w["hour"] == "" && w["minute"]+w["second"] != "":
		return "", "", rangeError("Intl.DateTimeFormat: minute and second have to have hour beside them where there is a date")
	case month == "" && w["year"] != "" && (w["day"] != "" || w["weekday"] != ""):
		return "", "", rangeError("Intl.DateTimeFormat: year has to have month beside it where there is a day")
	}
	pattern, join = p[key], f.Locale.Dates.Join
	if pattern == "" {
		return "", "", rangeError("Intl.DateTimeFormat: these fields of a date aren't there together in %s", f.Locale.Tag)
	}
	if (key == "l" || key == "s") && (f.Locale.name != "en" || f.clock != "" || w["timeZoneName"] != "") || (month == "S" || month == "L") && (w["year"] == "2-digit" || w["day"] == "" && f.Locale.name != "en") {
		join = "-"
	}
	if other, ok := p[key+"+"]; ok && join != "-" {
		join = other
	}
	if w["weekday"] == "" {
		exact := map[string]string{"numeric": "y", "2-digit": "z"}[w["year"]] + month
		if w["month"] == "2-digit" {
			exact += "2"
		}
		exact += map[string]string{"numeric": "d", "2-digit": "d2"}[w["day"]]
		if two, ok := p[exact]; ok {
			return two, join, nil
		}
	}
	if w["month"] == "2-digit" {
		pattern = strings.Replace(pattern, "{M}", "{MM}", 1)
	}
	if w["day"] == "2-digit" {
		pattern = strings.Replace(pattern, "{d}", "{dd}", 1)
	}
	if w["year"] == "2-digit" {
		pattern = strings.Replace(pattern, "{y}", "{yy}", 1)
	}
	return pattern, join, nil
}

// clockPattern finds the pattern of a time of the day: letters for the fields, with their
// width.
func (f *DateTimeFormat) clockPattern() (string, error) {
	w, key := f.widths, "t"
	digits := map[string]string{"numeric": "n", "2-digit": "2"}
	for _, part := range []struct{ name, letter string }{{"hour", "h"}, {"minute", "m"}, {"second", "s"}} {
		if width := w[part.name]; width != "" {
			if w["hour"] == "" {
				width = "numeric" // which two digits don't change
			}
			key += part.letter + digits[width]
		}
	}
	if w["fractionalSecondDigits"] != "" {
		if w["second"] == "" {
			return "", rangeError("Intl.DateTimeFormat: fractionalSecondDigits has to have second beside it")
		}
		key += "S"
	}
	if key == "t" {
		return "", nil
	}
	if f.hasHour = w["hour"] != ""; f.hasHour {
		key += f.clock
	}
	pattern, ok := f.Locale.Dates.Patterns[key]
	if !ok {
		return "", rangeError("Intl.DateTimeFormat: hour and second have to have minute between them, and fractionalSecondDigits minute and second beside it")
	}
	return pattern, nil
}

// Resolved are the options as they are in force, in order: names and values.
func (f *DateTimeFormat) Resolved() []Part {
	list := []Part{{"locale", f.Locale.Tag}, {"calendar", "gregory"}, {"numberingSystem", "latn"}, {"timeZone", f.zoneName}}
	if f.hasHour {
		list = append(list, Part{"hourCycle", map[bool]string{true: "h12", false: "h23"}[f.hour12]}, Part{"hour12", strconv.FormatBool(f.hour12)})
	}
	return append(list, f.fields...)
}

// Format prints a valid time.
func (f *DateTimeFormat) Format(ms float64) []Part {
	at, weekday := dates.Split(dates.Local(ms, f.zone))
	var parts []Part
	for rest := f.pattern; rest != ""; {
		literal, more, found := strings.Cut(rest, "{")
		if literal != "" {
			parts = append(parts, Part{"literal", literal})
		}
		if !found {
			break
		}
		var field string
		field, rest, _ = strings.Cut(more, "}")
		parts = append(parts, f.field(field, at, weekday, ms))
	}
	return parts
}

// field prints what a letter of a pattern stands for.
func (f *DateTimeFormat) field(letter string, at dates.Fields, weekday int, ms float64) Part {
	d := &f.Locale.Dates
	number := func(kind string, n float64) Part {
		return Part{kind, fmt.Sprintf("%0*.0f", len(letter), n)}
	}
	name := func(names [][]string, width string, i int) string {
		return names[map[string]int{"long": 0, "short": 1, "narrow": 2}[width]][i]
	}
	switch letter {
	case "E":
		if f.widths["weekday"] == "narrow" { // which stands alone
			return Part{"weekday", d.DaysAlone[2][weekday]}
		}
		return Part{"weekday", name(d.Days, f.widths["weekday"], weekday)}
	case "W":
		return Part{"weekday", name(d.DaysAlone, f.widths["weekday"], weekday)}
	case "y":
		year := at[dates.Year]
		if year <= 0 {
			year = 1 - year // of the era before
		}
		return number("year", year)
	case "yy":
		return number("year", math.Mod(math.Abs(at[dates.Year]), 100))
	case "N":
		if f.widths["month"] == "narrow" { // which stands alone
			return Part{"month", d.Alone[2][int(at[dates.Month])]}
		}
		return Part{"month", name(d.Months, f.widths["month"], int(at[dates.Month]))}
	case "L":
		return Part{"month", name(d.Alone, f.widths["month"], int(at[dates.Month]))}
	case "M", "MM":
		return number("month", at[dates.Month]+1)
	case "d", "dd":
		return number("day", at[dates.Day])
	case "h", "hh":
		hour := at[dates.Hour]
		if f.hour12 {
			if hour = math.Mod(hour, 12); hour == 0 {
				hour = 12
			}
		}
		return number("hour", hour)
	case "m", "mm":
		return number("minute", at[dates.Minute])
	case "s", "ss":
		return number("second", at[dates.Second])
	case "S":
		n, _ := strconv.Atoi(f.widths["fractionalSecondDigits"])
		return Part{"fractionalSecond", fmt.Sprintf("%03.0f", at[dates.Millisecond])[:n]}
	case "a":
		return Part{"dayPeriod", d.Halves[int(at[dates.Hour])/12]}
	}
	return Part{"timeZoneName", f.zoneText(ms)}
}

func (f *DateTimeFormat) zoneText(ms float64) string {
	minutes := int(math.Floor((dates.Local(ms, f.zone) - ms) / 60_000))
	switch f.widths["timeZoneName"] {
	case "short":
		return dates.ShortZone(ms, f.zone)
	case "long":
		return dates.LongZone(ms, f.zone)
	case "shortOffset":
		if minutes == 0 {
			return "GMT+0"
		}
		return dates.GMT(minutes, false)
	}
	if minutes == 0 {
		return "GMT+00:00"
	}
	return dates.GMT(minutes, true)
}
