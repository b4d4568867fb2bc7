package storage

import (
	"context"
	"net/url"
	"strings"
	"time"
)

// The limits of what a server keeps about an app besides its data.
const (
	// MaxEnvValue is the longest value of a variable, in bytes.
	MaxEnvValue = 64 << 10
	// MaxLogText is how much of a line is kept, in bytes; the rest is cut off.
	MaxLogText = 8 << 10
	// LogLines is how many lines of an app are kept, and LogAge for how long.
	// The sweeper removes what is more or older, about once a minute.
	LogLines = 10_000
	LogAge   = 7 * 24 * time.Hour
)

// Aliases lead from host labels to apps. Every change is atomic and counts the
// revision up.
type Aliases interface {
	// Aliases returns all of them, by label.
	Aliases(ctx context.Context) ([]Alias, error)
	// Alias finds one by its label, or [CodeNotFound].
	Alias(ctx context.Context, label string) (Alias, error)
	// SetAlias stores a, in place of an alias of the same label. An app that it
	// leads to and that does not exist is [CodeNotFound].
	SetAlias(ctx context.Context, a Alias) error
	// RemoveAlias removes one, or is [CodeNotFound].
	RemoveAlias(ctx context.Context, label string) error
	// SwapAliases exchanges what two labels lead to. Either without an alias is
	// [CodeNotFound].
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
	App   string   // of AliasApp: a name
	URL   string   // of AliasRedirect: absolute, http or https
	Split []Weight // of AliasSplit
}

// Weight is an app's share of a split, in percent. The shares sum to 100.
type Weight struct {
	App     string `json:"app"`
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
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || len(a.URL) > 2048 {
			return bad("url", "must be an absolute http or https URL without a password, such as https://example.com/")
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
	sum, seen := 0, make(map[string]bool)
	for _, w := range split {
		if err := CheckLabel(op, "split", w.App); err != nil {
			return err
		}
		if seen[w.App] || w.Percent < 1 || w.Percent > 100 {
			return &Error{Code: CodeInvalid, Op: op, Path: "split." + w.App, Msg: "must be there once, with 1 to 100 percent"}
		}
		seen[w.App] = true
		sum += w.Percent
	}
	if sum != 100 {
		return &Error{Code: CodeInvalid, Op: op, Path: "split", Msg: "must sum to 100 percent"}
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

// Environment is the variables that an owner sets for an app. Every change
// counts the revision up. They belong to the app's data: they stay when the app
// is removed and its data kept.
type Environment interface {
	// Env returns an app's variables.
	Env(ctx context.Context, appID string) (map[string]string, error)
	// SetEnv sets some of an app's variables, all or none. A name is a letter or
	// an underscore, then those and digits, 128 in all; a value any text of up
	// to [MaxEnvValue] bytes. No such app is [CodeNotFound].
	SetEnv(ctx context.Context, appID string, vars map[string]string) error
	// UnsetEnv removes a variable, or is [CodeNotFound].
	UnsetEnv(ctx context.Context, appID, name string) error
}

// CheckEnv returns an [Error], with the name as its Path, unless a variable is
// well formed.
func CheckEnv(op, name, value string) error {
	ok := name != "" && len(name) <= 128
	for i := range len(name) {
		c := name[i]
		ok = ok && (c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || i > 0 && '0' <= c && c <= '9')
	}
	if !ok {
		return &Error{Code: CodeInvalid, Op: op, Path: strings.ToValidUTF8(name, "?"),
			Msg: "is not a name for a variable: use letters, digits and underscores, 128 at most, and no digit first"}
	}
	if len(value) > MaxEnvValue {
		return OverQuota(op, name, "the value", int64(len(value)), MaxEnvValue)
	}
	return checkText(op, name, value)
}

// Logs are the lines that apps print. The newest [LogLines] of an app are kept,
// for [LogAge]. An app's lines go with its data.
type Logs interface {
	// AppendLogs stores lines, of any apps, in one transaction and in their
	// order.
	AppendLogs(ctx context.Context, lines []LogLine) error
	// Logs returns lines of an app, oldest first: those after the line with the
	// id after, or the newest if that is 0. A limit of 0 is [MaxRows].
	Logs(ctx context.Context, appID string, after int64, limit int) ([]LogLine, error)
}

// LogLine is a line that an app has printed.
type LogLine struct {
	ID        int64 // given by AppendLogs: larger than that of every line before
	App       string
	Time      time.Time
	Level     string // "debug", "info", "warn", "error"
	Text      string // up to [MaxLogText]
	RequestID string
}
