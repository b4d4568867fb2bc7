package intl

import (
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// Case changes the letters of a text to upper or to lower ones, as they are in a locale. It
// is not safe for concurrent use.
type Case struct{ caser cases.Caser }

// NewCase is the change for the first of some locales, or of none. Other locales than
// Lithuanian, Turkish, Azerbaijani and Greek have no rules of their own (Unicode's
// SpecialCasing.txt, and CLDR's for Greek), so any name of a locale is right.
func NewCase(tags []string, upper bool) (*Case, error) {
	tags, err := Canonical(tags)
	if err != nil {
		return nil, err
	}
	tag := language.Und
	if len(tags) > 0 {
		switch name, _, _ := strings.Cut(tags[0], "-"); name {
		case "az", "el", "lt", "tr":
			tag = language.Make(name)
		}
	}
	if upper {
		return &Case{cases.Upper(tag)}, nil
	}
	return &Case{cases.Lower(tag)}, nil
}

// Text is a text with its letters changed.
func (c *Case) Text(s string) string { return c.caser.String(s) }
