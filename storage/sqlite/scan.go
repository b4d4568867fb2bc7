package sqlite

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"reflect"

	"github.com/fazt-sh/fazt/storage"
)

// scan stores a row in the variables that dest points to, by the rules of
// [sql.Rows.Scan].
func scan(values []driver.Value, dest []any) error {
	if len(dest) != len(values) {
		return &storage.Error{Code: storage.CodeInvalid, Op: "scan",
			Msg: fmt.Sprintf("%d columns for %d variables", len(values), len(dest))}
	}
	for i, d := range dest {
		if err := scanValue(values[i], d); err != nil {
			return &storage.Error{Code: storage.CodeInvalid, Op: "scan", Path: fmt.Sprintf("column %d", i+1), Err: err}
		}
	}
	return nil
}

func scanValue(v driver.Value, dest any) error {
	switch d := dest.(type) {
	case *string:
		if s, ok := v.(string); ok {
			*d = s
			return nil
		}
		return convert(v, d)
	case *int64:
		if n, ok := v.(int64); ok {
			*d = n
			return nil
		}
		return convert(v, d)
	case *[]byte:
		return convert(v, d)
	case *int:
		return convert(v, d)
	case *bool:
		return convert(v, d)
	case *float64:
		return convert(v, d)
	case *any:
		return convert(v, d)
	case sql.Scanner:
		return d.Scan(v)
	}
	return scanReflect(v, dest)
}

// convert borrows database/sql's own conversion, which it exports only through
// Null, and refuses NULL as Scan does for a variable that can't hold it.
func convert[T any](v driver.Value, dest *T) error {
	var n sql.Null[T]
	if err := n.Scan(v); err != nil {
		return err
	}
	if _, isAny := any(dest).(*any); !n.Valid && !isAny {
		if _, isBytes := any(dest).(*[]byte); !isBytes {
			return fmt.Errorf("NULL does not fit into a %T", *dest)
		}
	}
	*dest = n.V
	return nil
}

// scanReflect is for named types and for pointers, which are nil for NULL.
func scanReflect(v driver.Value, dest any) error {
	p := reflect.ValueOf(dest)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return fmt.Errorf("%T is not a pointer to a variable", dest)
	}
	target := p.Elem()
	if target.Kind() == reflect.Pointer {
		if v == nil {
			target.SetZero()
			return nil
		}
		fresh := reflect.New(target.Type().Elem())
		if err := scanValue(v, fresh.Interface()); err != nil {
			return err
		}
		target.Set(fresh)
		return nil
	}
	switch target.Kind() {
	case reflect.String:
		return scanAs[string](v, target)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return scanAs[int64](v, target)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return scanAs[uint64](v, target)
	case reflect.Float32, reflect.Float64:
		return scanAs[float64](v, target)
	case reflect.Bool:
		return scanAs[bool](v, target)
	case reflect.Slice:
		if target.Type().Elem().Kind() == reflect.Uint8 {
			return scanAs[[]byte](v, target)
		}
	}
	return fmt.Errorf("can't store a %T in a %T", v, dest)
}

func scanAs[T any](v driver.Value, target reflect.Value) error {
	var x T
	if err := convert(v, &x); err != nil {
		return err
	}
	converted := reflect.ValueOf(x).Convert(target.Type())
	if converted.CanInt() && converted.Int() != reflect.ValueOf(x).Int() ||
		converted.CanUint() && converted.Uint() != reflect.ValueOf(x).Uint() {
		return fmt.Errorf("%v does not fit into a %s", x, target.Type())
	}
	target.Set(converted)
	return nil
}
