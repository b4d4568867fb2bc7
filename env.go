package fazt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/internal/jsapi"
	"github.com/fazt-sh/fazt/internal/seal"
	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// Env returns an app's variables by name, without their values.
func (s *Server) Env(ctx context.Context, app string) ([]api.Variable, error) {
	a, err := s.stored(ctx, "env", app)
	if err != nil {
		return nil, err
	}
	vars, err := s.store.Env(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	list := []api.Variable{}
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		list = append(list, api.Variable{Name: name, UpdatedAt: vars[name].UpdatedAt.UTC()})
	}
	return list, nil
}

// SetEnv sets some of an app's variables, all or none. They are encrypted by the key
// in Options.KeyFile, which is made for the first one. The app's handler has them from
// its next request on.
func (s *Server) SetEnv(ctx context.Context, app string, vars map[string]string) error {
	const op = "env.set"
	for name, value := range vars {
		if err := storage.CheckEnv(op, name, value); err != nil {
			return err
		}
	}
	a, err := s.stored(ctx, op, app)
	if err != nil || len(vars) == 0 {
		return err
	}
	key, err := s.keys.sealing(ctx)
	if err != nil {
		return err
	}
	sealed := make(map[string][]byte, len(vars))
	for name, value := range vars {
		sealed[name] = key.Seal(envPurpose(a.ID, name), []byte(value))
	}
	if err := s.store.SetEnv(ctx, a.ID, sealed, key.Fingerprint()); err != nil {
		return err
	}
	return s.refresh(context.WithoutCancel(ctx))
}

// UnsetEnv removes a variable of an app's.
func (s *Server) UnsetEnv(ctx context.Context, app, name string) error {
	a, err := s.stored(ctx, "env.unset", app)
	if err != nil {
		return err
	}
	if err := s.store.UnsetEnv(ctx, a.ID, name); err != nil {
		return err
	}
	return s.refresh(context.WithoutCancel(ctx))
}

// envPurpose is what a variable is sealed for: nobody who can write to the store can
// give one app another's.
func envPurpose(appID, name string) string { return "env\x00" + appID + "\x00" + name }

// loadEnv reads an app's variables for its handler. Where they can't be opened, the
// handler is told so when it asks for one: it must not go on as if there were none.
func (s *Server) loadEnv(ctx context.Context, a *app) error {
	stored, err := s.store.Env(ctx, a.info.ID)
	if err != nil {
		return err
	}
	env := &jsapi.Env{Values: make(map[string]string, len(stored))}
	for name, v := range stored {
		value, err := s.keys.Open(ctx, envPurpose(a.info.ID, name), v.Sealed)
		if err != nil {
			s.log.ErrorContext(ctx, "an app's variable can't be opened", "app", a.info.Name, "variable", name, "error", err)
			env.Err = errors.New("the app's variables can't be read; the server's log says why")
			break
		}
		env.Values[name] = string(value)
	}
	a.env.Store(env)
	return nil
}

// keyring has the key of a server's key file, once it is needed.
type keyring struct {
	path  string // "" without a file
	store storage.Environment

	mu  sync.Mutex
	key *seal.Key
}

var _ auth.Sealer = (*keyring)(nil)

// Seal implements [auth.Sealer].
func (k *keyring) Seal(ctx context.Context, purpose string, value []byte) (sealed []byte, fingerprint string, err error) {
	key, err := k.sealing(ctx)
	if err != nil {
		return nil, "", err
	}
	return key.Seal(purpose, value), key.Fingerprint(), nil
}

// Open implements [auth.Sealer].
func (k *keyring) Open(ctx context.Context, purpose string, sealed []byte) ([]byte, error) {
	key, err := k.opening(ctx)
	if err != nil {
		return nil, err
	}
	value, err := key.Open(purpose, sealed)
	if err == nil {
		return value, nil
	}
	// The key may have been given up for another while this process ran.
	k.forget(key)
	if key, err = k.opening(ctx); err != nil {
		return nil, err
	}
	return key.Open(purpose, sealed)
}

func (k *keyring) forget(key *seal.Key) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.key == key {
		k.key = nil
	}
}

// sealing is the key to seal values with. Its file is made if nothing was sealed
// before.
func (k *keyring) sealing(ctx context.Context) (*seal.Key, error) { return k.get(ctx, true) }

// opening is the key to open values with.
func (k *keyring) opening(ctx context.Context) (*seal.Key, error) { return k.get(ctx, false) }

