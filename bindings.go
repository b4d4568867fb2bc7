package fazt

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
)

// host assembles what an app's handler reaches by name.
func (s *Server) host(a *app) map[string]any {
	h := map[string]any{
		"fazt.version":     Version,
		"fazt.app.id":      a.info.ID,
		"fazt.app.name":    a.info.Name,
		"fazt.app.version": a.info.Current.Version,
	}
	shared := func(context.Context) (storage.Scope, error) { return storage.Scope{App: a.info.ID}, nil }
	own := func(ctx context.Context) (storage.Scope, error) {
		user, err := callFrom(ctx).signedIn()
		if err == nil && user == nil {
			err = &runtime.HostError{Code: "LOGIN_REQUIRED", Message: "fazt.app.user needs a signed-in user; call fazt.auth.requireLogin() first"}
		}
		if err != nil {
			return storage.Scope{}, err
		}
		return storage.Scope{App: a.info.ID, User: user.ID}, nil
	}
	kinds := a.stats.operations
	for prefix, scope := range map[string]scopeFunc{"fazt.storage": shared, "fazt.app": shared, "fazt.app.user": own} {
		binder{s.store, scope, kinds.kvRead, kinds.kvWrite}.kv(h, prefix+".kv.")
		binder{s.store, scope, kinds.docsRead, kinds.docsWrite}.docs(h, prefix+".ds.")
		binder{s.store, scope, kinds.docsRead, kinds.docsWrite}.batch(h, prefix+".batch")
		blobBinder{s, scope, kinds.blobRead, kinds.blobWrite}.bind(h, prefix+".s3.")
	}
	s.bindAuth(h)
	s.bindPrivate(h, a)
	bindBudget(h)
	for name, f := range s.bindings {
		h[name] = f
	}
	return h
}

// scopeFunc says whose data a call is about.
type scopeFunc func(context.Context) (storage.Scope, error)

// binder makes the storage functions of one scope.
type binder struct {
	store storage.Store
	scope scopeFunc

	reading, writing *budget.Operation // kinds: what is expected of each differs
}

// operation is what a host function does in a transaction, after it has read
// its arguments.
type operation func(storage.Tx) (runtime.Value, error)

// read and write make host functions: arguments first, then a transaction
// within the request's budget. Reading hardly ever waits.
func (b binder) read(prepare func(runtime.Args) (operation, error)) runtime.Brief {
	return runtime.Brief(b.run(b.reading, b.store.View, prepare))
}

func (b binder) write(prepare func(runtime.Args) (operation, error)) runtime.Func {
	return b.run(b.writing, b.store.Tx, prepare)
}

func (b binder) run(kind *budget.Operation, begin beginning, prepare func(runtime.Args) (operation, error)) runtime.Func {
	return scoped(kind, b.scope, func(args runtime.Args) (scopedOperation, error) {
		do, err := prepare(args)
		return func(ctx context.Context, scope storage.Scope) (runtime.Value, error) {
			return transact(ctx, begin, scope, do)
		}, err
	})
}

// transact runs an operation in a transaction of one kind or the other.
func transact(ctx context.Context, begin beginning, scope storage.Scope, do operation) (runtime.Value, error) {
	var result runtime.Value
	err := begin(ctx, scope, func(tx storage.Tx) (err error) {
		result, err = do(tx)
		return err
	})
	if err != nil {
		return runtime.Value{}, err // not result: a transaction that was given up may still set it
	}
	return result, nil
}

// beginning is [storage.Store.Tx] or [storage.Store.View].
type beginning func(context.Context, storage.Scope, func(storage.Tx) error) error

// scopedOperation is what a host function does with a scope's data, after it
// has read its arguments.
type scopedOperation func(context.Context, storage.Scope) (runtime.Value, error)

// scoped makes a host function of a kind of operation, which it starts within
// the request's budget once the scope and the arguments are known to be good, and
// what the request has queued is on disk.
func scoped(kind *budget.Operation, scopeOf scopeFunc, prepare func(runtime.Args) (scopedOperation, error)) runtime.Func {
	return func(ctx context.Context, args runtime.Args) (runtime.Value, error) {
		scope, err := scopeOf(ctx)
		if err != nil {
			return runtime.Value{}, err
		}
		do, err := prepare(args)
		if err != nil {
			return runtime.Value{}, err
		}
		c := callFrom(ctx)
		if c.unsettled == nil {
			return c.operate(ctx, kind, scope, do)
		}
		return runtime.Value{}, runtime.Blocking(func() (runtime.Value, error) {
			if err := c.settle(); err != nil {
				return runtime.Value{}, c.failedOperation(err)
			}
			return c.operate(ctx, kind, scope, do)
		})
	}
}

