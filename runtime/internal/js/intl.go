package js

import (
	_ "embed"
	"math"
	"regexp"
	"strings"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/dates"
	"github.com/fazt-sh/fazt/runtime/internal/intl"
	"github.com/fazt-sh/fazt/runtime/internal/literal"
	"github.com/fazt-sh/fazt/runtime/internal/numbers"
)

// IntlLibrary is Intl for every engine, an expression that evaluates to a function of what
// Go gives: intlMake, intlText and so on, see [Intl].
//
//go:embed intl.js
var IntlLibrary string

// Intl is what an engine makes Intl and the toLocale methods of. One serves a run.
type Intl[V any] struct {
	Reader Reader[V]
	made   []any          // of the objects of Intl, by the numbers that JavaScript has
	plain  *intl.Collator // of no locale and no options
}

// maxLocales bounds a list of locales.
const maxLocales = 100

func typeError(message string) error { return &runtime.HostError{Name: "TypeError", Message: message} }

// Locales reads a locale or a list of them.
func (x *Intl[V]) Locales(v V) ([]string, error) {
	r := x.Reader
	switch r.Kind(v) {
	case runtime.KindUndefined:
		return nil, nil
	case runtime.KindString:
		return []string{r.String(v)}, nil
	case runtime.KindNull:
		return nil, typeError("Cannot convert undefined or null to object")
	case KindArray:
	default:
		return nil, typeError("a locale must be a string such as 'en-US', or a list of them")
	}
	n := r.Len(v)
	if n > maxLocales {
		return nil, &runtime.HostError{Name: "RangeError", Message: "there are too many locales"}
	}
	var tags []string
	for i := range n {
		tag := r.Index(v, i)
		if r.Kind(tag) != runtime.KindString {
			return nil, typeError("Incorrect locale information provided")
		}
		tags = append(tags, r.String(tag))
	}
	return tags, nil
}

// options reads options. failed gets the error of one that is of another kind than a text,
// a number or a boolean.
func (x *Intl[V]) options(v V, failed *error) (intl.Options, error) {
	r := x.Reader
	switch kind := r.Kind(v); {
	case kind == runtime.KindUndefined:
		return func(string) (string, bool) { return "", false }, nil
	case kind == runtime.KindNull:
		return nil, typeError("Cannot convert undefined or null to object")
	case kind < KindArray && kind != runtime.KindBytes:
		return func(string) (string, bool) { return "", false }, nil // a primitive has none
	}
	return func(name string) (string, bool) {
		r.Check()
		value := r.Get(v, name)
		switch r.Kind(value) {
		case runtime.KindUndefined:
			return "", false
		case runtime.KindNumber:
			return literal.FormatNumber(r.Number(value)), true
		case runtime.KindBool:
			if r.Bool(value) {
				return "true", true
			}
			return "false", true
		case runtime.KindNull:
			return "null", true
		case runtime.KindString:
			return r.String(value), true
		}
		*failed = typeError("the option " + name + " must be a text, a number or a boolean")
		return "", false
	}, nil
}

// Make makes the object of Intl with a name, and returns its number. A DateTimeFormat is
// made for what is required and usual, see [intl.NewDateTimeFormat].
func (x *Intl[V]) Make(kind string, locales, options V) (int, error) {
	f, err := x.format(kind, locales, options, "any", "date")
	if err != nil {
		return 0, err
	}
	x.made = append(x.made, f)
	return len(x.made) - 1, nil
}

func (x *Intl[V]) format(kind string, locales, options V, required, defaults string) (f any, err error) {
	var failed error
	defer func() {
		if failed != nil {
			err = failed
		}
	}()
	tags, err := x.Locales(locales)
	if err != nil {
		return nil, err
	}
	get, err := x.options(options, &failed)
	if err != nil {
		return nil, err
	}
	locale, err := intl.Find(tags)
	if err != nil {
		return nil, err
	}
	switch kind {
	case "NumberFormat":
		return intl.NewNumberFormat(locale, get)
	case "DateTimeFormat":
		return intl.NewDateTimeFormat(locale, get, required, defaults)
	case "PluralRules":
		return intl.NewPluralRules(locale, get)
	case "RelativeTimeFormat":
		return intl.NewRelativeTimeFormat(locale, get)
	case "ListFormat":
		return intl.NewListFormat(locale, get)
	}
	return intl.NewCollator(locale, get)
}

// Number is toLocaleString of a number, given as JavaScript prints it.
func (x *Intl[V]) Number(text string, locales, options V) (string, error) {
	f, err := x.format("NumberFormat", locales, options, "", "")
	if err != nil {
		return "", err
	}
	return intl.Text(f.(*intl.NumberFormat).Format(text)), nil
}

// Date is toLocaleString of a time: for "all", or of its "date" or "time" alone.
func (x *Intl[V]) Date(ms float64, what string, locales, options V) (string, error) {
	required := what
	if what == "all" {
		required = "any"
	}
	f, err := x.format("DateTimeFormat", locales, options, required, what)
	switch {
	case err != nil:
		return "", err
	case math.IsNaN(ms):
		return "Invalid Date", nil
	}
	return intl.Text(f.(*intl.DateTimeFormat).Format(ms)), nil
}

// Case makes the letters of a text upper or lower ones, as a locale has them.
func (x *Intl[V]) Case(locales V, upper bool) (*intl.Case, error) {
	tags, err := x.Locales(locales)
	if err != nil {
		return nil, err
	}
	return intl.NewCase(tags, upper)
}

// maxListed bounds the texts of a list.
const maxListed = 10_000

