package dates_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/runtime/internal/dates"
)

var parseCases = []struct{ text, want string }{
	{"Thu, 01 Jan 1970 00:00:00 GMT", "0"},
	{"Mon, 06 Jan 2020 10:00:00 +0200", "1578297600000"},
	{"Mon Jan 06 2020 10:00:00 GMT+0200 (EET)", "1578297600000"},
	{"Jan 1, 2020", "1577836800000"},
	{"1 January 2020 10:00", "1577872800000"},
	{"December 4, 1986 10:00", "534074400000"},
	{"Dec 25, 1995 1:30 PM", "819898200000"},
	{"12/25/1995 13:30 GMT+0100", "819894600000"},
	{"05/20/2023", "1684540800000"},
	{"Sat, 5 Oct 2019 08:00:00 EST", "1570280400000"},
	{"2021-04-18 23:59:59", "1618790399000"},
	{"2024-02-29 05:06:07 UTC", "1709183167000"},
	{"2020-01-01 10:00:00 +0100", "1577869200000"},
	{"2021-04-18t23:59:59z", "1618790399000"},
	{"2021-04-18T10:00:00+05:30", "1618720200000"},
	{"2021-04-18T10:00:00.123456Z", "1618740000123"},
	{"1995-12-17T03:24:00.5", "819170640500"},
	{"+012020-01-01T00:00:00Z", "317147356800000"},
	{"-000001-01-01T00:00:00Z", "-62198755200000"},
	{"-000000-01-01T00:00:00Z", "NaN"},
	{"2020", "1577836800000"},
	{"2020-06", "1590969600000"},
	{"2020-1-1", "1577836800000"},
	{"2020-02-30", "1583020800000"},
	{"2020-01-01T24:00:00Z", "1577923200000"},
	{"2020-01-01T25:00:00Z", "NaN"},
	{"2020-13-01", "NaN"},
	{"20200101", "NaN"},
	{"10::5 1 May 99", "925552805000"},
	{"(comment) 4/5/6 +5:30", "NaN"},
	{"5 dec 2020 11:00 pm", "1607209200000"},
	{"1", "978307200000"},
	{"32", "1956528000000"},
	{"garbage", "NaN"},
	{"tomorrow 5", "988675200000"},
	{"1 hour ago", "NaN"},
	{"", "NaN"},
}

func TestParse(t *testing.T) {
	for _, c := range parseCases {
		if got := text(dates.Parse(c.text, time.UTC)); got != c.want {
			t.Errorf("Parse(%q) is %s, want %s", c.text, got, c.want)
		}
	}
	if got := dates.Parse("2020"+strings.Repeat(" ", 1000), time.UTC); !math.IsNaN(got) {
		t.Errorf("a text of a thousand characters is %v, want NaN", got)
	}
}

// What a date is printed as is the date again.
func FuzzParse(f *testing.F) {
	for _, c := range parseCases {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ms := dates.Parse(s, time.UTC)
		if math.IsNaN(ms) {
			return
		}
		if again := dates.Parse(dates.ISO(ms), time.UTC); again != ms {
			t.Errorf("%q is %v, and %s is %v", s, ms, dates.ISO(ms), again)
		}
		if f, _ := dates.Split(ms); dates.Join(f) != ms {
			t.Errorf("%q is %v, whose parts %v make %v", s, ms, f, dates.Join(f))
		}
	})
}

func TestSet(t *testing.T) {
	const at = 1709183167008 // 2024-02-29T05:06:07.008Z
	for _, c := range []struct {
		first int
		args  []float64
		want  string
	}{
		{dates.Year, []float64{2023}, "2023-03-01T05:06:07.008Z"},
		{dates.Month, []float64{13, 1}, "2025-02-01T05:06:07.008Z"},
		{dates.Day, []float64{0}, "2024-01-31T05:06:07.008Z"},
		{dates.Hour, []float64{25, 0, 0, 0}, "2024-03-01T01:00:00.000Z"},
		{dates.Minute, []float64{-1}, "2024-02-29T04:59:07.008Z"},
		{dates.Millisecond, []float64{1e7}, "2024-02-29T07:52:47.000Z"},
	} {
		if got := dates.ISO(dates.Set(at, c.first, c.args, time.UTC)); got != c.want {
			t.Errorf("part %d set to %v makes %s, want %s", c.first, c.args, got, c.want)
		}
	}
	if got := dates.Set(math.NaN(), dates.Year, []float64{2020}, time.UTC); got != 1577836800000 {
		t.Errorf("an invalid date with a year is %v", got)
	}
	if got := dates.Set(math.NaN(), dates.Hour, []float64{1}, time.UTC); !math.IsNaN(got) {
		t.Errorf("an invalid date with an hour is %v", got)
	}
}
