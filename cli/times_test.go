package cli

import (
	"testing"
	"time"
)

func TestSpan(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "12h": 12 * time.Hour, "7d": 7 * 24 * time.Hour, "0.5d": 12 * time.Hour, "0": 0,
	} {
		if got, ok := span(text); !ok || got != want {
			t.Errorf("%s is %v, %v; want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "d", "-1h", "-1d", "7", "7 d", "soon", "1d12h", "1h d", "9999999d", "2026-01-02"} {
		if got, ok := span(text); ok {
			t.Errorf("%q is %v, want none", text, got)
		}
	}
}

func TestMoment(t *testing.T) {
	day := time.Date(2026, 1, 2, 0, 0, 0, 0, time.Local)
	for text, want := range map[string]time.Time{
		"2026-01-02": day, "2026-01-02 15:04:05": day.Add(15*time.Hour + 4*time.Minute + 5*time.Second),
		"2026-01-02T15:04:05Z": time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC),
	} {
		if got, ok := moment(text); !ok || !got.Equal(want) {
			t.Errorf("%s is %v, %v; want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "2026-02-30", "yesterday"} {
		if got, ok := moment(text); ok {
			t.Errorf("%q is %v, want none", text, got)
		}
	}
}
