//go:build !linux

package load

import "time"

// alarm is what Linux needs for timers that are on time.
type alarm struct{}

func newAlarm() *alarm            { return nil }
func (*alarm) in(d time.Duration) {}
func (*alarm) stop()              {}
