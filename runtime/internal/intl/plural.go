package intl

import (
	"slices"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// PluralRules is Intl.PluralRules.
type PluralRules struct {
	Numbers *NumberFormat
	Type    string
	tag     language.Tag
}

// NewPluralRules reads the options.
func NewPluralRules(l Locale, get Options) (*PluralRules, error) {
	o := &options{get: get, kind: "PluralRules"}
	p := &PluralRules{Type: o.one("type", "cardinal", "ordinal"), tag: language.Make(l.name)}
	o.one("notation", "standard")
	f, err := NewNumberFormat(l, func(name string) (string, bool) {
		if strings.Contains(name, "Digits") {
			return get(name)
		}
		return "", false
	})
	p.Numbers = f
	if o.err != nil {
		return nil, o.err
	}
	return p, err
}

var categories = map[plural.Form]string{plural.Other: "other", plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many"}

// Select is the category of a number, given as JavaScript prints it.
func (p *PluralRules) Select(text string) string {
	if text == "NaN" || strings.HasSuffix(text, "Infinity") {
		return "other"
	}
	var whole, fraction strings.Builder
	for _, part := range p.Numbers.Format(text) {
		switch part.Type {
		case "integer":
			whole.WriteString(part.Value)
		case "fraction":
			fraction.WriteString(part.Value)
		}
	}
	rules := plural.Cardinal
	if p.Type == "ordinal" {
		rules = plural.Ordinal
	}
	const millions = 1_000_000
	i, wrapped := last(whole.String())
	lang, _ := p.tag.Base()
	if name := lang.String(); p.Type == "cardinal" && fraction.Len() == 0 && (i > 0 || wrapped) && i%millions == 0 && slices.Contains([]string{"es", "fr", "it", "pt"}, name) {
		return "many" // which the rules of x/text don't have yet
	}
	if wrapped {
		i += 10 * millions // no rule asks for more digits than these
	}
	v := min(fraction.Len(), 6)
	f, _ := last(fraction.String()[:v])
	trimmed := strings.TrimRight(fraction.String()[:v], "0")
	t, _ := last(trimmed)
	return categories[rules.MatchPlural(p.tag, i, v, len(trimmed), f, t)]
}

// last are the last seven digits of a number, and whether there are more that aren't 0.
func last(digits string) (n int, more bool) {
	if i := len(digits) - 7; i > 0 {
		more = strings.Trim(digits[:i], "0") != ""
		digits = digits[i:]
	}
	for _, c := range digits {
		n = n*10 + int(c-'0')
	}
	return n, more
}

// Categories are all that there are, in the language's order.
func (p *PluralRules) Categories() []string {
	found := map[string]bool{}
	for i := range 200 {
		found[p.Select(itoa(i))] = true
		found[p.Select(itoa(i)+".5")] = true
	}
	found[p.Select("1000000")] = true
	var list []string
	for _, name := range []string{"few", "many", "one", "two", "zero", "other"} {
		if found[name] {
			list = append(list, name)
		}
	}
	return list
}
