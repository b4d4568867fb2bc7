package acme

import (
	"context"
	"log/slog"

	"go.uber.org/zap/zapcore"
)

// slogCore hands certmagic's lines to a slog.Handler. What it says of each step is
// for who looks for a fault, and so is what any client can make it say.
type slogCore struct {
	handler slog.Handler
}

// Enabled implements [zapcore.LevelEnabler].
func (c *slogCore) Enabled(level zapcore.Level) bool {
	return c.handler.Enabled(context.Background(), slogLevel(level))
}

func slogLevel(level zapcore.Level) slog.Level {
	switch {
	case level >= zapcore.ErrorLevel:
		return slog.LevelError
	case level == zapcore.WarnLevel:
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

// With implements [zapcore.Core].
func (c *slogCore) With(fields []zapcore.Field) zapcore.Core {
	return &slogCore{c.handler.WithAttrs(attrs(fields))}
}

// Check implements [zapcore.Core].
func (c *slogCore) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return checked.AddCore(e, c)
	}
	return checked
}

// Write implements [zapcore.Core].
func (c *slogCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	level := slogLevel(e.Level)
	if e.Message == "tls-alpn challenge" { // without one under way
		level = slog.LevelDebug
	}
	if !c.handler.Enabled(context.Background(), level) {
		return nil
	}
	r := slog.NewRecord(e.Time, level, "certificates: "+e.Message, 0)
	r.AddAttrs(attrs(fields)...)
	return c.handler.Handle(context.Background(), r)
}

// Sync implements [zapcore.Core].
func (c *slogCore) Sync() error { return nil }

func attrs(fields []zapcore.Field) (attrs []slog.Attr) {
	for _, f := range fields {
		encoded := zapcore.NewMapObjectEncoder()
		f.AddTo(encoded)
		for key, value := range encoded.Fields {
			attrs = append(attrs, slog.Any(key, value))
		}
	}
	return attrs
}