// operate does an operation of a kind, within the request's budget.
func (c *call) operate(ctx context.Context, kind *budget.Operation, scope storage.Scope, do scopedOperation) (runtime.Value, error) {
	op, done, err := kind.Start(ctx)
	if err != nil {
		return runtime.Value{}, c.refusedOperation(err)
	}
	defer done()
	result, err := do(op, scope)
	if err != nil {
		return runtime.Value{}, c.failedOperation(late(op, err))
	}
	return result, nil
}

// hostError gives an error from below to JavaScript, with its code.
func hostError(err error) error {
	f := classify(err)
	if f.Code == "INTERNAL" {
		return err // the run's error has it; a visitor never sees it
	}
	return &runtime.HostError{Code: f.Code, Message: f.Message, Err: err}
}

// pageArg reads {limit, after}.
func pageArg(args runtime.Args, i int) (storage.Page, error) {
	var in struct {
		Limit *int
		After string
	}
	if !args.Has(i) {
		return storage.Page{}, nil
	}
	if err := args.Unmarshal(i, &in); err != nil {
		return storage.Page{}, err
	}
	limit, err := limitArg(in.Limit, i)
	return storage.Page{Limit: limit, After: in.After}, err
}

// limitArg reads a limit that may be left out. 0 is refused: to storage it
// means all, which is not what somebody who writes it expects.
func limitArg(limit *int, i int) (int, error) {
	if limit == nil {
		return 0, nil
	}
	if *limit < 1 || *limit > storage.MaxRows {
		return 0, runtime.Invalid("argument %d: limit must be from 1 to %d, not %d", i+1, storage.MaxRows, *limit)
	}
	return *limit, nil
}

// optionalString reads a string that may be left out.
func optionalString(args runtime.Args, i int) (string, error) {
	if !args.Has(i) {
		return "", nil
	}
	return args.String(i)
}

func (b binder) kv(h map[string]any, prefix string) {
	h[prefix+"get"] = runtime.Brief(scoped(b.reading, b.scope, func(args runtime.Args) (scopedOperation, error) {
		key, err := args.String(0)
		return func(ctx context.Context, scope storage.Scope) (runtime.Value, error) {
			entry, err := b.store.Get(ctx, scope, key)
			if storage.CodeOf(err) == storage.CodeNotFound {
				return runtime.Undefined(), nil
			}
			return runtime.JSON(entry.Value), err
		}, err
	}))
	h[prefix+"set"] = b.queue(func(args runtime.Args) (queueing, operation, error) {
		key, value, err := keyAndValue(args)
		if err != nil {
			return nil, nil, err
		}
		ttl, err := ttlArg(args, 2)
		return func(ctx context.Context, p storage.Pipeline, scope storage.Scope) (runtime.Value, bool, error) {
				queued, err := p.Set(ctx, scope, key, value, ttl)
				return runtime.Undefined(), queued, err
			}, func(tx storage.Tx) (runtime.Value, error) {
				return runtime.Undefined(), tx.KV().Set(key, value, ttl)
			}, err
	})
	h[prefix+"delete"] = b.write(func(args runtime.Args) (operation, error) {
		key, err := args.String(0)
		return func(tx storage.Tx) (runtime.Value, error) {
			was, err := tx.KV().Delete(key)
			return runtime.Bool(was), err
		}, err
	})
	h[prefix+"incr"] = b.write(func(args runtime.Args) (operation, error) {
		key, err := args.String(0)
		by := 1.0
		if err == nil && args.Has(1) {
			by, err = args.Number(1)
		}
		return func(tx storage.Tx) (runtime.Value, error) {
			sum, err := tx.KV().Incr(key, by)
			return runtime.Number(sum), err
		}, err
	})
	h[prefix+"getVersion"] = b.read(func(args runtime.Args) (operation, error) {
		key, err := args.String(0)
		return func(tx storage.Tx) (runtime.Value, error) {
			entry, err := tx.KV().Get(key)
			if storage.CodeOf(err) == storage.CodeNotFound {
				return runtime.Number(0), nil
			}
			return runtime.Number(float64(entry.Version)), err
		}, err
	})
	h[prefix+"setIf"] = b.write(func(args runtime.Args) (operation, error) {
		key, value, err := keyAndValue(args)
		if err != nil {
			return nil, err
		}
		version, err := args.Int(2)
		return func(tx storage.Tx) (runtime.Value, error) {
			now, err := tx.KV().SetIf(key, value, version)
			return runtime.Number(float64(now)), err
		}, err
	})
	h[prefix+"list"] = b.read(func(args runtime.Args) (operation, error) {
		start, err := optionalString(args, 0)
		if err != nil {
			return nil, err
		}
		page, err := pageArg(args, 1)
		return func(tx storage.Tx) (runtime.Value, error) {
			entries, err := tx.KV().List(start, page)
			if err != nil {
				return runtime.Value{}, err
			}
			return listValue(entries)
		}, err
	})
}

