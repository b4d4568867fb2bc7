package site

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// reservedNames are labels with a meaning to visitors or to mail servers.
var reservedNames = []string{"www", "api", "admin", "mail", "ftp", "localhost"}

// CleanName returns an app's name as it is stored, or says why it cannot be
// one: it must be a DNS label, since it becomes one.
func CleanName(name string) (string, error) { return cleanLabel("app name", name) }

// CleanLabel is CleanName for the label of an alias.
func CleanLabel(label string) (string, error) { return cleanLabel("label", label) }

func cleanLabel(what, name string) (string, error) {
	if strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII }) {
		return "", fmt.Errorf("%s %q: use a-z, 0-9 and -", what, name) // before lowering, which makes ASCII of some
	}
	name = strings.ToLower(name)
	switch {
	case len(name) == 0 || len(name) > 63:
		return "", fmt.Errorf("%s %q has %d characters; use 1 to 63", what, name, len(name))
	case name[0] == '-' || name[len(name)-1] == '-':
		return "", fmt.Errorf("%s %q has a hyphen at an end; remove it", what, name)
	case slices.Contains(reservedNames, name):
		return "", fmt.Errorf("%s %q is reserved; choose another", what, name)
	}
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return "", fmt.Errorf("%s %q has the character %q; use a-z, 0-9 and -", what, name, c)
		}
	}
	return name, nil
}
