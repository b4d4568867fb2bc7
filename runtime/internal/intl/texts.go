package intl

import (
	"math"
	"strconv"
	"strings"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"github.com/fazt-sh/fazt/runtime/internal/literal"
)

func itoa(n int) string { return strconv.Itoa(n) }

// ListFormat is Intl.ListFormat.
type ListFormat struct {
	Locale      Locale
	Type, Style string
}

// NewListFormat reads the options.
func NewListFormat(l Locale, get Options) (*ListFormat, error) {
	o := &options{get: get, kind: "ListFormat"}
	o.common()
	f := &ListFormat{l, o.one("type", "conjunction", "disjunction", "unit"), o.one("style", "long", "short", "narrow")}
	return f, o.err
}

// Format puts texts together.
func (f *ListFormat) Format(list []string) []Part {
	words := f.Locale.Lists[f.Type+" "+f.Style]
	var parts []Part
	for i, text := range list {
		switch {
		case i == 0:
		case len(list) == 2:
			parts = append(parts, Part{"literal", f.between(words[0], text)})
		case i == len(list)-1:
			parts = append(parts, Part{"literal", f.between(words[3], text)})
		case i == 1:
			parts = append(parts, Part{"literal", words[1]})
		default:
			parts = append(parts, Part{"literal", words[2]})
		}
		parts = append(parts, Part{"element", text})
	}
	return parts
}

// between changes the words that the sound of the next one changes: y and o in Spanish, e
// in Italian stays.
func (f *ListFormat) between(word, next string) string {
	if !strings.HasPrefix(f.Locale.name, "es") {
		return word
	}
	next = strings.ToLower(next)
	switch {
	case word == " y " && (strings.HasPrefix(next, "i") || strings.HasPrefix(next, "hi") && !strings.HasPrefix(next, "hia") && !strings.HasPrefix(next, "hie")):
		return " e "
	case word == " o " && (strings.HasPrefix(next, "o") || strings.HasPrefix(next, "ho") || strings.HasPrefix(next, "8") || next == "11" || strings.HasPrefix(next, "11 ")):
		return " u "
	}
	return word
}

// RelativeTimeFormat is Intl.RelativeTimeFormat.
type RelativeTimeFormat struct {
	Locale         Locale
	Style, Numeric string
	numbers        *NumberFormat
	plurals        *PluralRules
}

// NewRelativeTimeFormat reads the options.
func NewRelativeTimeFormat(l Locale, get Options) (*RelativeTimeFormat, error) {
	o := &options{get: get, kind: "RelativeTimeFormat"}
	o.common()
	o.one("numberingSystem", "latn")
	f := &RelativeTimeFormat{Locale: l, Style: o.one("style", "long", "short", "narrow"), Numeric: o.one("numeric", "always", "auto")}
	if f.Style != "long" && !strings.HasPrefix(l.name, "en") {
		o.fail(rangeError("Intl.RelativeTimeFormat: the style %s is there in English only; use long", f.Style))
	}
	if o.err != nil {
		return nil, o.err
	}
	none := func(string) (string, bool) { return "", false }
	var err error
	if f.numbers, err = NewNumberFormat(l, none); err == nil {
		f.plurals, err = NewPluralRules(l, none)
	}
	return f, err
}

// Format says how far a time is away, in a unit. The number is given as JavaScript prints
// it, with -0 for one before now.
func (f *RelativeTimeFormat) Format(text, unit string) ([]Part, error) {
	unit = strings.TrimSuffix(unit, "s")
	forms := f.Locale.Relative[unit+" "+f.Style]
	switch {
	case forms == nil:
		return nil, rangeError("Invalid unit argument for format() '%.100s': there are second, minute, hour, day, week, month, quarter and year", unit)
	case text == "NaN" || strings.HasSuffix(text, "Infinity"):
		return nil, rangeError("Intl.RelativeTimeFormat: the number must be finite")
	}
	if f.Numeric == "auto" {
		near := math.Round(numberOf(text)*100) / 100
		if form, ok := forms[literal.FormatNumber(near)]; ok {
			if before, ok := forms["-0"]; ok && near == 0 && math.Signbit(near) {
				form = before
			}
			return []Part{{"literal", form}}, nil
		}
	}
	sign, digits := "+", text
	if strings.HasPrefix(text, "-") {
		sign, digits = "-", text[1:]
	}
	before, behind, _ := strings.Cut(forms[sign+f.plurals.Select(digits)], "{0}")
	var parts []Part
	if before != "" {
		parts = append(parts, Part{"literal", before})
	}
	parts = append(parts, f.numbers.Format(digits)...)
	if behind != "" {
		parts = append(parts, Part{"literal", behind})
	}
	return parts, nil
}

// Collator is Intl.Collator.
type Collator struct {
	Locale               Locale
	Usage, Sensitivity   string
	Numeric, Punctuation bool
	collator             *collate.Collator
}

// NewCollator reads the options.
func NewCollator(l Locale, get Options) (*Collator, error) {
	o := &options{get: get, kind: "Collator"}
	o.common()
	o.one("collation", "default")
	o.one("caseFirst", "false")
	c := &Collator{Locale: l, Usage: o.one("usage", "sort"), Sensitivity: o.one("sensitivity", "variant", "accent", "base")}
	c.Numeric = o.one("numeric", "false", "true") == "true"
	c.Punctuation = o.one("ignorePunctuation", "false", "true") == "true"
	var opts []collate.Option
	if c.Numeric {
		opts = append(opts, collate.Numeric)
	}
	switch c.Sensitivity {
	case "accent":
		opts = append(opts, collate.IgnoreCase)
	case "base":
		opts = append(opts, collate.IgnoreCase, collate.IgnoreDiacritics)
	}
	if c.Punctuation {
		o.none("ignorePunctuation")
	}
	if o.err != nil {
		return nil, o.err
	}
	c.collator = collate.New(language.Make(l.name), opts...)
	return c, nil
}

// Compare is below 0, 0 or above it.
func (c *Collator) Compare(a, b string) int { return c.collator.CompareString(a, b) }