// maxTTL is the longest time to live, in milliseconds: a hundred years, within
// what a time.Duration holds.
const maxTTL = 100 * 365 * 24 * 3600 * 1000.0

// ttlArg reads a number of milliseconds that may be left out: 0 is for ever.
func ttlArg(args runtime.Args, i int) (time.Duration, error) {
	if !args.Has(i) {
		return 0, nil
	}
	ttl, err := args.Number(i)
	if err == nil && (ttl <= 0 || ttl > maxTTL) {
		err = runtime.Invalid("argument %d, the time to live, must be a number of milliseconds above 0 and at most %.0f", i+1, maxTTL)
	}
	return time.Duration(ttl * float64(time.Millisecond)), err
}

func keyAndValue(args runtime.Args) (key string, value json.RawMessage, err error) {
	if key, err = args.String(0); err != nil {
		return "", nil, err
	}
	value, err = args.JSON(1)
	return key, value, err
}

func listValue(entries []storage.Entry) (runtime.Value, error) {
	type row struct {
		Key       string          `json:"key"`
		Value     json.RawMessage `json:"value"`
		ExpiresAt int64           `json:"expiresAt,omitzero"`
	}
	rows := make([]row, len(entries))
	for i, e := range entries {
		rows[i] = row{Key: e.Key, Value: e.Value}
		if !e.ExpiresAt.IsZero() {
			rows[i].ExpiresAt = e.ExpiresAt.UnixMilli()
		}
	}
	return runtime.From(rows)
}

// bindAuth gives handlers fazt.auth.
func (s *Server) bindAuth(h map[string]any) {
	user := func(f func(*auth.User, *http.Request, runtime.Args) (runtime.Value, error)) runtime.Brief {
		return func(ctx context.Context, args runtime.Args) (runtime.Value, error) {
			c := callFrom(ctx)
			u, err := c.signedIn()
			if err != nil {
				return runtime.Value{}, err
			}
			return f(u, c.request, args)
		}
	}
	h["fazt.auth.getUser"] = user(func(u *auth.User, _ *http.Request, _ runtime.Args) (runtime.Value, error) {
		if u == nil {
			return runtime.Null(), nil
		}
		return runtime.From(u)
	})
	h["fazt.auth.isLoggedIn"] = user(func(u *auth.User, _ *http.Request, _ runtime.Args) (runtime.Value, error) {
		return runtime.Bool(u != nil), nil
	})
	h["fazt.auth.hasRole"] = user(func(u *auth.User, _ *http.Request, args runtime.Args) (runtime.Value, error) {
		role, err := roleArg(args)
		return runtime.Bool(u != nil && u.Role.Has(role)), err
	})
	h["fazt.auth.requireRole"] = user(func(u *auth.User, r *http.Request, args runtime.Args) (runtime.Value, error) {
		role, err := roleArg(args)
		if err != nil {
			return runtime.Value{}, err
		}
		return s.require(u, r, role)
	})
	h["fazt.auth.requireLogin"] = user(func(u *auth.User, r *http.Request, _ runtime.Args) (runtime.Value, error) {
		return s.require(u, r, auth.RoleUser)
	})
	for suffix, role := range map[string]auth.Role{"Admin": auth.RoleAdmin, "Owner": auth.RoleOwner} {
		h["fazt.auth.is"+suffix] = user(func(u *auth.User, _ *http.Request, _ runtime.Args) (runtime.Value, error) {
			return runtime.Bool(u != nil && u.Role.Has(role)), nil
		})
		h["fazt.auth.require"+suffix] = user(func(u *auth.User, r *http.Request, _ runtime.Args) (runtime.Value, error) {
			return s.require(u, r, role)
		})
	}
	h["fazt.auth.getLoginURL"] = runtime.Brief(func(ctx context.Context, args runtime.Args) (runtime.Value, error) {
		back, err := optionalString(args, 0)
		r := callFrom(ctx).request
		if back == "" {
			back = r.RequestURI // with the prefix that the app is mounted under
		}
		return runtime.String(s.auth.LoginURL(r, back)), err
	})
	h["fazt.auth.getLogoutURL"] = runtime.Brief(func(context.Context, runtime.Args) (runtime.Value, error) {
		return runtime.String(s.auth.LogoutURL()), nil
	})
}

func roleArg(args runtime.Args) (auth.Role, error) {
	name, err := args.String(0)
	if err != nil {
		return "", err
	}
	role := auth.Role(name)
	if !role.Valid() {
		return "", runtime.Invalid("argument 1 must be a role: owner, admin or user, not %q", name)
	}
	return role, nil
}

