package auth

import (
	"context"
	"encoding/base64"
	"errors"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

// Sealer encrypts what is stored and must not be read from a copy of the data.
type Sealer interface {
	// Seal encrypts a value. What it is for is authenticated with it. The fingerprint
	// is that of the key, to be put on record with the value.
	Seal(ctx context.Context, purpose string, value []byte) (sealed []byte, fingerprint string, err error)
	// Open is the inverse of Seal.
	Open(ctx context.Context, purpose string, sealed []byte) ([]byte, error)
}

// secretPurpose is what the client secret of a provider is sealed for.
func secretPurpose(name string) string { return "provider\x00" + name }

// openSecret decrypts the client secret of a provider.
func (a *Auth) openSecret(ctx context.Context, p *storedProvider) (string, error) {
	sealed, err := base64.StdEncoding.DecodeString(p.sealed)
	if err != nil {
		return "", err
	}
	if a.sealer == nil {
		return "", errors.New("its client secret is encrypted, and there is no key file")
	}
	secret, err := a.sealer.Open(ctx, secretPurpose(p.name), sealed)
	return string(secret), err
}

// storedSecret is a client secret as it is to be stored.
type storedSecret struct{ name, plain, sealed, fingerprint string }

// sealSecret encrypts a client secret, if there is a Sealer.
func (a *Auth) sealSecret(ctx context.Context, op, name, secret string) (storedSecret, error) {
	if a.sealer == nil || secret == "" {
		return storedSecret{name: name, plain: secret}, nil
	}
	sealed, fingerprint, err := a.sealer.Seal(ctx, secretPurpose(name), []byte(secret))
	if err != nil {
		return storedSecret{}, failed(op, err)
	}
	return storedSecret{name: name, sealed: base64.StdEncoding.EncodeToString(sealed), fingerprint: fingerprint}, nil
}

// save stores the secret of a provider that is there.
func (s storedSecret) save(tx storage.SQL, op string) error {
	if s.fingerprint != "" {
		if err := storage.UseSealKey(tx, op, s.fingerprint); err != nil {
			return err
		}
	}
	_, err := tx.Exec(`UPDATE auth_providers SET client_secret = ?, client_secret_sealed = ? WHERE name = ?`, s.plain, s.sealed, s.name)
	return err
}

// sealProviders encrypts the client secrets that were stored before there was a
// Sealer.
func (a *Auth) sealProviders(ctx context.Context) error {
	const op = "provider.seal"
	if a.sealer == nil {
		return nil
	}
	plain := map[string]string{}
	err := a.db.Read(ctx, func(tx storage.SQL) error {
		return tx.Query(`SELECT name, client_secret FROM auth_providers WHERE client_secret <> ''`, nil, func(scan func(...any) error) error {
			var name, secret string
			err := scan(&name, &secret)
			plain[name] = secret
			return err
		})
	})
	if err != nil || len(plain) == 0 {
		return err
	}
	for name, secret := range plain {
		s, err := a.sealSecret(ctx, op, name, secret)
		if err != nil {
			return err
		}
		if err := a.db.Write(ctx, func(tx storage.SQL) error {
			if err := s.save(tx, op); err != nil {
				return err
			}
			return storage.RecordAudit(tx, api.ActorFrom(ctx), auditProviderSeal, name, nil)
		}); err != nil {
			return err
		}
	}
	return nil
}

// SealedProviders returns the names of the providers whose client secrets are
// encrypted, in a transaction: what is lost with the key.
func SealedProviders(tx storage.SQL) (names []string, err error) {
	err = tx.Query(`SELECT name FROM auth_providers WHERE client_secret_sealed <> '' ORDER BY name`, nil, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		names = append(names, name)
		return err
	})
	return names, err
}

// ForgetSealedProviders removes the client secrets that are encrypted, in the
// transaction of a change that gives their key up, and switches their providers off.
func ForgetSealedProviders(ctx context.Context, tx storage.SQL) error {
	names, err := SealedProviders(tx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := tx.Exec(`UPDATE auth_providers SET client_secret_sealed = '', enabled = 0 WHERE name = ?`, name); err != nil {
			return err
		}
		if err := storage.RecordAudit(tx, api.ActorFrom(ctx), auditProviderForget, name, nil); err != nil {
			return err
		}
	}
	return nil
}
