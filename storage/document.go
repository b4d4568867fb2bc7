package storage

import (
	"encoding/json"
	"fmt"
)

// The fields that a document has besides its own.
const (
	fieldID        = "id"
	fieldCreatedAt = "_createdAt"
	fieldUpdatedAt = "_updatedAt"
)

func isTimestamp(name string) bool { return name == fieldCreatedAt || name == fieldUpdatedAt }

// NewDocument makes the text that is stored of a JSON object: its id first,
// its own fields in their order, and the timestamps, so that what a find
// returns is what is stored. newID is called if the object has no id of its
// own; now is in Unix milliseconds.
func NewDocument(doc json.RawMessage, newID func() string, now int64) (id, body string, err error) {
	if len(doc) > MaxDocument {
		return "", "", tooLarge(len(doc))
	}
	v, err := parseJSON(string(doc))
	if err != nil {
		return "", "", err
	}
	if v.Kind != Object {
		return "", "", invalid("", "a document is an object, not "+v.Kind.article())
	}
	return newDocument(&v, newID, now)
}

// Upsert makes the document that an upsert inserts when e matches none: the
// values that e asks for, with the changes made to them.
func (c *Changes) Upsert(e *Expr, newID func() string, now int64) (id, body string, err error) {
	doc := Value{Kind: Object}
	e.Equalities(func(path Path, v *Value) {
		slot, slotErr := doc.slot(path)
		if slotErr != nil {
			err = slotErr
			return
		}
		*slot = v.clone()
	})
	if err != nil {
		return "", "", err
	}
	if err := c.apply(&doc); err != nil {
		return "", "", err
	}
	return newDocument(&doc, newID, now)
}

func newDocument(v *Value, newID func() string, now int64) (id, body string, err error) {
	if f := v.field(fieldID); f != nil && f.Value.Kind == String {
		id = f.Value.String
	}
	if id == "" {
		id = newID()
	}
	if err := CheckKey("", "id", id); err != nil {
		return "", "", err
	}
	stored := Value{Kind: Object, Fields: make([]Field, 0, len(v.Fields)+3)}
	stored.Fields = append(stored.Fields, newField(fieldID, stringValue(id)))
	for _, f := range v.Fields {
		if f.Name != fieldID && !isTimestamp(f.Name) {
			stored.Fields = append(stored.Fields, f)
		}
	}
	at := integerValue(now)
	stored.Fields = append(stored.Fields, newField(fieldCreatedAt, at), newField(fieldUpdatedAt, at))
	body, err = finish(&stored)
	return id, body, err
}

// finish writes a document, unless the changes made it too large.
func finish(doc *Value) (string, error) {
	if doc.depth() > MaxNesting {
		return "", invalid("", fmt.Sprintf("the document is nested deeper than %d levels", MaxNesting))
	}
	body := doc.append(nil)
	if len(body) > MaxDocument {
		return "", tooLarge(len(body))
	}
	return string(body), nil
}

func tooLarge(n int) error {
	return OverQuota("", "", "the document", int64(n), MaxDocument)
}

// clone returns a copy that shares nothing that can be changed.
func (v *Value) clone() Value {
	c := *v
	if v.Array != nil {
		c.Array = make([]Value, len(v.Array))
		for i := range v.Array {
			c.Array[i] = v.Array[i].clone()
		}
	}
	if v.Fields != nil {
		c.Fields = make([]Field, len(v.Fields))
		for i := range v.Fields {
			c.Fields[i] = v.Fields[i]
			c.Fields[i].Value = v.Fields[i].Value.clone()
		}
	}
	return c
}
