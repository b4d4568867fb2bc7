package storage

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Changes is a parsed update.
type Changes struct {
	steps   []step
	created *Value // what a document that is written back says of its creation
	updated string // where it says when it was last changed
}

// step changes one path.
type step struct {
	op    string // "$set" for a plain field
	path  Path
	value Value
	match *Expr // of $pull: which elements go
}

// ParseChanges parses an update. An error has [CodeInvalid] and a Path into
// the changes, such as "$inc.count".
func ParseChanges(changes json.RawMessage) (*Changes, error) {
	if len(changes) > MaxDocument {
		return nil, &Error{Code: CodeQuotaExceeded, Msg: fmt.Sprintf("the changes are longer than %d bytes", MaxDocument)}
	}
	v, err := parseJSON(string(changes))
	if err != nil {
		return nil, err
	}
	if v.Kind != Object {
		return nil, invalid("", "changes are an object, not "+v.Kind.article())
	}
	c := &Changes{}
	for i := range v.Fields {
		f := &v.Fields[i]
		if strings.HasPrefix(f.Name, "$") {
			err = c.operator(f)
		} else {
			err = c.add(f.Name, "$set", f)
		}
		if err != nil {
			return nil, err
		}
	}
	if c.updated != "" && c.created == nil {
		return nil, keptByStore(c.updated)
	}
	return c, c.checkOverlap()
}

func (c *Changes) operator(f *Field) error {
	switch f.Name {
	case "$set", "$unset", "$inc", "$push", "$pull":
	default:
		return &Error{Code: CodeInvalid, Path: f.Name, Msg: "unknown operator",
			Hint: "use $set $unset $inc $push $pull, or plain fields"}
	}
	if f.Value.Kind != Object {
		return invalid(f.Name, "needs an object of fields, not "+f.Value.Kind.article())
	}
	for i := range f.Value.Fields {
		field := &f.Value.Fields[i]
		if err := c.add(join(f.Name, field.Name), f.Name, field); err != nil {
			return err
		}
	}
	return nil
}

func (c *Changes) add(at, op string, f *Field) error {
	s := step{op: op, path: ParsePath(f.Name), value: f.Value}
	if isTimestamp(s.path[0]) {
		if op != "$set" || len(s.path) > 1 {
			return keptByStore(at)
		}
		return c.writtenBack(at, f) // by a document that was read and changed
	}
	if s.path[0] == fieldID && (op != "$set" || len(s.path) > 1) {
		return invalid(at, "this field can't be changed")
	}
	switch op {
	case "$inc":
		if f.Value.Kind != Number {
			return invalid(at, "needs a number, not "+f.Value.Kind.article())
		}
	case "$pull":
		p := queryParser{}
		match, err := p.field(at, nil, &f.Value)
		if err != nil {
			return err
		}
		s.match = match
	}
	c.steps = append(c.steps, s)
	return nil
}

// writtenBack notes a timestamp, which does nothing: Apply makes sure that it is the
// document's own.
func (c *Changes) writtenBack(at string, f *Field) error {
	if f.Name == fieldCreatedAt {
		c.created = &f.Value
	} else {
		c.updated = at
	}
	return nil
}

func keptByStore(at string) error {
	return &Error{Code: CodeInvalid, Path: at, Msg: "is kept by the store, and can't be changed", Hint: "use a field of your own"}
}

// checkOverlap refuses two changes of one value: which comes first would
// depend on how the changes were written.
func (c *Changes) checkOverlap() error {
	changed := make(map[string]bool, len(c.steps))
	for _, s := range c.steps {
		path := s.path.String()
		if changed[path] {
			return invalid(path, "is changed twice")
		}
		changed[path] = true
	}
	for _, s := range c.steps {
		for n := 1; n < len(s.path); n++ {
			if outer := s.path[:n].String(); changed[outer] {
				return invalid(s.path.String(), "is changed together with "+outer+", which contains it")
			}
		}
	}
	return nil
}

