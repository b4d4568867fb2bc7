package bundle

import (
	"encoding/json"
	"path"
	"slices"
	"strings"
)

// manifest is what resolution needs of a package.json.
type manifest struct {
	dir     string // that it is in
	name    string
	esm     bool // its .js files are ES modules
	main    []string
	exports *entry            // nil without
	imports *entry            // nil without
	browser map[string]string // what stands for a file or a package; "" is an empty module
	needs   map[string]bool   // its dependencies of all kinds
	pure    func(file string) bool
}

// entry is a value of exports or imports: their keys have an order that counts.
type entry struct {
	target string
	list   []entry // alternatives
	keys   []string
	values []entry
	null   bool
}

// UnmarshalJSON keeps the order of the keys.
func (e *entry) UnmarshalJSON(text []byte) error {
	switch text[0] {
	case '"':
		return json.Unmarshal(text, &e.target)
	case '[':
		return json.Unmarshal(text, &e.list)
	case '{':
		dec := json.NewDecoder(strings.NewReader(string(text)))
		if _, err := dec.Token(); err != nil {
			return err
		}
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return err
			}
			var value entry
			if err := dec.Decode(&value); err != nil {
				return err
			}
			e.keys, e.values = append(e.keys, key.(string)), append(e.values, value)
		}
		return nil
	}
	e.null = true
	return nil
}

// parseManifest reads a package.json. What is of another shape than it should be is as
// if it weren't there, as it is for Node.
func parseManifest(dir string, text []byte) (*manifest, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	m := &manifest{dir: dir}
	str := func(key string) (s string) {
		_ = json.Unmarshal(fields[key], &s)
		return s
	}
	m.name, m.esm = str("name"), str("type") == "module"
	// In the order of bundlers for other places without Node.
	for _, key := range []string{"browser", "module", "main"} {
		if s := str(key); s != "" {
			m.main = append(m.main, s)
		}
	}
	for key, to := range map[string]**entry{"exports": &m.exports, "imports": &m.imports} {
		var e entry
		if raw := fields[key]; raw != nil && json.Unmarshal(raw, &e) == nil && !e.null {
			*to = &e
		}
	}
	var browser map[string]any
	if json.Unmarshal(fields["browser"], &browser) == nil {
		m.browser = make(map[string]string)
		for from, to := range browser {
			switch to := to.(type) {
			case string:
				m.browser[from] = to
			case bool:
				if !to {
					m.browser[from] = ""
				}
			}
		}
	}
	m.needs = make(map[string]bool)
	for _, key := range []string{"dependencies", "devDependencies", "optionalDependencies", "peerDependencies"} {
		var needs map[string]any
		_ = json.Unmarshal(fields[key], &needs)
		for name := range needs {
			m.needs[name] = true
		}
	}
	m.pure = sideEffects(dir, fields["sideEffects"])
	return m, nil
}

// sideEffects reads which files of a package do nothing but define what they export, so
// that those of which nothing is used can be left out.
func sideEffects(dir string, raw json.RawMessage) func(file string) bool {
	var some bool
	var patterns []string
	switch {
	case raw == nil:
	case json.Unmarshal(raw, &some) == nil:
		return func(string) bool { return !some }
	case json.Unmarshal(raw, &patterns) == nil:
		return func(file string) bool {
			name := strings.TrimPrefix(file, dir+"/")
			return !slices.ContainsFunc(patterns, func(p string) bool { return hasSideEffect(p, name) })
		}
	}
	return func(string) bool { return false }
}

// hasSideEffect matches a file against a pattern, generously: to keep a file too many is
// only larger.
func hasSideEffect(pattern, name string) bool {
	pattern = strings.TrimPrefix(pattern, "./")
	if strings.Contains(pattern, "**") {
		before, _, _ := strings.Cut(pattern, "**")
		return strings.HasPrefix(name, before)
	}
	if !strings.Contains(pattern, "/") {
		name = path.Base(name)
	}
	ok, err := path.Match(pattern, name)
	return ok || err != nil
}

// maxConditions is how deep conditions are followed.
const maxConditions = 30

// find follows exports or imports to what a subpath ("." or "./x", or "#x") stands for.
// ok is false when it stands for nothing.
func (e *entry) find(subpath string, conditions []string) (target string, ok bool) {
	if !slices.ContainsFunc(e.keys, func(k string) bool { return strings.HasPrefix(k, ".") || strings.HasPrefix(k, "#") }) {
		if subpath != "." {
			return "", false
		}
		return e.pick("", conditions, 0)
	}
	if i := slices.Index(e.keys, subpath); i >= 0 && !strings.Contains(subpath, "*") {
		return e.values[i].pick("", conditions, 0)
	}
	best, length := -1, -1
	var rest string
	for i, key := range e.keys {
		before, after, star := strings.Cut(key, "*")
		if !star && strings.HasSuffix(key, "/") {
			before, after, star = key, "", true // a folder, as it was written once
		}
		if star && len(before) > length && len(subpath) > len(before)+len(after) && strings.HasPrefix(subpath, before) && strings.HasSuffix(subpath, after) {
			best, length, rest = i, len(before), subpath[len(before):len(subpath)-len(after)]
		}
	}
	if best < 0 {
		return "", false
	}
	target, ok = e.values[best].pick(rest, conditions, 0)
	if strings.HasSuffix(target, "/") {
		target += rest
	}
	return target, ok
}

// pick follows conditions to a target, in which rest stands for the star.
func (e *entry) pick(rest string, conditions []string, depth int) (target string, ok bool) {
	switch {
	case e.null || depth > maxConditions:
		return "", false
	case e.target != "":
		return strings.ReplaceAll(e.target, "*", rest), true
	}
	for i := range e.list {
		if target, ok = e.list[i].pick(rest, conditions, depth+1); ok {
			return target, true
		}
	}
	for i, key := range e.keys {
		if key == "default" || slices.Contains(conditions, key) {
			if target, ok = e.values[i].pick(rest, conditions, depth+1); ok || e.values[i].null {
				return target, ok
			}
		}
	}
	return "", false
}
