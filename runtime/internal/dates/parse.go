package dates

import (
	"math"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/runtime/internal/numbers"
)

// longest is how long a text may be that is a date, in bytes.
const longest = 1000

// Parse reads a text as Date.parse does: the language's own format, and beside it what
// other engines take for a date, which is most of what people and machines write: RFC 2822,
// what toString and toUTCString print, SQL's, and American order. NaN is for what is none.
// Without an offset, a date alone is in UTC in the language's own format; all else is local.
func Parse(text string, loc *time.Location) float64 {
	if len(text) > longest {
		return math.NaN()
	}
	p := parser{text: text, month: none, half: none}
	p.next()
	if !p.standard() || !p.rest() {
		return math.NaN()
	}
	return p.time(loc)
}

const none = -1

// parser collects what a text has of a date.
type parser struct {
	text string // behind the token
	tok  token

	iso    bool      // in the language's own format
	days   []float64 // day, month and year in the order of the text, without a month's name
	month  float64   // that a name gives
	clock  []float64 // hour to millisecond
	half   float64   // 0 or 12 for AM or PM
	zone   bool      // there is an offset
	sign   float64
	hours  float64 // of the offset
	minute float64 // none when it has to follow
}

type token struct {
	kind  byte // 'n' number, 'w' word, ' ' space, or the character; 0 at the end
	text  string
	value float64
	word  string // its first three letters, in lower case
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isSpace tells white space at the start of a text, and how long it is.
func isSpace(s string) int {
	return len(s) - len(strings.TrimLeft(s, numbers.Spaces))
}

// next reads a token.
func (p *parser) next() {
	s := p.text
	n := 0
	switch {
	case s == "":
		p.tok = token{}
		return
	case isDigit(s[0]):
		value, digits := 0.0, 0
		for ; n < len(s) && isDigit(s[n]); n++ {
			if digits < 9 && (digits > 0 || s[n] != '0') { // more would be no date
				value = value*10 + float64(s[n]-'0')
				digits++
			}
		}
		p.tok = token{kind: 'n', value: value}
	case isSpace(s) > 0:
		n = isSpace(s)
		p.tok = token{kind: ' '}
	case s[0] >= 'A':
		for n < len(s) && s[n] >= 'A' && (s[n] < 0x80 || isSpace(s[n:]) == 0) {
			n++
		}
		p.tok = token{kind: 'w', word: strings.ToLower(s[:min(n, 3)])}
	case s[0] == '(':
		for depth := 0; n < len(s); {
			switch s[n] {
			case '(':
				depth++
			case ')':
				depth--
			}
			if n++; depth == 0 {
				break
			}
		}
		p.tok = token{kind: '('}
	default:
		n = 1
		p.tok = token{kind: s[0]}
	}
	p.tok.text, p.text = s[:n], s[n:]
}

// skip goes past a token.
func (p *parser) skip(kind byte) bool {
	if p.tok.kind != kind {
		return false
	}
	p.next()
	return true
}

// digits reads a number of just so many digits.
func (p *parser) digits(length int, least, most float64) (float64, bool) {
	t := p.tok
	if t.kind != 'n' || len(t.text) != length || t.value < least || t.value > most {
		return 0, false
	}
	p.next()
	return t.value, true
}

// standard reads what the text has of the language's own format, which is a part of the
// date, or all. It reports false for what looks like it and isn't.
func (p *parser) standard() bool {
	sign := 1.0
	if p.tok.kind == '+' || p.tok.kind == '-' {
		if p.tok.kind == '-' {
			sign = -1
		}
		p.next()
		year, ok := p.digits(6, 0, math.MaxInt32)
		if !ok || sign < 0 && year == 0 {
			return true
		}
		p.days = append(p.days, sign*year)
	} else if year, ok := p.digits(4, 0, 9999); ok {
		p.days = append(p.days, year)
	} else {
		return true
	}
	for _, most := range []float64{12, 31} {
		if !p.skip('-') {
			break
		}
		n, ok := p.digits(2, 1, most)
		if !ok {
			return true
		}
		p.days = append(p.days, n)
	}
	if p.tok.kind == 0 {
		p.iso, p.zone, p.sign = true, true, 1
		return true
	}
	if p.tok.kind != 'w' || p.tok.word != "t" {
		return true
	}
	p.next()
	p.iso = true
	return p.standardTime() && p.standardZone() && p.tok.kind == 0
}

func (p *parser) standardTime() bool {
	h, ok := p.digits(2, 0, 24)
	p.clock = append(p.clock, h)
	if !ok || !p.skip(':') {
		return false
	}
	most := 59.0
	if h == 24 {
		most = 0
	}
	m, ok := p.digits(2, 0, most)
	p.clock = append(p.clock, m)
	if !ok || !p.skip(':') {
		return ok
	}
	s, ok := p.digits(2, 0, most)
	p.clock = append(p.clock, s)
	if !ok || !p.skip('.') {
		return ok
	}
	if p.tok.kind != 'n' || h == 24 && p.tok.value > 0 {
		return false
	}
	p.clock = append(p.clock, p.milliseconds())
	return true
}

// milliseconds reads the digits behind a point, of which three count.
func (p *parser) milliseconds() float64 {
	all, ms := p.tok.text, 0.0
	for i := range 3 {
		ms *= 10
		if i < len(all) {
			ms += float64(all[i] - '0')
		}
	}
	p.next()
	return ms
}

// standardZone reads Z, +hh:mm or +hhmm, if there is one.
func (p *parser) standardZone() bool {
	switch {
	case p.tok.kind == 'w' && p.tok.word == "z":
		p.next()
		p.zone, p.sign = true, 1
	case p.tok.kind == '+' || p.tok.kind == '-':
		p.setSign()
		if both, ok := p.digits(4, 0, 2359); ok {
			p.hours, p.minute = math.Floor(both/100), math.Mod(both, 100)
			return p.minute < 60
		}
		h, ok := p.digits(2, 0, 23)
		if !ok || !p.skip(':') {
			return false
		}
		m, ok := p.digits(2, 0, 59)
		p.hours, p.minute = h, m
		return ok
	}
	return true
}

func (p *parser) setSign() {
	p.zone, p.sign = true, 1
	if p.tok.kind == '-' {
		p.sign = -1
	}
	p.next()
}

// rest reads what isn't in the language's own format.
func (p *parser) rest() bool {
	read := len(p.days) > 0 // a number was read
	for p.tok.kind != 0 {
		ok := true
		switch t := p.tok; t.kind {
		case 'n':
			read = true
			ok = p.number()
		case 'w':
			ok = p.word(read)
		case '+', '-':
			if p.zone && p.hours == 0 && p.minute == 0 || len(p.clock) > 0 {
				read = true
				ok = p.offset()
			} else {
				ok = !read
				p.next()
			}
		case ')':
			ok = !read
			p.next()
		default:
			p.next()
		}
		if !ok {
			return false
		}
	}
	return true
}

// number reads a number: a part of the time of the day, of the offset or of the date.
func (p *parser) number() bool {
	n := p.tok.value
	p.next()
	if p.skip(':') {
		if p.skip(':') { // hours alone
			if len(p.clock) > 0 {
				return false
			}
			p.clock = append(p.clock, n, 0)
			return true
		}
		if len(p.clock) == len(clockMost) {
			return false
		}
		p.clock = append(p.clock, n)
		p.skip('.')
		return true
	}
	point := p.skip('.')
	switch {
	case point && p.expected(n):
		if p.tok.kind != 'n' {
			return false
		}
		p.clock = append(p.clock, n)
		p.finish(p.milliseconds())
	case p.zone && p.minute == none && n < 60:
		p.minute = n
	case p.expected(n):
		p.finish(n)
		t := p.tok
		return t.kind == 0 || t.kind == ' ' || t.kind == '+' || t.kind == '-' || t.kind == 'w' && t.word == "z"
	default:
		p.skip('-')
		p.days = append(p.days, n)
		return len(p.days) <= 3
	}
	return true
}

var clockMost = [4]float64{23, 59, 59, 999}

// finish adds the last part of the time of the day that there is.
func (p *parser) finish(n float64) {
	p.clock = append(append(p.clock, n), 0, 0, 0)[:len(clockMost)]
}

// expected tells whether a number can be the next part of the time of the day.
func (p *parser) expected(n float64) bool {
	i := len(p.clock)
	return i > 0 && i < len(clockMost) && n <= clockMost[i]
}

// zones are the names of offsets that are in use in texts, in hours.
var zones = map[string]float64{"ut": 0, "utc": 0, "z": 0, "gmt": 0,
	"edt": -4, "est": -5, "cdt": -5, "cst": -6, "mdt": -6, "mst": -7, "pdt": -7, "pst": -8}

// word reads a word. One that says nothing may only be before the first number.
func (p *parser) word(read bool) bool {
	t := p.tok
	p.next()
	short := len(t.text) <= 3
	switch {
	case short && (t.word == "am" || t.word == "pm") && len(p.clock) > 0:
		p.half = 0
		if t.word == "pm" {
			p.half = 12
		}
		return true
	case monthOf(t.word) >= 0:
		p.month = float64(monthOf(t.word))
		p.skip('-')
		return true
	}
	if hours, ok := zones[t.word]; ok && short && read {
		p.zone, p.sign, p.hours, p.minute = true, 1, math.Abs(hours), 0
		if hours < 0 {
			p.sign = -1
		}
		return true
	}
	return !read && p.tok.kind != 'n'
}

func monthOf(word string) int {
	for i, m := range months {
		if word == strings.ToLower(m) {
			return i
		}
	}
	return none
}

// offset reads +h, +hh, +hmm, +hhmm, or the beginning of +hh:mm.
func (p *parser) offset() bool {
	p.setSign()
	t := p.tok
	if t.kind == 'n' {
		p.next()
	}
	switch n := t.value; {
	case p.tok.kind == ':':
		p.hours, p.minute = n, none
	case t.kind == 'n' && len(t.text) <= 2:
		p.hours, p.minute = n, 0
	case t.kind == 'n' && len(t.text) <= 4:
		p.hours, p.minute = math.Floor(n/100), math.Mod(n, 100)
	default:
		return false
	}
	return true
}

// time is the time that the parts make.
func (p *parser) time(loc *time.Location) float64 {
	date, ok := p.date()
	if !ok || !p.hour12() || !p.timeOfDay() {
		return math.NaN()
	}
	copy(date[Hour:], p.clock)
	local := Join(date)
	if !p.zone {
		return UTC(local, loc)
	}
	offset := p.hours*hour + math.Max(p.minute, 0)*minute
	if offset > math.MaxInt32*second { // other engines have no room for it
		return math.NaN()
	}
	return Clip(local - p.sign*offset)
}

// date finds out which number is the day, the month and the year.
func (p *parser) date() (f Fields, ok bool) {
	if len(p.days) == 0 {
		return f, false
	}
	a, b, c := p.days[0], 1.0, 1.0
	if len(p.days) > 1 {
		b = p.days[1]
	}
	if len(p.days) > 2 {
		c = p.days[2]
	}
	isDay := func(n float64) bool { return n >= 1 && n <= 31 }
	switch {
	case p.month != none && isDay(a):
		f[Year], f[Month], f[Day] = b, p.month+1, a
	case p.month != none:
		f[Year], f[Month], f[Day] = a, p.month+1, b
	case p.iso || !isDay(a):
		f[Year], f[Month], f[Day] = a, b, c
	default:
		f[Year], f[Month], f[Day] = c, a, b
	}
	if y := f[Year]; !p.iso && y >= 0 && y <= 99 {
		f[Year] += 1900
		if y <= 49 {
			f[Year] += 100
		}
	}
	f[Month]--
	return f, f[Month] >= 0 && f[Month] <= 11 && isDay(f[Day])
}

// hour12 does AM and PM.
func (p *parser) hour12() bool {
	if p.half == none {
		return true
	}
	if p.clock[0] > 12 {
		return false
	}
	p.clock[0] = math.Mod(p.clock[0], 12) + p.half
	return true
}

// timeOfDay checks the clock, which may show 24:00.
func (p *parser) timeOfDay() bool {
	midnight := len(p.clock) > 0 && p.clock[0] == 24
	for i, n := range p.clock {
		if n > clockMost[i] && !(midnight && i == 0) || midnight && i > 0 && n > 0 {
			return false
		}
	}
	return true
}
