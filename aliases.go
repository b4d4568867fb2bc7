package fazt

import (
	"context"
	"fmt"
	"net/url"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/internal/site"
	"github.com/fazt-sh/fazt/storage"
)

// route is where a label leads. The zero kind is an app of that name.
type route struct {
	kind  storage.AliasKind
	key   appKey // of an app
	url   *url.URL
	split []storage.Weight
}

// aliasTable is every alias as of a revision of the catalogue. There are few, and they
// change seldom, so a server has them all in memory, and reads them again when
// anything has changed.
type aliasTable struct {
	revision int64
	retry    time.Time // until when it stands, after the store has failed; zero: the revision says
	routes   map[string]route
}

// aliases are the present table, and how requests share its reading.
type aliases struct {
	table  atomic.Pointer[aliasTable]
	flight singleflight.Group
}

// current returns the table if it is good at a revision.
func (a *aliases) current(revision int64) *aliasTable {
	t := a.table.Load()
	switch {
	case t == nil:
		return nil
	case !t.retry.IsZero() && time.Now().Before(t.retry), t.retry.IsZero() && t.revision >= revision:
		return t
	}
	return nil
}

// route returns where a label leads: an alias stands before an app of that name.
func (s *Server) route(ctx context.Context, label string) (route, error) {
	table := s.aliases.current(s.revision.Load())
	if table == nil {
		read := s.aliases.flight.DoChan("", func() (any, error) {
			ctx, cancel := context.WithTimeout(s.open, loadTimeout)
			defer cancel()
			table, err := s.readAliases(ctx)
			return table, outOfReach("aliases", err)
		})
		select {
		case result := <-read:
			if result.Err != nil {
				return route{}, result.Err
			}
			table = result.Val.(*aliasTable)
		case <-ctx.Done():
			return route{}, ctx.Err()
		}
	}
	if to, ok := table.routes[label]; ok {
		return to, nil
	}
	return route{key: appKey{name: label}}, nil
}

// readAliases brings the table up to date with the store.
func (s *Server) readAliases(ctx context.Context) (*aliasTable, error) {
	table := &aliasTable{revision: s.revision.Load(), routes: make(map[string]route)} // the revision first, as in lookUp
	list, err := s.store.Aliases(ctx)
	if have := s.aliases.table.Load(); err != nil && have != nil {
		s.log.Error("the aliases could not be read; those known so far stay", "error", err)
		kept := *have
		kept.retry = time.Now().Add(storeRetry)
		s.aliases.table.Store(&kept)
		return &kept, nil
	}
	if err != nil {
		return nil, err
	}
	for _, a := range list {
		to := route{kind: a.Kind, key: appKey{a.App, a.Version}, split: a.Split}
		if a.Kind == storage.AliasRedirect {
			if to.url, err = url.Parse(a.URL); err != nil { // what somebody else has written leads nowhere
				to = route{kind: storage.AliasReserved}
			}
		}
		table.routes[a.Label] = to
	}
	s.aliases.table.Store(table)
	return table, nil
}

// Aliases returns the aliases, by label.
func (s *Server) Aliases(ctx context.Context) ([]api.Alias, error) {
	stored, err := s.store.Aliases(ctx)
	if err != nil {
		return nil, err
	}
	ids, err := s.appIDs(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]api.Alias, len(stored))
	for i, a := range stored {
		list[i] = aliasOf(a, ids)
	}
	return list, nil
}

// appIDs are the ids of the apps, by name.
func (s *Server) appIDs(ctx context.Context) (map[string]string, error) {
	apps, err := s.store.Apps(ctx)
	if err != nil {
		return nil, err
	}
	ids := make(map[string]string, len(apps))
	for _, a := range apps {
		ids[a.Name] = a.ID
	}
	return ids, nil
}

func aliasOf(a storage.Alias, ids map[string]string) api.Alias {
	shown := api.Alias{Label: a.Label, Type: string(a.Kind), URL: a.URL, Targets: []api.AliasTarget{}}
	if a.Kind == storage.AliasApp {
		shown.Targets = append(shown.Targets, api.AliasTarget{AppID: ids[a.App], App: a.App, Version: a.Version, Weight: 100})
	}
	for _, w := range a.Split {
		shown.Targets = append(shown.Targets, api.AliasTarget{AppID: ids[w.App], App: w.App, Version: w.Version, Weight: w.Percent})
	}
	return shown
}

// Alias returns one alias. One that does not exist is a [storage.CodeNotFound] error.
func (s *Server) Alias(ctx context.Context, label string) (*api.Alias, error) {
	label, err := cleanLabel("alias", label)
	if err != nil {
		return nil, err
	}
	stored, err := s.store.Alias(ctx, label)
	if err != nil {
		return nil, aliasError(err, label)
	}
	ids, err := s.appIDs(ctx)
	if err != nil {
		return nil, err
	}
	shown := aliasOf(stored, ids)
	return &shown, nil
}