// maxCompared bounds the texts that are put in order, in bytes of both.
const maxCompared = 1 << 20

// Compare puts two texts in the order of a locale: below 0, 0 or above.
func (x *Intl[V]) Compare(a, b string, locales, options V) (int, error) {
	plain := x.Reader.Kind(locales) == runtime.KindUndefined && x.Reader.Kind(options) == runtime.KindUndefined
	if plain && x.plain != nil {
		return compare(x.plain, a, b)
	}
	f, err := x.format("Collator", locales, options, "", "")
	if err != nil {
		return 0, err
	}
	if plain {
		x.plain = f.(*intl.Collator)
	}
	return compare(f.(*intl.Collator), a, b)
}

func compare(c *intl.Collator, a, b string) (int, error) {
	if len(a)+len(b) > maxCompared {
		return 0, &runtime.HostError{Name: "RangeError", Message: "the texts are too long to be compared by a locale"}
	}
	return c.Compare(a, b), nil
}

// NumberText is how JavaScript prints a number, with -0 for that.
func NumberText(f float64) string {
	if f == 0 && math.Signbit(f) {
		return "-0"
	}
	return literal.FormatNumber(f)
}

// decimalText is a number in digits alone, as it is written in texts.
var decimalText = regexp.MustCompile(`^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)$`)

// maxDecimal bounds how long such a text may be.
const maxDecimal = 1000

// ExactText is a text as a number that a NumberFormat formats to the last digit, where
// other numbers have 17 digits. ok is false for one that isn't digits alone.
func ExactText(s string) (text string, ok bool) {
	s = strings.TrimSpace(s)
	if len(s) > maxDecimal || !decimalText.MatchString(s) {
		return "", false
	}
	return strings.TrimPrefix(s, "+"), true
}

var errNotIntl = typeError("this is not an object of Intl, or of another kind than the method")

// Compared is the compare of a Collator.
func (x *Intl[V]) Compared(number int, a, b string) (int, error) {
	if number >= 0 && number < len(x.made) {
		if c, ok := x.made[number].(*intl.Collator); ok {
			return compare(c, a, b)
		}
	}
	return 0, errNotIntl
}

// Selected is the select of PluralRules.
func (x *Intl[V]) Selected(number int, text string) (string, error) {
	if number >= 0 && number < len(x.made) {
		if p, ok := x.made[number].(*intl.PluralRules); ok {
			return p.Select(text), nil
		}
	}
	return "", errNotIntl
}

// Parts are the parts of what an object of Intl prints: a number or a time as text, with
// the unit of a RelativeTimeFormat, or a list.
func (x *Intl[V]) Parts(kind string, number int, text, unit string, list []string) ([]intl.Part, error) {
	if number < 0 || number >= len(x.made) {
		return nil, errNotIntl
	}
	switch f := x.made[number].(type) {
	case *intl.NumberFormat:
		if kind == "NumberFormat" {
			return f.Format(text), nil
		}
	case *intl.DateTimeFormat:
		if kind == "DateTimeFormat" {
			ms := timeOf(text)
			if math.IsNaN(ms) {
				return nil, &runtime.HostError{Name: "RangeError", Message: "Invalid time value"}
			}
			return f.Format(ms), nil
		}
	case *intl.RelativeTimeFormat:
		if kind == "RelativeTimeFormat" {
			return f.Format(text, unit)
		}
	case *intl.ListFormat:
		if len(list) > maxListed {
			return nil, &runtime.HostError{Name: "RangeError", Message: "a list of more than 10000 texts can't be formatted"}
		}
		if kind == "ListFormat" {
			return f.Format(list), nil
		}
	}
	return nil, errNotIntl
}

// Resolved are the options in force, in order: names and values as texts.
func (x *Intl[V]) Resolved(number int) ([]intl.Part, error) {
	if number < 0 || number >= len(x.made) {
		return nil, errNotIntl
	}
	switch f := x.made[number].(type) {
	case *intl.NumberFormat:
		return f.Resolved(), nil
	case *intl.DateTimeFormat:
		return f.Resolved(), nil
	case *intl.PluralRules:
		list := []intl.Part{{Type: "locale", Value: f.Numbers.Locale.Tag}, {Type: "type", Value: f.Type}}
		for _, p := range f.Numbers.Resolved() {
			if strings.HasSuffix(p.Type, "Digits") {
				list = append(list, p)
			}
		}
		return append(list, intl.Part{Type: "pluralCategories", Value: strings.Join(f.Categories(), " ")}), nil
	case *intl.RelativeTimeFormat:
		return []intl.Part{{Type: "locale", Value: f.Locale.Tag}, {Type: "style", Value: f.Style}, {Type: "numeric", Value: f.Numeric}, {Type: "numberingSystem", Value: "latn"}}, nil
	case *intl.ListFormat:
		return []intl.Part{{Type: "locale", Value: f.Locale.Tag}, {Type: "type", Value: f.Type}, {Type: "style", Value: f.Style}}, nil
	}
	c := x.made[number].(*intl.Collator)
	return []intl.Part{{Type: "locale", Value: c.Locale.Tag}, {Type: "usage", Value: c.Usage}, {Type: "sensitivity", Value: c.Sensitivity},
		{Type: "ignorePunctuation", Value: "false"}, {Type: "collation", Value: "default"}, {Type: "numeric", Value: map[bool]string{false: "false", true: "true"}[c.Numeric]},
		{Type: "caseFirst", Value: "false"}}, nil
}

func timeOf(text string) float64 {
	return dates.Clip(numbers.Parse(text))
}
