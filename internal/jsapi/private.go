package jsapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/fazt-sh/fazt/runtime"
)

var privateFunctions = []Function{
	{Name: "read", Params: []Param{required("path", typeString)}, Result: typeString, make: binder.privateRead},
	{Name: "readJSON", Params: []Param{required("path", typeString)}, Result: typeAny, make: binder.privateReadJSON},
	{Name: "exists", Params: []Param{required("path", typeString)}, Result: typeBoolean, make: binder.privateExists},
	{Name: "list", Params: []Param{optional("prefix", typeString)}, Result: "string[]", make: binder.privateList},
}

func (b binder) privateRead() any {
	return runtime.Brief(func(ctx context.Context, args runtime.Args) (runtime.Value, error) {
		data, err := b.readPrivate(ctx, args)
		return runtime.String(string(data)), err
	})
}

func (b binder) privateReadJSON() any {
	return runtime.Brief(func(ctx context.Context, args runtime.Args) (runtime.Value, error) {
		data, err := b.readPrivate(ctx, args)
		data = bytes.TrimPrefix(data, []byte("\ufeff")) // a byte order mark
		return runtime.JSON(data), err                  // which the engine checks as it reads it, in steps
	})
}

func (b binder) privateExists() any {
	return runtime.Brief(func(ctx context.Context, args runtime.Args) (runtime.Value, error) {
		name, err := privatePath(args)
		_, ok := From(ctx).App.Private.Size(name)
		return runtime.Bool(ok), err
	})
}

func (b binder) privateList() any {
	return runtime.Brief(func(ctx context.Context, args runtime.Args) (runtime.Value, error) {
		prefix, err := optionalString(args, 0)
		if err != nil {
			return runtime.Value{}, err
		}
		return nameList(ctx, From(ctx).App.Private.Names(), prefix)
	})
}

// nameList is those of names that begin with a prefix.
func nameList(ctx context.Context, names []string, prefix string) (runtime.Value, error) {
	size := 0
	for _, name := range names {
		if strings.HasPrefix(name, prefix) {
			size += len(name) + len(`"",`)
		}
	}
	list, err := newArray(ctx, size)
	if err != nil {
		return runtime.Value{}, err
	}
	for _, name := range names {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		text, err := json.Marshal(name)
		if err == nil {
			err = list.next()
		}
		if err != nil {
			return runtime.Value{}, err
		}
		list.text = append(list.text, text...)
	}
	return list.value(), nil
}

// privatePath reads a file's place below private/, which it cannot leave.
func privatePath(args runtime.Args) (string, error) {
	name, err := args.String(0)
	return strings.TrimPrefix(path.Clean("/"+name), "/"), err
}

func (b binder) readPrivate(ctx context.Context, args runtime.Args) ([]byte, error) {
	name, err := privatePath(args)
	if err != nil {
		return nil, err
	}
	files := From(ctx).App.Private
	size, ok := files.Size(name)
	switch {
	case !ok:
		return nil, &runtime.HostError{Code: "NOT_FOUND", Message: fmt.Sprintf("there is no private/%s; fazt.private.list() has those that there are", name)}
	case size > b.api.opt.MaxBytes:
		return nil, &runtime.HostError{Code: "QUOTA_EXCEEDED", Message: "the file is too large to be read by a handler"}
	}
	inv := From(ctx)
	err = inv.read(ctx, size, int(size))
	if inv.exceeded != nil {
		err = inv.refused(inv.exceeded)
	}
	if err != nil {
		return nil, err
	}
	return files.Read(inv.paced(ctx), name)
}