// SetAlias makes an alias, or puts it in place of the one of that label, and returns it
// as it is stored. Visitors get what it leads to from then on, and within a second on
// other servers that share the data. A target is an app that exists, and a version of
// it that is kept: [storage.CodeNotFound] otherwise.
func (s *Server) SetAlias(ctx context.Context, a api.Alias) (*api.Alias, error) {
	const op = "set alias"
	label, err := cleanLabel(op, a.Label)
	if err != nil {
		return nil, err
	}
	stored := storage.Alias{Label: label, Kind: storage.AliasKind(a.Type), URL: a.URL}
	for _, t := range a.Targets {
		name, err := s.targetName(ctx, op, t)
		if err != nil {
			return nil, err
		}
		stored.Split = append(stored.Split, storage.Weight{App: name, Version: t.Version, Percent: t.Weight})
	}
	if stored.Kind == storage.AliasApp {
		if len(stored.Split) != 1 {
			return nil, &storage.Error{Code: storage.CodeInvalid, Op: op, Path: "targets", Msg: fmt.Sprintf("an alias of type app has one target, not %d", len(stored.Split))}
		}
		if w := stored.Split[0].Percent; w != 0 && w != 100 {
			return nil, &storage.Error{Code: storage.CodeInvalid, Op: op, Path: "targets", Msg: "the only target has all visitors", Hint: "leave weight out, or make it a split"}
		}
		stored.App, stored.Version, stored.Split = stored.Split[0].App, stored.Split[0].Version, nil
	}
	if err := s.store.SetAlias(ctx, stored); err != nil {
		return nil, err
	}
	if err := s.refresh(context.WithoutCancel(ctx)); err != nil {
		return nil, fmt.Errorf("fazt: the alias %s is stored, but not in force yet: %w", label, err)
	}
	return s.Alias(context.WithoutCancel(ctx), label)
}

// targetName is the name of the app that a target has by id or by name.
func (s *Server) targetName(ctx context.Context, op string, t api.AliasTarget) (string, error) {
	given := t.AppID
	if given == "" {
		given = t.App
	}
	if given == "" {
		return "", &storage.Error{Code: storage.CodeInvalid, Op: op, Path: "targets", Msg: "a target needs an app", Hint: "give its app_id, or its name as app"}
	}
	a, err := s.stored(ctx, op, given)
	if err == nil && t.App != "" && t.App != a.Name {
		err = &storage.Error{Code: storage.CodeInvalid, Op: op, Path: "targets", Msg: fmt.Sprintf("the app_id is that of %q, and not of %q", a.Name, t.App), Hint: "give one of the two"}
	}
	return a.Name, err
}

// RemoveAlias removes an alias: its label leads to the app of that name again, if there
// is one. An alias that does not exist is a [storage.CodeNotFound] error.
func (s *Server) RemoveAlias(ctx context.Context, label string) error {
	label, err := cleanLabel("remove alias", label)
	if err != nil {
		return err
	}
	if err := s.store.RemoveAlias(ctx, label); err != nil {
		return aliasError(err, label)
	}
	return s.refresh(context.WithoutCancel(ctx))
}

// SwapAliases exchanges what two aliases lead to, at one moment. Either that does not
// exist is a [storage.CodeNotFound] error, and nothing has changed.
func (s *Server) SwapAliases(ctx context.Context, a, b string) error {
	const op = "swap aliases"
	first, err := cleanLabel(op, a)
	if err != nil {
		return err
	}
	second, err := cleanLabel(op, b)
	if err != nil {
		return err
	}
	if err := s.store.SwapAliases(ctx, first, second); err != nil {
		return aliasError(err, "")
	}
	return s.refresh(context.WithoutCancel(ctx))
}

func cleanLabel(op, label string) (string, error) {
	label, err := site.CleanLabel(label)
	if err == nil && label == "swap" {
		err = fmt.Errorf("label %q is reserved; choose another", label) // it is a path of the management API
	}
	if err != nil {
		return "", &storage.Error{Code: storage.CodeInvalid, Op: op, Path: "subdomain", Msg: err.Error()}
	}
	return label, nil
}

// aliasError names the alias that is missing.
func aliasError(err error, label string) error {
	e, ok := err.(*storage.Error)
	if !ok || e.Code != storage.CodeNotFound {
		return err
	}
	if label == "" {
		label = e.Path
	}
	return &storage.Error{Code: e.Code, Op: e.Op, Msg: fmt.Sprintf("there is no alias %q", label), Hint: "list the aliases to see their labels"}
}
