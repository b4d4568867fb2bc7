package intl

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type numberData struct {
	Decimal, Group, Minus, Plus, Exponent, Nan, Infinity string
	MoneyGroup, MoneyDecimal                             *string
	Least                                                int  // digits before the first group, 1 if it isn't there
	Two                                                  bool // groups of two before the last one
	Percent                                              [2]string
	Money                                                [8]string // symbol and code, both negative, and all of it for accounts
	Symbols, Narrow                                      map[string]string
}

// NumberFormat is Intl.NumberFormat.
type NumberFormat struct {
	Locale   Locale
	Style    string
	Currency string
	display  string
	account  bool
	Notation string
	compact  string
	sign     string
	grouping string
	strip    bool // no zeros behind the point of a whole number

	minWhole                 int
	minFraction, maxFraction int
	minDigits, maxDigits     int // of all; 0 for as the fraction says
	short                    bool
}

// NewNumberFormat reads the options.
func NewNumberFormat(l Locale, get Options) (*NumberFormat, error) {
	o := &options{get: get, kind: "NumberFormat"}
	o.common()
	o.one("numberingSystem", "latn")
	f := &NumberFormat{Locale: l, Style: o.one("style", "decimal", "percent", "currency")}
	f.display = o.one("currencyDisplay", "symbol", "narrowSymbol", "code")
	f.account = o.one("currencySign", "standard", "accounting") == "accounting"
	fraction := 0
	if code, ok := get("currency"); ok {
		f.Currency = strings.ToUpper(code)
		if len(code) != 3 || strings.Trim(f.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			o.fail(rangeError("Invalid currency code : %.20s; write three letters as USD", code))
		}
	} else if f.Style == "currency" {
		o.fail(typeError("Currency code is required with currency style."))
	}
	if f.Style == "currency" {
		fraction = 2
		if n, ok := data().Digits[f.Currency]; ok {
			fraction = n
		}
	}
	if f.account && (l.name == "tr" || l.name == "en-IN") {
		o.fail(rangeError("Intl.NumberFormat: the currencySign accounting isn't there for %s", l.name))
	}
	f.Notation = o.one("notation", "standard", "scientific", "engineering", "compact")
	f.compact = o.one("compactDisplay", "short", "long")
	if f.Notation == "compact" && (l.name != "en" || f.account) {
		o.fail(rangeError("Intl.NumberFormat: the notation compact is there for en-US only, and not for accounting"))
	}
	f.digits(o, fraction)
	f.sign = o.one("signDisplay", "auto", "always", "never", "exceptZero", "negative")
	f.grouping = o.one("useGrouping", "", "auto", "always", "min2", "true", "false")
	switch f.grouping {
	case "":
		f.grouping = "auto"
		if f.Notation == "compact" {
			f.grouping = "min2"
		}
	case "true":
		f.grouping = "always"
	}
	o.one("roundingMode", "halfExpand")
	o.one("roundingPriority", "auto")
	o.one("roundingIncrement", "1")
	f.strip = o.one("trailingZeroDisplay", "auto", "stripIfInteger") == "stripIfInteger"
	o.none("unit", "unitDisplay")
	return f, o.err
}

// digits reads how many digits there are to be, as the language resolves it.
func (f *NumberFormat) digits(o *options, currency int) {
	least, most := 0, 3
	switch {
	case f.Style == "currency":
		least, most = currency, currency
	case f.Style == "percent":
		most = 0
	}
	f.minWhole = max(1, o.number("minimumIntegerDigits", 1, 21))
	minFraction, maxFraction := o.number("minimumFractionDigits", 0, 100), o.number("maximumFractionDigits", 0, 100)
	minDigits, maxDigits := o.number("minimumSignificantDigits", 1, 21), o.number("maximumSignificantDigits", 1, 21)
	if minDigits >= 0 || maxDigits >= 0 {
		f.minDigits, f.maxDigits = max(minDigits, 1), maxDigits
		if maxDigits < 0 {
			f.maxDigits = 21
		}
		if f.minDigits > f.maxDigits {
			o.fail(rangeError("maximumSignificantDigits value is out of range."))
		}
		return
	}
	f.short = f.Notation == "compact" && minFraction < 0 && maxFraction < 0
	switch {
	case f.short:
		minFraction, maxFraction = 0, 0
	case minFraction < 0 && maxFraction < 0:
		minFraction, maxFraction = least, most
	case minFraction < 0:
		minFraction = min(least, maxFraction)
	case maxFraction < 0:
		maxFraction = max(most, minFraction)
	case minFraction > maxFraction:
		o.fail(rangeError("maximumFractionDigits value is out of range."))
	}
	f.minFraction, f.maxFraction = minFraction, maxFraction
}