// Apply returns the stored document body with all of the changes made, or an
// error and none of them. now is in Unix milliseconds.
func (c *Changes) Apply(body string, now int64) (string, error) {
	doc := parseStored(body)
	if doc.Kind != Object {
		return "", &Error{Code: CodeFormat, Msg: "the stored document is damaged", Hint: "restore a backup"}
	}
	created := doc.field(fieldCreatedAt).orNull()
	if c.created != nil && !created.equal(c.created) {
		return "", keptByStore(fieldCreatedAt)
	}
	doc.unset(Path{fieldCreatedAt})
	doc.unset(Path{fieldUpdatedAt})
	if err := c.apply(&doc); err != nil {
		return "", err
	}
	doc.Fields = append(doc.Fields, newField(fieldCreatedAt, created), newField(fieldUpdatedAt, integerValue(now)))
	return finish(&doc)
}

func (c *Changes) apply(doc *Value) error {
	id := doc.field(fieldID).orNull()
	for _, s := range c.steps {
		if s.path[0] == fieldID && id.Kind != Null && !id.equal(&s.value) {
			return invalid(fieldID, "a document's id can't be changed")
		}
		if err := s.apply(doc); err != nil {
			return err
		}
	}
	return nil
}

func (s *step) apply(doc *Value) error {
	switch s.op {
	case "$unset":
		doc.unset(s.path)
		return nil
	case "$pull":
		return s.pull(doc)
	}
	slot, err := doc.slot(s.path)
	if err != nil {
		return err
	}
	switch s.op {
	case "$inc":
		return s.inc(slot)
	case "$push":
		if slot.Kind == Null {
			*slot = Value{Kind: Array}
		}
		if slot.Kind != Array {
			return invalid(s.path.String(), "can't push to "+slot.Kind.article())
		}
		slot.Array = append(slot.Array, s.value)
	default:
		*slot = s.value
	}
	return nil
}

func (s *step) inc(slot *Value) error {
	if slot.Kind != Null && slot.Kind != Number {
		return invalid(s.path.String(), "can't add to "+slot.Kind.article())
	}
	sum, err := Count("changes", slot.Number, s.value.Number)
	if e, ok := errors.AsType[*Error](err); ok {
		return invalid(s.path.String(), e.Msg)
	}
	*slot = numberValue(sum)
	return nil
}

func (s *step) pull(doc *Value) error {
	list := doc.at(s.path)
	if list == nil || list.Kind == Null {
		return nil
	}
	if list.Kind != Array {
		return invalid(s.path.String(), "can't pull from "+list.Kind.article())
	}
	var kept []Value
	var text []byte
	for i := range list.Array {
		text = list.Array[i].append(text[:0])
		if !s.match.Match(string(text)) {
			kept = append(kept, list.Array[i])
		}
	}
	list.Array = kept
	return nil
}

// slot returns the value at path to be changed. What is missing on the way is
// made as objects; an array grows by one element at most.
func (v *Value) slot(path Path) (*Value, error) {
	for i, segment := range path {
		if v.Kind == Null && i > 0 {
			*v = Value{Kind: Object}
		}
		switch v.Kind {
		case Object:
			f := v.field(segment)
			if f == nil {
				v.Fields = append(v.Fields, newField(segment, Value{}))
				f = &v.Fields[len(v.Fields)-1]
			}
			v = &f.Value
		case Array:
			n := index(segment)
			if n < 0 || n > len(v.Array) {
				return nil, invalid(path.String(), fmt.Sprintf("%q is no index of an array of %d elements, or the next one",
					segment, len(v.Array)))
			}
			if n == len(v.Array) {
				v.Array = append(v.Array, Value{})
			}
			v = &v.Array[n]
		default:
			return nil, invalid(path.String(), fmt.Sprintf("%s is %s and has no fields", path[:i], v.Kind.article()))
		}
	}
	return v, nil
}

// unset removes the field at path. An array's element becomes null, so that
// the others keep their indexes.
func (v *Value) unset(path Path) {
	last := len(path) - 1
	parent := v.at(path[:last])
	if parent == nil {
		return
	}
	switch parent.Kind {
	case Object:
		for i := range parent.Fields {
			if parent.Fields[i].Name == path[last] {
				parent.Fields = append(parent.Fields[:i], parent.Fields[i+1:]...)
				return
			}
		}
	case Array:
		if n := index(path[last]); n >= 0 && n < len(parent.Array) {
			parent.Array[n] = Value{}
		}
	}
}