func (k *keyring) get(ctx context.Context, toMake bool) (*seal.Key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.key != nil {
		return k.key, nil
	}
	if k.path == "" {
		return nil, &api.Error{Status: http.StatusConflict, Code: "NO_KEY",
			Message: "there is no key file, by which secrets are encrypted; name one with --key-file, or Options.KeyFile; servers that share their data need the same one"}
	}
	fingerprint, err := k.store.SealKey(ctx)
	if err != nil {
		return nil, err
	}
	key, err := seal.Read(k.path)
	if errors.Is(err, fs.ErrNotExist) && fingerprint == "" && toMake {
		if key, err = seal.Make(k.path); err != nil {
			err = fmt.Errorf("%w; see that its directory may be written to and its disk has room, or name another with --key-file", err)
		}
	}
	if err == nil && fingerprint != "" && key.Fingerprint() != fingerprint {
		err = errWrongKey
	}
	if err != nil {
		return nil, fmt.Errorf("fazt: key file %s: %w", k.path, err)
	}
	k.key = key
	return key, nil
}

var errWrongKey = errors.New("it has another key than the one that sealed what is stored")

// checkKey refuses to start without the key that has sealed what is stored: handlers
// would miss what they were given.
func (s *Server) checkKey(ctx context.Context) error {
	fingerprint, err := s.store.SealKey(ctx)
	if err != nil || fingerprint == "" {
		return err
	}
	_, err = s.keys.opening(ctx)
	if err == nil {
		return nil
	}
	lost, lostErr := lostWithKey(ctx, s.store)
	if lostErr != nil {
		return errors.Join(err, lostErr)
	}
	if len(lost) == 0 {
		return s.dropUnusedKey(ctx)
	}
	return fmt.Errorf("%w; these can't be read: %s; put the key file back, name it with --key-file, or give these up with: fazt app env lost --forget",
		err, strings.Join(lost, ", "))
}

// dropUnusedKey takes a key off the record that has sealed nothing that is left, so that
// the next secret can have another.
func (s *Server) dropUnusedKey(ctx context.Context) error {
	return s.store.Write(ctx, func(tx storage.SQL) error {
		vars, err := storage.SealedVariables(tx)
		if err != nil {
			return err
		}
		providers, err := auth.SealedProviders(tx)
		if err != nil || len(vars)+len(providers) > 0 {
			return err // just now: the next start says what is lost
		}
		return storage.ForgetSealed(tx, api.ActorFrom(ctx))
	})
}

// lostWithKey names what can't be read without the key.
func lostWithKey(ctx context.Context, store storage.Database) (lost []string, err error) {
	err = store.Read(ctx, func(tx storage.SQL) error {
		vars, err := storage.SealedVariables(tx)
		if err != nil {
			return err
		}
		for _, v := range vars {
			lost = append(lost, v.App+" "+v.Name)
		}
		names, err := auth.SealedProviders(tx)
		for _, name := range names {
			lost = append(lost, "the client secret of provider "+name)
		}
		return err
	})
	return lost, err
}

// LostSecrets names what in the data is encrypted by another key than the one in the
// key file, or by one that is not there: variables of apps, and client secrets of
// sign-in providers. A [New] with these options, of which DataFile or Store, and
// KeyFile count, refuses to start if there is any.
func LostSecrets(ctx context.Context, opt Options) (lost []string, err error) {
	err = withLost(ctx, opt, func(_ storage.Store, found []string) error { lost = found; return nil })
	return lost, err
}

// ForgetSecrets removes what [LostSecrets] names, and returns that. Providers that lose
// their client secret are switched off. The server starts again then, and seals by the
// key that is in the key file, or by a new one.
func ForgetSecrets(ctx context.Context, opt Options) (lost []string, err error) {
	err = withLost(ctx, opt, func(store storage.Store, found []string) error {
		lost = found
		if len(found) == 0 {
			return nil
		}
		return store.Write(ctx, func(tx storage.SQL) error {
			if err := auth.ForgetSealedProviders(ctx, tx); err != nil {
				return err
			}
			return storage.ForgetSealed(tx, api.ActorFrom(ctx))
		})
	})
	return lost, err
}

func withLost(ctx context.Context, opt Options, do func(storage.Store, []string) error) (err error) {
	store := opt.Store
	if store == nil {
		if store, err = sqlite.Open(ctx, opt.DataFile, sqlite.Options{}); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, store.Close()) }()
	}
	name, steps := auth.Schema()
	if err := store.Migrate(ctx, name, steps); err != nil {
		return err
	}
	if opt.KeyFile == "" && opt.DataFile != "" {
		opt.KeyFile = DefaultKeyFile(opt.DataFile)
	}
	keys := &keyring{path: opt.KeyFile, store: store}
	if _, err := keys.opening(ctx); err == nil {
		return do(store, nil)
	} else if !errors.Is(err, errWrongKey) && !errors.Is(err, fs.ErrNotExist) {
		return err // a file that is no key file is a mistake, and no loss
	}
	lost, err := lostWithKey(ctx, store)
	if err != nil {
		return err
	}
	return do(store, lost)
}

// DefaultKeyFile is where the key file of a data file is, unless Options.KeyFile names
// another.
func DefaultKeyFile(dataFile string) string { return dataFile + ".key" }
