package site

import (
	"fmt"
	"slices"
	"strings"
)

// knownKeys are those of a manifest. The last are for people and their tools.
var knownKeys = []string{
	"name", "spa", "engine", "timeout", "indexes", "headers", "types", "routes", "origins",
	"version", "description", "author", "$schema",
}

// browsersKeys are those by which a browser's manifest of a web app (the file has the
// same name) is told from one of ours.
var browsersKeys = []string{"start_url", "icons", "short_name", "display"}

// isOthers reports whether a manifest.json is not for us: a web app manifest, or what
// some build lists its files in. It is then a file like any other.
func isOthers(entries []entry) bool {
	ours := len(entries) == 0
	for _, e := range entries {
		if slices.Contains(browsersKeys, e.key) {
			return true
		}
		ours = ours || slices.Contains(knownKeys, e.key)
	}
	return !ours
}

// aboutOthers warns of keys in another's manifest.json that were meant for us, it seems.
func aboutOthers(entries []entry) []string {
	var warnings []string
	for _, e := range entries {
		switch {
		case slices.Contains([]string{"spa", "engine", "timeout", "indexes", "headers", "types", "routes", "origins"}, e.key):
			warnings = append(warnings, fmt.Sprintf("%s: %s: does nothing in a manifest for browsers; put it into %s", e.at, e.key, ConfigPath))
		case nearest(e.key) != "" && !slices.ContainsFunc(entries, func(e entry) bool { return slices.Contains(browsersKeys, e.key) }):
			warnings = append(warnings, e.at+": "+unknownKey(e.key))
		}
	}
	return fewer(warnings)
}

func unknownKey(key string) string {
	if near := nearest(key); near != "" {
		return fmt.Sprintf("%s: unknown key, which does nothing; did you mean %s?", shorten(key), near)
	}
	return fmt.Sprintf("%s: unknown key, which does nothing; known are %s", shorten(key), strings.Join(knownKeys, ", "))
}

// fewer keeps the first of many warnings.
func fewer(warnings []string) []string {
	const most = 10
	if n := len(warnings) - most; n > 0 {
		warnings = append(warnings[:most:most], fmt.Sprintf("and %d more of the kind", n))
	}
	return warnings
}

// nearest is the known key that a misspelt one was meant to be, or "": the one from
// which it is at most a third of its letters away.
func nearest(key string) string {
	lower := strings.ToLower(key)
	best, least := "", max(1, len(lower)/3)+1
	if len(key) > 32 {
		return ""
	}
	for _, known := range knownKeys {
		if d := Distance(lower, known); d < least {
			best, least = known, d
		}
	}
	return best
}

// Distance is how many characters must be put in, taken out, changed or swapped with
// their neighbour to make b of a (the optimal string alignment distance).
func Distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}
