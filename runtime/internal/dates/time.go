package dates

import (
	"math"
	"time"
)

// Units in milliseconds, and how far a Date may be from 1970.
const (
	second = 1000
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour

	Most = 8.64e15
)

// Clip makes a time of a number: NaN past Most.
func Clip(ms float64) float64 {
	if !(math.Abs(ms) <= Most) {
		return math.NaN()
	}
	return math.Trunc(ms) + 0
}

// Fields are the parts of a time, in the order of Date's arguments: the month from 0.
type Fields [7]float64

const (
	Year = iota
	Month
	Day
	Hour
	Minute
	Second
	Millisecond
)

// Join makes a local time of parts, which may be past their usual ends: month 12 is next
// year's January. It is MakeDate of the language.
func Join(f Fields) float64 {
	for i := range f {
		if math.IsNaN(f[i]) || math.IsInf(f[i], 0) {
			return math.NaN()
		}
		f[i] = math.Trunc(f[i])
	}
	year, month := f[Year]+math.Floor(f[Month]/12), math.Mod(f[Month], 12)
	if month < 0 {
		month += 12
	}
	if math.Abs(year) > 400_000 {
		return math.NaN()
	}
	days := float64(daysBefore(int64(year), int64(month)+1)) + f[Day] - 1
	ms := days*day + f[Hour]*hour + f[Minute]*minute + f[Second]*second + f[Millisecond]
	if math.IsInf(ms, 0) {
		return math.NaN()
	}
	return ms
}

// daysBefore is how many days the first of a month is after 1970. Years begin in March
// here, so that the day that a leap year adds is the last.
func daysBefore(year, month int64) int64 {
	if month -= 3; month < 0 {
		year, month = year-1, month+12
	}
	era := floor(year, 400)
	ofEra := year - era*400
	return era*146_097 + ofEra*365 + ofEra/4 - ofEra/100 + (153*month+2)/5 - 719_468
}

func floor(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// Split is the opposite of Join, with the weekday, Sunday as 0.
func Split(local float64) (f Fields, weekday int) {
	ms := int64(local)
	days := floor(ms, day)
	rest := ms - days*day
	n := days + 719_468
	era := floor(n, 146_097)
	ofEra := n - era*146_097
	year := (ofEra - ofEra/1460 + ofEra/36_524 - ofEra/146_096) / 365
	ofYear := ofEra - (365*year + year/4 - year/100)
	month := (5*ofYear + 2) / 153
	date := ofYear - (153*month+2)/5 + 1
	year += era * 400
	if month += 3; month > 12 {
		year, month = year+1, month-12
	}
	f = Fields{float64(year), float64(month - 1), float64(date), float64(rest / hour), float64(rest / minute % 60),
		float64(rest / second % 60), float64(rest % second)}
	return f, int(((days+4)%7 + 7) % 7)
}

// zoneAt is what clocks in a place are ahead of UTC at a time, in ms, with its name there.
func zoneAt(ms float64, loc *time.Location) (offset float64, name string) {
	name, seconds := time.UnixMilli(int64(ms)).In(loc).Zone()
	return float64(seconds) * second, name
}

// Local is the local time of a time.
func Local(ms float64, loc *time.Location) float64 {
	if math.IsNaN(ms) {
		return ms
	}
	offset, _ := zoneAt(ms, loc)
	return ms + offset
}

// UTC is the time of a local time. One that clocks show twice is the first of the two,
// and one that they leave out is what it would be had they not been changed.
func UTC(local float64, loc *time.Location) float64 {
	if !(math.Abs(local) <= Most+2*day) {
		return math.NaN()
	}
	before, _ := zoneAt(local-day, loc)
	after, _ := zoneAt(local+day, loc)
	for _, offset := range []float64{before, after} {
		if now, _ := zoneAt(local-offset, loc); now == offset {
			return Clip(local - offset)
		}
	}
	return Clip(local - before)
}

// New is the time of Date's arguments, at least two of them.
func New(args []float64, loc *time.Location) float64 {
	f := Fields{Day: 1}
	copy(f[:], args)
	if year := math.Trunc(f[Year]); year >= 0 && year <= 99 {
		f[Year] = 1900 + year
	}
	return UTC(Join(f), loc)
}

// Set is what a setter makes of a time: the parts from first on are those given. A Date
// that is invalid gets a year only.
func Set(ms float64, first int, args []float64, loc *time.Location) float64 {
	if math.IsNaN(ms) {
		if first != Year {
			return ms
		}
		ms = 0
	} else {
		ms = Local(ms, loc)
	}
	f, _ := Split(ms)
	copy(f[first:], args)
	return UTC(Join(f), loc)
}

// Setters are the setters of Date by their names behind set and setUTC: the first part
// that they set, and how many they take.
var Setters = map[string]struct{ First, Most int }{
	"FullYear": {Year, 3}, "Month": {Month, 2}, "Date": {Day, 1},
	"Hours": {Hour, 4}, "Minutes": {Minute, 3}, "Seconds": {Second, 2}, "Milliseconds": {Millisecond, 1},
}