// Resolved are the options as they are in force, in order: names and values.
func (f *NumberFormat) Resolved() []Part {
	list := []Part{{"locale", f.Locale.Tag}, {"numberingSystem", "latn"}, {"style", f.Style}}
	if f.Style == "currency" {
		sign := "standard"
		if f.account {
			sign = "accounting"
		}
		list = append(list, Part{"currency", f.Currency}, Part{"currencyDisplay", f.display}, Part{"currencySign", sign})
	}
	add := func(name string, n int) { list = append(list, Part{name, strconv.Itoa(n)}) }
	add("minimumIntegerDigits", f.minWhole)
	if f.maxDigits > 0 {
		add("minimumSignificantDigits", f.minDigits)
		add("maximumSignificantDigits", f.maxDigits)
	} else {
		add("minimumFractionDigits", f.minFraction)
		add("maximumFractionDigits", f.maxFraction)
	}
	list = append(list, Part{"useGrouping", f.grouping}, Part{"notation", f.Notation})
	if f.Notation == "compact" {
		list = append(list, Part{"compactDisplay", f.compact})
	}
	return append(list, Part{"signDisplay", f.sign}, Part{"roundingIncrement", "1"}, Part{"roundingMode", "halfExpand"}, Part{"roundingPriority", "auto"},
		Part{"trailingZeroDisplay", map[bool]string{false: "auto", true: "stripIfInteger"}[f.strip]})
}

// Format prints a number, given as JavaScript prints it.
func (f *NumberFormat) Format(text string) []Part {
	n := &f.Locale.Numbers
	var body []Part
	negative, zero := strings.HasPrefix(text, "-"), false
	switch text {
	case "NaN":
		body, zero = []Part{{"nan", n.Nan}}, true
	case "Infinity", "-Infinity":
		body = []Part{{"infinity", n.Infinity}}
	default:
		d := parseDecimal(text)
		body, zero = f.body(d)
	}
	sign := byte(0)
	switch f.sign {
	case "auto":
		sign = pick(negative, '-', 0)
	case "always":
		sign = pick(negative, '-', '+')
	case "exceptZero":
		sign = pick(zero, 0, pick(negative, '-', '+'))
	case "negative":
		sign = pick(negative && !zero, '-', 0)
	}
	return f.around(body, sign)
}

func pick(yes bool, a, b byte) byte {
	if yes {
		return a
	}
	return b
}

// body prints the digits.
func (f *NumberFormat) body(d decimal) (parts []Part, zero bool) {
	if f.Style == "percent" && !d.zero() {
		d.exp += 2
	}
	power := 0
	if f.Notation != "standard" && !d.zero() {
		for power = f.power(d); ; { // rounding may make it larger
			r := d
			r.exp -= power
			f.round(&r)
			if again := f.power(decimal{digits: r.digits, exp: r.exp + power}); r.zero() || again == power {
				break
			} else {
				power = again
			}
		}
		d.exp -= power
	}
	f.round(&d)
	zero = d.zero()
	parts = f.plain(d)
	switch {
	case f.Notation == "compact" && power > 0:
		if f.compact == "long" && f.Style != "currency" {
			parts = append(parts, Part{"literal", " "}, Part{"compact", map[int]string{3: "thousand", 6: "million", 9: "billion", 12: "trillion"}[power]})
		} else {
			parts = append(parts, Part{"compact", map[int]string{3: "K", 6: "M", 9: "B", 12: "T"}[power]})
		}
	case f.Notation == "scientific" || f.Notation == "engineering":
		parts = append(parts, Part{"exponentSeparator", f.Locale.Numbers.Exponent})
		if power < 0 {
			parts, power = append(parts, Part{"exponentMinusSign", f.Locale.Numbers.Minus}), -power
		}
		parts = append(parts, Part{"exponentInteger", strconv.Itoa(power)})
	}
	return parts, zero
}

// power is the power of ten that a notation takes out of a number.
func (f *NumberFormat) power(d decimal) int {
	switch f.Notation {
	case "scientific":
		return d.exp - 1
	case "engineering":
		return floorTo3(d.exp - 1)
	}
	return min(max(floorTo3(d.exp-1), 0), 12)
}

func floorTo3(n int) int {
	if n < 0 {
		return -((-n + 2) / 3 * 3)
	}
	return n / 3 * 3
}

func (f *NumberFormat) round(d *decimal) {
	switch {
	case f.maxDigits > 0:
		d.round(f.maxDigits)
	case f.short:
		d.round(max(d.exp, 2))
	default:
		d.round(d.exp + f.maxFraction)
	}
}

