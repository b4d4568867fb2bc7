package storage

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Op is what a condition of a query asks.
type Op string

// The operators.
const (
	OpEq       Op = "$eq"
	OpNe       Op = "$ne"
	OpGt       Op = "$gt"
	OpGte      Op = "$gte"
	OpLt       Op = "$lt"
	OpLte      Op = "$lte"
	OpIn       Op = "$in"
	OpNin      Op = "$nin"
	OpContains Op = "$contains"
	OpExists   Op = "$exists"
	OpPrefix   Op = "$prefix"
	OpAnd      Op = "$and"
	OpOr       Op = "$or"
	OpNot      Op = "$not"
)

// Expr is one node of a parsed query. $and, $or and $not combine Sub, of which
// $not has one; the others ask something of the value at Path. An engine may
// read it to choose rows, but Match has the last word on which documents match.
type Expr struct {
	Op    Op
	Path  Path
	Value Value   // the operand; of $in and $nin an array
	Sub   []*Expr // of $and, $or and $not

	set *valueSet // of $in and $nin
}

// ParseQuery parses a query. Nothing, and null, is the query that matches
// every document. An error has [CodeInvalid] and a Path into the query, such as
// "items.$gt".
func ParseQuery(query json.RawMessage) (*Expr, error) {
	all := &Expr{Op: OpAnd}
	if len(query) == 0 {
		return all, nil
	}
	if len(query) > MaxDocument {
		return nil, &Error{Code: CodeQuotaExceeded, Msg: fmt.Sprintf("the query is longer than %d bytes", MaxDocument)}
	}
	v, err := parseJSON(string(query))
	if err != nil {
		return nil, err
	}
	if v.Kind == Null {
		return all, nil
	}
	p := queryParser{}
	return p.query("", &v)
}

type queryParser struct{ conditions int }

// query parses an object whose fields must all hold.
func (p *queryParser) query(at string, v *Value) (*Expr, error) {
	if v.Kind != Object {
		return nil, &Error{Code: CodeInvalid, Path: at, Msg: "a query is an object, not " + v.Kind.article(), Hint: "write {id: ...} for the document of an id"}
	}
	all := &Expr{Op: OpAnd}
	for i := range v.Fields {
		f := &v.Fields[i]
		here := join(at, f.Name)
		var sub *Expr
		var err error
		switch op := Op(f.Name); {
		case op == OpAnd || op == OpOr:
			sub, err = p.list(here, op, &f.Value)
		case op == OpNot:
			sub, err = p.query(here, &f.Value)
			sub = &Expr{Op: OpNot, Sub: []*Expr{sub}}
		case strings.HasPrefix(f.Name, "$"):
			err = unknownOperator(here)
		default:
			sub, err = p.field(here, ParsePath(f.Name), &f.Value)
		}
		if err != nil {
			return nil, err
		}
		all.Sub = append(all.Sub, sub)
	}
	return single(all), nil
}

