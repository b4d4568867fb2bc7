package passkey

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/fazt-sh/fazt/auth"
)

// Checker is an [auth.Passkeys]. The zero value is ready.
type Checker struct{}

// New returns what [auth.Options].Passkeys takes.
func New() Checker { return Checker{} }

var _ auth.Passkeys = Checker{}

// party is the library's own for a site. Attestation is not asked for: it tells which
// make a device is of, which is nobody's business here. Extensions are not asked for
// either, and what password managers report of them unasked is not looked at.
func party(p auth.PasskeyParty) (*webauthn.WebAuthn, error) {
	if p.Host == "" || p.Origin == "" { // the library would take none for one
		return nil, errors.New("a site of passkeys has a host and an origin")
	}
	return webauthn.New(&webauthn.Config{
		RPID: p.Host, RPDisplayName: p.Host, RPOrigins: []string{p.Origin},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			RequireResidentKey: protocol.ResidentKeyRequired(),
			ResidentKey:        protocol.ResidentKeyRequirementRequired,
			UserVerification:   protocol.VerificationRequired,
		},
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
}

// user is a user as the library knows them.
type user struct {
	auth.PasskeyUser
	credentials []webauthn.Credential
}

func (u *user) WebAuthnID() []byte                         { return []byte(u.ID) }
func (u *user) WebAuthnCredentials() []webauthn.Credential { return u.credentials }

// WebAuthnName is what a device lists the passkey by.
func (u *user) WebAuthnName() string {
	for _, name := range []string{u.Email, u.Name} {
		if name != "" {
			return name
		}
	}
	return u.ID
}

func (u *user) WebAuthnDisplayName() string {
	if u.Name != "" {
		return u.Name
	}
	return u.WebAuthnName()
}

func userOf(u auth.PasskeyUser) (*user, error) {
	out := &user{PasskeyUser: u}
	for _, p := range u.Passkeys {
		var c webauthn.Credential
		if err := json.Unmarshal(p.Data, &c); err != nil {
			return nil, fmt.Errorf("the stored passkey %s can't be read: %w", p.ID, err)
		}
		out.credentials = append(out.credentials, c)
	}
	return out, nil
}

func record(c *webauthn.Credential) (auth.PasskeyRecord, error) {
	c.Attestation = webauthn.CredentialAttestation{} // what was sent when it was made; it has been checked
	data, err := json.Marshal(c)
	return auth.PasskeyRecord{ID: idOf(c.ID), Data: data}, err
}

func idOf(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// BeginRegister implements [auth.Passkeys].
func (Checker) BeginRegister(p auth.PasskeyParty, u auth.PasskeyUser) (options, state []byte, err error) {
	w, err := party(p)
	if err != nil {
		return nil, nil, err
	}
	who, err := userOf(u)
	if err != nil {
		return nil, nil, err
	}
	creation, session, err := w.BeginRegistration(who, webauthn.WithExclusions(webauthn.Credentials(who.credentials).CredentialDescriptors()))
	if err != nil {
		return nil, nil, err
	}
	return both(creation.Response, session)
}

// FinishRegister implements [auth.Passkeys].
func (Checker) FinishRegister(p auth.PasskeyParty, u auth.PasskeyUser, state, answer []byte) (auth.PasskeyRecord, error) {
	w, err := party(p)
	if err != nil {
		return auth.PasskeyRecord{}, err
	}
	who, err := userOf(u)
	if err != nil {
		return auth.PasskeyRecord{}, err
	}
	var session webauthn.SessionData
	if err := json.Unmarshal(state, &session); err != nil {
		return auth.PasskeyRecord{}, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return auth.PasskeyRecord{}, explained(err)
	}
	c, err := w.CreateCredential(who, session, parsed)
	if err != nil {
		return auth.PasskeyRecord{}, explained(err)
	}
	return record(c)
}

// BeginLogin implements [auth.Passkeys].
func (Checker) BeginLogin(p auth.PasskeyParty) (options, state []byte, err error) {
	w, err := party(p)
	if err != nil {
		return nil, nil, err
	}
	assertion, session, err := w.BeginDiscoverableLogin()
	if err != nil {
		return nil, nil, err
	}
	return both(assertion.Response, session)
}

// FinishLogin implements [auth.Passkeys].
func (Checker) FinishLogin(p auth.PasskeyParty, state, answer []byte, find func(id string) (auth.PasskeyUser, error)) (auth.PasskeyRecord, error) {
	w, err := party(p)
	if err != nil {
		return auth.PasskeyRecord{}, err
	}
	var session webauthn.SessionData
	if err := json.Unmarshal(state, &session); err != nil {
		return auth.PasskeyRecord{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return auth.PasskeyRecord{}, explained(err)
	}
	_, c, err := w.ValidatePasskeyLogin(func(rawID, handle []byte) (webauthn.User, error) {
		u, err := find(idOf(rawID))
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(handle, []byte(u.ID)) {
			return nil, errors.New("the passkey is another user's")
		}
		return userOf(u)
	}, session, parsed)
	switch {
	case err != nil:
		return auth.PasskeyRecord{}, explained(err)
	case c.Authenticator.CloneWarning:
		return auth.PasskeyRecord{}, auth.ErrPasskeyCopied
	}
	return record(c)
}

// both are two values as JSON.
func both(options, session any) (o, s []byte, err error) {
	if o, err = json.Marshal(options); err != nil {
		return nil, nil, err
	}
	s, err = json.Marshal(session)
	return o, s, err
}

// explained adds what the library tells developers, for the log: the beginning, since
// what the visitor sent may be in it.
func explained(err error) error {
	if e, ok := errors.AsType[*protocol.Error](err); ok && e.DevInfo != "" {
		return fmt.Errorf("%w (%.200q)", err, e.DevInfo)
	}
	return err
}