// plain prints the digits of a number that is rounded, in groups.
func (f *NumberFormat) plain(d decimal) []Part {
	least := f.minFraction
	if f.maxDigits > 0 {
		least = f.minDigits - max(d.exp, 1)
		if d.zero() {
			least = f.minDigits - 1
		} else if d.exp <= 0 {
			least = f.minDigits - d.exp
		}
	}
	if f.strip && len(d.digits) <= d.exp {
		least = 0
	}
	whole, fraction := d.split(f.minWhole, max(least, 0))
	group, point := f.separators()
	var parts []Part
	for i, size := range f.groups(len(whole)) {
		if i > 0 {
			parts = append(parts, Part{"group", group})
		}
		parts = append(parts, Part{"integer", whole[:size]})
		whole = whole[size:]
	}
	if fraction != "" {
		parts = append(parts, Part{"decimal", point}, Part{"fraction", fraction})
	}
	return parts
}

func (f *NumberFormat) separators() (group, point string) {
	n := &f.Locale.Numbers
	group, point = n.Group, n.Decimal
	if f.Style == "currency" {
		if n.MoneyGroup != nil {
			group = *n.MoneyGroup
		}
		if n.MoneyDecimal != nil {
			point = *n.MoneyDecimal
		}
	}
	return group, point
}

// groups are the sizes of the groups that so many digits make, from the left.
func (f *NumberFormat) groups(digits int) []int {
	least := max(f.Locale.Numbers.Least, 1)
	switch f.grouping {
	case "false":
		return []int{digits}
	case "always":
		least = 1
	case "min2":
		least = 2
	}
	if digits < 3+least {
		return []int{digits}
	}
	sizes, size := []int{3}, 3
	if f.Locale.Numbers.Two {
		size = 2
	}
	for digits -= 3; digits > 0; digits -= size {
		sizes = append(sizes, min(size, digits))
	}
	slices.Reverse(sizes)
	return sizes
}

// around puts the sign, the currency and the percent sign around the digits.
func (f *NumberFormat) around(body []Part, sign byte) []Part {
	n := &f.Locale.Numbers
	pattern, symbol := "1", ""
	switch f.Style {
	case "percent":
		pattern = n.Percent[pick(sign == '-', 1, 0)]
	case "currency":
		symbol = f.symbol()
		i := 0
		if f.account && f.sign != "never" {
			i = 4
		}
		if f.spaced(symbol, n.Money[i]) {
			i += 2
		}
		pattern = n.Money[i+int(pick(sign == '-', 1, 0))]
	}
	switch {
	case sign == '+' && f.Style == "currency" && f.account:
		i := 5
		if f.spaced(symbol, n.Money[4]) {
			i = 7
		}
		if negative := n.Money[i]; strings.Contains(negative, "-") {
			pattern = strings.Replace(negative, "-", "+", 1)
		} else {
			pattern = "+" + pattern // it has parentheses
		}
	case sign == '+' && f.Style != "decimal": // it stands where the other would
		negative := pattern
		switch f.Style {
		case "percent":
			negative = n.Percent[1]
		case "currency":
			i := 1
			if f.spaced(symbol, n.Money[0]) {
				i = 3
			}
			negative = n.Money[i]
		}
		pattern = strings.Replace(negative, "-", "+", 1)
	case sign != 0 && f.Style == "decimal":
		pattern = string(sign) + pattern
	}
	var parts []Part
	for _, c := range pattern {
		switch c {
		case '1':
			parts = append(parts, body...)
		case '-':
			parts = append(parts, Part{"minusSign", n.Minus})
		case '+':
			parts = append(parts, Part{"plusSign", n.Plus})
		case '%':
			parts = append(parts, Part{"percentSign", "%"})
		case '¤':
			parts = append(parts, Part{"currency", symbol})
		default:
			parts = append(parts, Part{"literal", string(c)})
		}
	}
	return parts
}

// symbol is the currency's symbol or code.
func (f *NumberFormat) symbol() string {
	n := &f.Locale.Numbers
	if f.display == "narrowSymbol" {
		if s, ok := n.Narrow[f.Currency]; ok {
			return s
		}
	}
	if s, ok := n.Symbols[f.Currency]; ok && f.display != "code" {
		return s
	}
	return f.Currency
}

// spaced tells whether there is a space between the symbol and the digits, as where a
// letter would touch them.
func (f *NumberFormat) spaced(symbol, pattern string) bool {
	r, _ := utf8.DecodeLastRuneInString(symbol)
	if strings.HasSuffix(pattern, "¤") {
		r, _ = utf8.DecodeRuneInString(symbol)
	}
	return !unicode.IsSymbol(r)
}
