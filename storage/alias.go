package storage

import (
	"context"
	"fmt"
	"net/url"
)

// Aliases lead from host labels to apps. Routing reads them. Every change is
// atomic, counts the revision up ([Revisions]) and leaves a row in the audit log
// ([Audits]).
type Aliases interface {
	// Aliases returns all of them, by label.
	Aliases(ctx context.Context) ([]Alias, error)
	// Alias finds one by its label, or [CodeNotFound].
	Alias(ctx context.Context, label string) (Alias, error)
	// SetAlias stores a, in place of an alias of the same label. One that
	// [CheckAlias] refuses is [CodeInvalid]; an app that it leads to and that
	// does not exist is [CodeNotFound], and so is a version that is not kept.
	SetAlias(ctx context.Context, a Alias) error
	// RemoveAlias removes one, or is [CodeNotFound].
	RemoveAlias(ctx context.Context, label string) error
	// SwapAliases exchanges what two labels lead to. Either without an alias is
	// [CodeNotFound], and the same label twice [CodeInvalid].
	SwapAliases(ctx context.Context, a, b string) error
}

// AliasKind says what an alias does.
type AliasKind string

// The kinds of aliases.
const (
	AliasApp      AliasKind = "app"      // serves an app
	AliasRedirect AliasKind = "redirect" // sends visitors to a URL
	AliasReserved AliasKind = "reserved" // keeps the label, and answers nothing
	AliasSplit    AliasKind = "split"    // serves one of several apps
)

// Alias is what a host label leads to. Apps are named, not identified: an alias
// of an app that was removed leads to the next one of that name.
type Alias struct {
	Label string
	Kind  AliasKind
	App   string // of AliasApp: a name
	// Version is that of the app, of AliasApp; 0 is the current one. While it is
	// named, it is kept.
	Version int
	URL     string   // of AliasRedirect: absolute, http or https
	Split   []Weight // of AliasSplit
}

// Weight is the share of an app, or of one version of it, in a split, in percent. The
// shares sum to 100.
type Weight struct {
	App     string `json:"app"`
	Version int    `json:"version,omitempty"` // 0 is the current one
	Percent int    `json:"percent"`
}

// CheckAlias returns an [Error], with the field as its Path, unless a is well
// formed.
func CheckAlias(op string, a Alias) error {
	if err := CheckLabel(op, "label", a.Label); err != nil {
		return err
	}
	bad := func(path, msg string) error { return &Error{Code: CodeInvalid, Op: op, Path: path, Msg: msg} }
	switch {
	case a.Kind != AliasApp && a.App != "":
		return bad("app", "belongs to an alias of kind app only")
	case a.Kind != AliasApp && a.Version != 0:
		return bad("version", "belongs to an alias of kind app only")
	case a.Version < 0:
		return bad("version", "must be 1 or more, or 0 for the current one")
	case a.Kind != AliasRedirect && a.URL != "":
		return bad("url", "belongs to an alias of kind redirect only")
	case a.Kind != AliasSplit && len(a.Split) > 0:
		return bad("split", "belongs to an alias of kind split only")
	}
	switch a.Kind {
	case AliasApp:
		return CheckLabel(op, "app", a.App)
	case AliasRedirect:
		u, err := url.Parse(a.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || len(a.URL) > 2048 {
			return bad("url", "must be an absolute http or https URL without a password and a fragment, such as https://example.com/")
		}
		return nil
	case AliasReserved:
		return nil
	case AliasSplit:
		return checkSplit(op, a.Split)
	}
	return bad("kind", "must be app, redirect, reserved or split")
}

func checkSplit(op string, split []Weight) error {
	type target struct {
		app     string
		version int
	}
	sum, seen := 0, make(map[target]bool)
	for _, w := range split {
		if err := CheckLabel(op, "split", w.App); err != nil {
			return err
		}
		t := target{w.App, w.Version}
		if seen[t] || w.Version < 0 || w.Percent < 1 || w.Percent > 100 {
			return &Error{Code: CodeInvalid, Op: op, Path: "split." + w.App, Msg: "must be there once, with 1 to 100 percent"}
		}
		seen[t] = true
		sum += w.Percent
	}
	if sum != 100 {
		return &Error{Code: CodeInvalid, Op: op, Path: "split", Msg: fmt.Sprintf("must sum to 100 percent, not %d", sum)}
	}
	return nil
}

// CheckLabel returns an [Error] unless s is a label of a host name: 1 to 63 of
// a-z, 0-9 and hyphens, none of them at an end (RFC 1123, section 2.1).
func CheckLabel(op, path, s string) error {
	ok := s != "" && len(s) <= 63 && s[0] != '-' && s[len(s)-1] != '-'
	for i := range len(s) {
		c := s[i]
		ok = ok && ('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-')
	}
	if !ok {
		return &Error{Code: CodeInvalid, Op: op, Path: path, Msg: "must be 1 to 63 of a-z, 0-9 and hyphens, with no hyphen at an end"}
	}
	return nil
}
