package intl

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/fazt-sh/fazt/runtime"
)

//go:embed locales.json
var localesText []byte

// tables is what locales.json has.
type tables struct {
	Digits  map[string]int // of currencies that don't have two behind the point
	Locales map[string]*locale
}

type locale struct {
	name     string
	Same     string // another name of it
	Numbers  numberData
	Dates    dateData
	Lists    map[string][4]string // by type and style: between two, first, middle, last
	Relative map[string]map[string]string
}

// data reads locales.json when it is first asked for, which takes some milliseconds.
var data = sync.OnceValue(func() *tables {
	var t tables
	if err := json.Unmarshal(localesText, &t); err != nil {
		panic(err) // it is a part of the program
	}
	for name, l := range t.Locales {
		l.name = name
		if l.Dates.DaysAlone == nil {
			l.Dates.DaysAlone = l.Dates.Days
		}
		if l.Dates.Alone == nil {
			l.Dates.Alone = l.Dates.Months
		}
	}
	return &t
})

// DefaultLocale is the locale of a program that names none.
const DefaultLocale = "en-US"

// Locale is a locale that was asked for.
type Locale struct {
	Tag string // as it was asked for, with usual letters
	*locale
}

func rangeError(format string, args ...any) error {
	return &runtime.HostError{Name: "RangeError", Message: fmt.Sprintf(format, args...)}
}

func typeError(format string, args ...any) error {
	return &runtime.HostError{Name: "TypeError", Message: fmt.Sprintf(format, args...)}
}

// Find returns the first of the locales that there is; without any, the default. That
// none of them is there is an error.
func Find(tags []string) (Locale, error) {
	if len(tags) == 0 {
		tags = []string{DefaultLocale}
	}
	for _, tag := range tags {
		l, ok, err := find(tag)
		if ok || err != nil {
			return l, err
		}
	}
	return Locale{}, rangeError("the locale %s isn't there; there are %s", strings.Join(tags, ", "), strings.Join(Names(), ", "))
}

// Supported are those of the locales that there are.
func Supported(tags []string) ([]string, error) {
	list := []string{}
	for _, tag := range tags {
		l, ok, err := find(tag)
		if err != nil {
			return nil, err
		}
		if ok {
			list = append(list, l.Tag)
		}
	}
	return list, nil
}

// Names are the locales that there are.
func Names() []string {
	var names []string
	for name, l := range data().Locales {
		names = append(names, name)
		if l.Same != "" {
			names = append(names, l.Same)
		}
	}
	slices.Sort(names)
	return names
}

// maxTag bounds a locale's name.
const maxTag = 100

func find(tag string) (Locale, bool, error) {
	canonical, ok := canonical(tag)
	if !ok {
		return Locale{}, false, rangeError("Incorrect locale information provided: %.100q is no name of a locale; write one like en-US", tag)
	}
	base, extension, _ := strings.Cut(canonical, "-u-")
	for _, plain := range []string{"nu-latn", "ca-gregory"} {
		extension = strings.Trim(strings.Replace(extension, plain, "", 1), "-")
	}
	if extension != "" {
		return Locale{}, false, rangeError("the locale %s has an extension that isn't there; leave -u-%s out, and use options", canonical, extension)
	}
	all := data().Locales
	if l := all[base]; l != nil {
		return Locale{base, l}, true, nil
	}
	for _, l := range all {
		if l.Same == base {
			return Locale{base, l}, true, nil
		}
	}
	return Locale{}, false, nil
}

// canonical writes a tag with usual letters: language, Script, REGION, extensions.
func canonical(tag string) (string, bool) {
	if len(tag) > maxTag {
		return "", false
	}
	parts := strings.Split(tag, "-")
	if len(parts[0]) < 2 || len(parts[0]) > 8 {
		return "", false
	}
	extension := false
	for i, part := range parts {
		if part == "" || len(part) > 8 || strings.Trim(part, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
			return "", false
		}
		part = strings.ToLower(part)
		switch {
		case i == 0 && strings.Trim(part, "abcdefghijklmnopqrstuvwxyz") != "":
			return "", false
		case i == 0 || extension:
		case len(part) == 1:
			extension = true
		case len(part) == 2:
			part = strings.ToUpper(part)
		case len(part) == 4 && i == 1:
			part = strings.ToUpper(part[:1]) + part[1:]
		}
		parts[i] = part
	}
	return strings.Join(parts, "-"), true
}

// Canonical are the locales with usual letters, each once.
func Canonical(tags []string) ([]string, error) {
	list := []string{}
	for _, tag := range tags {
		name, ok := canonical(tag)
		if !ok {
			return nil, rangeError("Incorrect locale information provided: %.100q is no name of a locale; write one like en-US", tag)
		}
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list, nil
}

// Options returns an option as text, and whether it is there.
type Options func(name string) (value string, ok bool)

// options reads options, and keeps the first error.
type options struct {
	get  Options
	kind string // such as NumberFormat
	err  error
}

func (o *options) fail(err error) {
	if o.err == nil {
		o.err = err
	}
}

// one reads an option that has one of some values, the first of which is the default.
func (o *options) one(name string, values ...string) string {
	v, ok := o.get(name)
	if !ok {
		return values[0]
	}
	if !slices.Contains(values, v) {
		there := slices.DeleteFunc(slices.Clone(values), func(s string) bool { return s == "" })
		o.fail(rangeError("Intl.%s: the option %s can't be %.100q here; there are %s", o.kind, name, v, strings.Join(there, ", ")))
		return values[0]
	}
	return v
}

// none refuses an option that isn't there.
func (o *options) none(names ...string) {
	for _, name := range names {
		if v, ok := o.get(name); ok {
			o.fail(rangeError("Intl.%s: the option %s (%.100q) isn't there; leave it out", o.kind, name, v))
		}
	}
}

// number reads a whole number within bounds. It is -1 when it isn't there.
func (o *options) number(name string, least, most int) int {
	v, ok := o.get(name)
	if !ok {
		return -1
	}
	f := numberOf(v)
	if !(f >= float64(least) && f <= float64(most)) {
		o.fail(rangeError("Intl.%s: the option %s must be a number from %d to %d, not %.100s", o.kind, name, least, most, v))
		return least
	}
	return int(f)
}

// common reads what all have, which only has usual values here.
func (o *options) common() {
	o.one("localeMatcher", "best fit", "lookup")
}

// Part is a part of what a format prints.
type Part struct{ Type, Value string }

// Text is the parts in one.
func Text(parts []Part) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Value)
	}
	return b.String()
}

// Values are what Intl.supportedValuesOf returns, nil for a key that isn't there.
func Values(key string) []string {
	switch key {
	case "calendar":
		return []string{"gregory"}
	case "collation":
		return []string{"default"}
	case "numberingSystem":
		return []string{"latn"}
	case "currency":
		all := map[string]bool{}
		for code := range data().Locales["en"].Numbers.Narrow {
			all[code] = true
		}
		for code := range data().Locales["en"].Numbers.Symbols {
			all[code] = true
		}
		for code := range data().Digits {
			all[code] = true
		}
		return slices.Sorted(maps.Keys(all))
	}
	return nil
}
