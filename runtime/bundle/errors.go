package bundle

import (
	"errors"
	"fmt"
	"strings"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/fazt-sh/fazt/runtime"
)

// errorOf is the first error of esbuild, in the author's words.
func (b *builder) errorOf(messages []api.Message) error {
	if len(messages) == 0 {
		return nil
	}
	m := messages[0]
	e := b.at(m)
	if name, ok := quotedBehind(m.Text, "Could not resolve "); ok {
		e.Message, e.Err = b.whyNot(e.File, name)
	} else if name, ok := quotedBehind(m.Text, "No matching export in "); ok {
		e.Message = fmt.Sprintf("%s doesn't export that", strings.TrimPrefix(name, namespace+":"))
		if name == namespace+":"+cryptoModule {
			e.Message = "the module crypto has randomUUID, getRandomValues, timingSafeEqual, subtle and webcrypto here, and not more of Node's"
		}
	} else if e.Line > 0 {
		e.Code, e.Name = runtime.CodeSyntax, "SyntaxError"
	}
	if more := len(messages) - 1; more > 0 {
		e.Message += fmt.Sprintf(" (and %d more)", more)
	}
	return e
}

// at places a message.
func (b *builder) at(m api.Message) *runtime.Error {
	e := &runtime.Error{Code: runtime.CodeUnsupported, Message: plain(m.Text), File: b.main}
	if l := m.Location; l != nil {
		e.File = strings.TrimPrefix(l.File, namespace+":")
		e.Line, e.Column, e.SourceLine = l.Line, l.Column+1, shortLine(l.LineText)
	}
	return e
}

func plain(text string) string { return strings.ReplaceAll(text, `"`+namespace+":", `"`) }

func quotedBehind(text, prefix string) (name string, ok bool) {
	rest, ok := strings.CutPrefix(text, prefix+`"`)
	if !ok {
		return "", false
	}
	name, _, ok = strings.Cut(rest, `"`)
	return name, ok
}

// whyNot says why an import leads nowhere.
func (b *builder) whyNot(file, name string) (string, error) {
	b.mu.Lock()
	err := b.why[[2]string{file, name}]
	b.mu.Unlock()
	var n *MissingPackage
	switch {
	case errors.As(err, &n) && isPackaged(file):
		return fmt.Sprintf("the package %q, which %s needs, isn't in node_modules; install the packages anew: %s", n.Name, packageOf(file), b.command("")), err
	case errors.As(err, &n) && n.Listed:
		return fmt.Sprintf("the package %q isn't in node_modules; install what package.json has: %s", n.Name, b.command("")), err
	case errors.As(err, &n):
		return fmt.Sprintf("the package %q isn't in package.json; add it: %s", n.Name, b.command(n.Name)), err
	case err != nil:
		return err.Error(), err
	}
	return fmt.Sprintf("%q can't be found", name), nil
}

// managers are the package managers by their lock file, with what adds a package, and
// what installs all.
var managers = []struct{ lock, add, install string }{
	{"bun.lock", "bun add", "bun install"}, {"bun.lockb", "bun add", "bun install"}, {"pnpm-lock.yaml", "pnpm add", "pnpm install"},
	{"yarn.lock", "yarn add", "yarn install"}, {"package-lock.json", "npm install", "npm ci"}, {"npm-shrinkwrap.json", "npm install", "npm ci"},
}

// command adds a package, or installs all if none is named.
func (b *builder) command(pkg string) string {
	for _, m := range managers {
		f, err := b.fsys.Open(m.lock)
		if err != nil {
			continue
		}
		f.Close()
		if pkg == "" {
			return m.install + " --ignore-scripts"
		}
		return m.add + " " + pkg
	}
	return strings.TrimSuffix("npm install "+pkg, " ")
}

// grave are warnings of esbuild that mean a wrong answer.
var grave = map[string]string{
	"import-is-undefined":      "",
	"call-import-namespace":    "",
	"assign-to-import":         "",
	"commonjs-variable-in-esm": "a file that has import or export can't use module or exports; use export",
	"empty-import-meta":        "import.meta isn't there; a handler has no file or address of its own",
}

// warningOf makes errors of warnings about the author's own files, where what was written
// can't work.
func (b *builder) warningOf(messages []api.Message) error {
	for _, m := range messages {
		text, ok := grave[m.ID]
		if !ok || m.Location == nil {
			continue
		}
		e := b.at(m)
		if isPackaged(e.File) || isOurs(e.File) {
			continue
		}
		if text != "" {
			e.Message = text
		}
		return e
	}
	return nil
}

// warnings are what esbuild finds odd in the author's own files.
func (b *builder) warnings(messages []api.Message) (list []string) {
	for _, m := range messages {
		if m.Location == nil {
			continue
		}
		if e := b.at(m); !isPackaged(e.File) && !isOurs(e.File) {
			list = append(list, e.Error())
		}
	}
	return list
}

// placeOf is where a word stands first in a text.
func placeOf(text, word string) (line, column int) {
	i := max(strings.Index(text, word), 0)
	return 1 + strings.Count(text[:i], "\n"), i - strings.LastIndexByte(text[:i], '\n')
}

// lineOf is a line of a text, counted from 1.
func lineOf(text string, line int) string {
	for range line - 1 {
		_, after, ok := strings.Cut(text, "\n")
		if !ok {
			return ""
		}
		text = after
	}
	text, _, _ = strings.Cut(text, "\n")
	return shortLine(strings.TrimSuffix(text, "\r"))
}

// shortLine is as much of a line as is shown.
func shortLine(line string) string {
	const most = 400
	if len(line) <= most {
		return line
	}
	return strings.ToValidUTF8(line[:most], "") + "..."
}