// single takes a lone condition out of its $and.
func single(all *Expr) *Expr {
	if len(all.Sub) == 1 {
		return all.Sub[0]
	}
	return all
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

func unknownOperator(at string) error {
	return &Error{Code: CodeInvalid, Path: at, Msg: "unknown operator",
		Hint: "use $eq $ne $gt $gte $lt $lte $in $nin $contains $exists $prefix, or $and $or $not around queries"}
}

// list parses the queries of $and and $or.
func (p *queryParser) list(at string, op Op, v *Value) (*Expr, error) {
	if v.Kind != Array {
		return nil, invalid(at, "needs an array of queries, not "+v.Kind.article())
	}
	e := &Expr{Op: op}
	for i := range v.Array {
		sub, err := p.query(fmt.Sprintf("%s[%d]", at, i), &v.Array[i])
		if err != nil {
			return nil, err
		}
		e.Sub = append(e.Sub, sub)
	}
	return e, nil
}

// field parses what is asked of one path: a value to equal, or operators.
func (p *queryParser) field(at string, path Path, v *Value) (*Expr, error) {
	operators, err := hasOperators(at, v)
	if err != nil {
		return nil, err
	}
	if !operators {
		return p.condition(at, OpEq, path, v)
	}
	all := &Expr{Op: OpAnd}
	for i := range v.Fields {
		f := &v.Fields[i]
		sub, err := p.operator(join(at, f.Name), Op(f.Name), path, &f.Value)
		if err != nil {
			return nil, err
		}
		all.Sub = append(all.Sub, sub)
	}
	return single(all), nil
}

// hasOperators reports whether v is an object of operators; a plain object is
// a value.
func hasOperators(at string, v *Value) (bool, error) {
	if v.Kind != Object || len(v.Fields) == 0 {
		return false, nil
	}
	operators := 0
	for i := range v.Fields {
		if strings.HasPrefix(v.Fields[i].Name, "$") {
			operators++
		}
	}
	if operators != 0 && operators != len(v.Fields) {
		return false, &Error{Code: CodeInvalid, Path: at, Msg: "operators and fields in one object",
			Hint: "use $eq to compare with an object whose fields begin with $"}
	}
	return operators > 0, nil
}

func (p *queryParser) operator(at string, op Op, path Path, v *Value) (*Expr, error) {
	switch op {
	case OpNot:
		operators, err := hasOperators(at, v)
		if err != nil {
			return nil, err
		}
		if !operators {
			return nil, &Error{Code: CodeInvalid, Path: at, Msg: "needs operators to negate", Hint: "use $ne for a value"}
		}
		sub, err := p.field(at, path, v)
		return &Expr{Op: OpNot, Sub: []*Expr{sub}}, err
	case OpAnd, OpOr:
		return nil, &Error{Code: CodeInvalid, Path: at, Msg: "stands around whole queries",
			Hint: fmt.Sprintf(`write {"%s": [{"%s": ...}, ...]}`, op, path)}
	}
	return p.condition(at, op, path, v)
}

// condition checks an operator's operand.
func (p *queryParser) condition(at string, op Op, path Path, v *Value) (*Expr, error) {
	if p.conditions++; p.conditions > MaxConditions {
		return nil, &Error{Code: CodeInvalid, Path: at, Msg: fmt.Sprintf("more than %d conditions", MaxConditions),
			Hint: "use $in for a list of values"}
	}
	e := &Expr{Op: op, Path: path, Value: *v}
	needs := func(what string, kinds ...Kind) error {
		for _, k := range kinds {
			if v.Kind == k {
				return nil
			}
		}
		return invalid(at, "needs "+what+", not "+v.Kind.article())
	}
	switch op {
	case OpEq, OpNe, OpContains:
		return e, nil
	case OpGt, OpGte, OpLt, OpLte:
		return e, needs("a number or a string", Number, String)
	case OpIn, OpNin:
		e.set = newValueSet(v.Array)
		return e, needs("an array", Array)
	case OpExists:
		return e, needs("true or false", Bool)
	case OpPrefix:
		return e, needs("a string", String)
	}
	return nil, unknownOperator(at)
}

func (k Kind) article() string {
	return [...]string{"null", "a boolean", "a number", "a string", "an array", "an object"}[k]
}

// MatchesAll reports whether the query has no condition.
func (e *Expr) MatchesAll() bool { return e.Op == OpAnd && len(e.Sub) == 0 }

// Equalities calls fn for each value that every match has at a path, for an
// engine that can find rows by it, and for an upsert.
func (e *Expr) Equalities(fn func(Path, *Value)) {
	switch e.Op {
	case OpEq:
		fn(e.Path, &e.Value)
	case OpAnd:
		for _, sub := range e.Sub {
			sub.Equalities(fn)
		}
	}
}

// ID returns the id that every match has, if the query names one.
func (e *Expr) ID() (id string, ok bool) {
	e.Equalities(func(path Path, v *Value) {
		if len(path) == 1 && path[0] == fieldID && v.Kind == String {
			id, ok = v.String, true
		}
	})
	return id, ok
}