// require lets a user with the role pass and ends the run for anybody else: a
// person who is navigating is sent to sign in, a program gets 401 or 403.
func (s *Server) require(u *auth.User, r *http.Request, role auth.Role) (runtime.Value, error) {
	if u != nil && u.Role.Has(role) {
		return runtime.Undefined(), nil
	}
	f := failure{status: http.StatusUnauthorized, Code: "LOGIN_REQUIRED", Message: "sign in first"}
	if u != nil {
		f = failure{status: http.StatusForbidden, Code: "FORBIDDEN", Message: "this needs the role " + string(role)}
	} else if isNavigation(r) {
		return runtime.Value{}, &runtime.Stop{Response: runtime.Response{
			Status: http.StatusFound,
			Header: http.Header{"Location": {s.auth.LoginURL(r, r.RequestURI)}, "Cache-Control": {"no-store"}},
		}}
	}
	return runtime.Value{}, f.stop()
}

// isNavigation reports whether a browser is about to show the answer as a page.
func isNavigation(r *http.Request) bool {
	if r.Method != http.MethodGet {
		return false
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// bindPrivate gives handlers the files under private/.
func (s *Server) bindPrivate(h map[string]any, a *app) {
	find := func(args runtime.Args) (*file, error) {
		name, err := args.String(0)
		if err != nil {
			return nil, err
		}
		return a.files[privatePath(name)], nil
	}
	read := func(ctx context.Context, args runtime.Args) ([]byte, error) {
		f, err := find(args)
		if err != nil {
			return nil, err
		}
		if f == nil {
			return nil, &runtime.HostError{Code: "NOT_FOUND", Message: "there is no such file under private/"}
		}
		if f.Size > s.opt.MaxUpload {
			return nil, &runtime.HostError{Code: "QUOTA_EXCEEDED", Message: "the file is too large to be read by a handler"}
		}
		return s.readContent(ctx, f.File)
	}
	h["fazt.private.read"] = runtime.Brief(func(ctx context.Context, args runtime.Args) (runtime.Value, error) {
		data, err := read(ctx, args)
		return runtime.String(string(data)), err
	})
	h["fazt.private.readJSON"] = runtime.Brief(func(ctx context.Context, args runtime.Args) (runtime.Value, error) {
		data, err := read(ctx, args)
		if err == nil {
			if err = runtime.CheckJSON(data); err != nil {
				err = &runtime.HostError{Name: "SyntaxError", Code: "INVALID_JSON", Message: err.Error()}
			}
		}
		return runtime.JSON(data), err
	})
	h["fazt.private.exists"] = runtime.Brief(func(_ context.Context, args runtime.Args) (runtime.Value, error) {
		f, err := find(args)
		return runtime.Bool(f != nil), err
	})
	var names []string
	for _, p := range slices.Sorted(maps.Keys(a.files)) {
		if name, ok := strings.CutPrefix(p, "private/"); ok {
			names = append(names, name)
		}
	}
	h["fazt.private.list"] = runtime.Brief(func(_ context.Context, args runtime.Args) (runtime.Value, error) {
		prefix, err := optionalString(args, 0)
		found := []string{}
		for _, name := range names {
			if strings.HasPrefix(name, prefix) {
				found = append(found, name)
			}
		}
		if err != nil {
			return runtime.Value{}, err
		}
		return runtime.From(found)
	})
}

// privatePath is a file's place in the app; it cannot leave private/.
func privatePath(name string) string { return "private" + path.Clean("/"+name) }

// bindBudget tells handlers what is left and what they have used, in
// milliseconds. The two, and the reserve that is kept back for the answer, add up
// to what the request was allowed.
func bindBudget(h map[string]any) {
	h["fazt.budget.remaining"] = runtime.Brief(func(ctx context.Context, _ runtime.Args) (runtime.Value, error) {
		return runtime.Number(milliseconds(budget.From(ctx).Remaining())), nil
	})
	h["fazt.budget.used"] = runtime.Func(func(ctx context.Context, _ runtime.Args) (runtime.Value, error) {
		b := budget.From(ctx)
		spent := func(p budget.Phase) float64 { return milliseconds(b.Spent(p)) }
		return runtime.From(struct {
			Total      float64 `json:"total"`
			Queue      float64 `json:"queue"`
			Auth       float64 `json:"auth"`
			Compute    float64 `json:"js"`
			Read       float64 `json:"read"`
			Write      float64 `json:"write"`
			Render     float64 `json:"render"`
			Operations int     `json:"operations"`
		}{
			milliseconds(b.Used()), spent(budget.Queue), spent(budget.Auth), spent(budget.Compute),
			spent(budget.StorageRead), spent(budget.StorageWrite), spent(budget.Render), b.Operations(),
		})
	})
}
