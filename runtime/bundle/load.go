package bundle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/gojajs"
)

// loadTime is how long packages may compute while they are loaded, which other requests
// would wait for, too.
const loadTime = 2 * time.Second

// tryLoading loads the program once, if packages mention a global that isn't there or the
// default export may be no function: nobody can tell from the text.
func (b *builder) tryLoading(made *Result) error {
	if len(made.suspects) == 0 && !made.unclear {
		return nil
	}
	e := b.runLoading(made)
	if e != nil && made.unclear && strings.HasPrefix(e.Message, "the default export of "+b.main) {
		return b.atExport(e.Message)
	}
	if e == nil || e.Name != "ReferenceError" {
		return nil
	}
	name, _, _ := strings.Cut(e.Message, " ")
	i := slices.IndexFunc(made.suspects, func(u use) bool {
		return u.name == name && strings.Contains(e.Stack, fmt.Sprintf("%s:%d:", u.place.File, u.place.Line))
	})
	if i < 0 {
		return nil // the server's to report
	}
	u := made.suspects[i]
	who, from := packageOf(u.place.File), b.importOf(packageOf(u.place.File))
	return &runtime.Error{Code: runtime.CodeUnsupported, File: from.file, Line: from.line, Column: from.column, SourceLine: lineOf(b.text(from.file), from.line),
		Message: fmt.Sprintf("the package %s needs the global %s as soon as it is loaded (%s:%d), which isn't there: %s; look for another package",
			who, name, u.place.File, u.place.Line, runtime.NoGlobal(name).Hint)}
}

// runLoading runs what is run when a handler is loaded, with nothing to reach, and returns how
// that failed.
func (b *builder) runLoading(made *Result) *runtime.Error {
	files, maps := make(map[string]string), make(map[string]string)
	for name, text := range made.Files {
		if file, ok := strings.CutSuffix(name, ".map"); ok {
			maps[file] = string(text)
		} else {
			files[name] = string(text)
		}
	}
	if made.whole != "" {
		files[runtime.DefaultMain] = made.whole
	} else {
		var main strings.Builder
		for name := range files {
			if rest, ok := strings.CutPrefix(name, packagesFolder); ok {
				fmt.Fprintf(&main, "require(%q);", strings.TrimSuffix(rest, ".js"))
			}
		}
		files = map[string]string{runtime.DefaultMain: main.String()}
		for name, text := range made.Files {
			if name == packagesFile || strings.HasPrefix(name, packagesFolder) {
				files[name] = string(text)
			}
		}
	}
	r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{gojajs.New()}, Limits: runtime.Limits{CPU: loadTime}})
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(b.ctx, 2*loadTime)
	defer cancel()
	program, err := r.Load(ctx, runtime.Source{Files: files, Maps: maps})
	if err == nil {
		handler := program.Bind(nil)
		defer handler.Close()
		_, err = handler.Run(ctx, &runtime.Request{Method: "GET", Path: "/api"})
	}
	e, _ := errors.AsType[*runtime.Error](err)
	return e
}

// importPlace is where the author imports something.
type importPlace struct {
	file         string
	line, column int
}

// importOf is where one of the author's files first names a package, or that file's
// beginning when a package of a package is meant.
func (b *builder) importOf(pkg string) importPlace {
	b.mu.Lock()
	defer b.mu.Unlock()
	var files []string
	for name := range b.texts {
		if !isPackaged(name) && !isOurs(name) {
			files = append(files, name)
		}
	}
	slices.Sort(files)
	for _, file := range files {
		for _, quote := range []string{`"`, `'`} {
			if i := strings.Index(b.texts[file], quote+pkg); i >= 0 {
				line := 1 + strings.Count(b.texts[file][:i], "\n")
				return importPlace{file, line, i - strings.LastIndexByte(b.texts[file][:i], '\n')}
			}
		}
	}
	return importPlace{file: b.main}
}
