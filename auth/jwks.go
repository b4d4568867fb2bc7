package auth

import (
	"context"
	"encoding/json"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// keysRate is how often a token that names an unknown key has the issuer's keys read
// again: keys change, but whoever makes names up must not decide how often.
const keysRate = 10 * time.Second

// fetchKeys reads the issuer's public keys (RFC 7517). Those of a kind that is not
// known are left out.
func (p *openID) fetchKeys(ctx context.Context) ([]jose.JSONWebKey, error) {
	m, err := p.metadata.get(ctx, metadataAge)
	if err != nil {
		return nil, err
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := p.getJSON(ctx, m.JWKSURL, "", &set, FailProviderKeys); err != nil {
		return nil, err
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		var k jose.JSONWebKey
		if k.UnmarshalJSON(raw) == nil && k.Valid() && k.IsPublic() && k.Use != "enc" {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, p.fail(FailProviderKeys, "the issuer's key set has no key that can be used")
	}
	return keys, nil
}

// keySet is the [oidc.KeySet] of one verification.
type keySet struct {
	p          *openID
	algorithms []jose.SignatureAlgorithm
	payload    []byte // once it is verified
	err        error  // why it is not
}

// VerifySignature returns the payload of a token that one of the issuer's keys has
// signed.
func (k *keySet) VerifySignature(ctx context.Context, raw string) ([]byte, error) {
	k.payload, k.err = k.verify(ctx, raw)
	return k.payload, k.err
}

func (k *keySet) verify(ctx context.Context, raw string) ([]byte, error) {
	signed, err := jose.ParseSignedCompact(raw, k.algorithms)
	if err != nil {
		return nil, k.p.fail(FailTokenMalformed, "%w", err)
	}
	header := signed.Signatures[0].Header
	keys, err := k.p.keys.load(ctx, metadataAge)
	if err != nil {
		return nil, err
	}
	payload, named := verifyByOne(signed, keys.value)
	if payload == nil && (!named || header.KeyID == "") {
		if keys, err = k.p.keys.renew(ctx, keys, keysRate); err != nil {
			return nil, err
		}
		payload, named = verifyByOne(signed, keys.value)
	}
	switch {
	case payload != nil:
		return payload, nil
	case !named:
		return nil, k.p.fail(FailTokenKey, "the issuer has no key %.60q for %s", header.KeyID, header.Algorithm)
	}
	return nil, k.p.fail(FailTokenSignature, "the signature is not that of the issuer's key %.60q", header.KeyID)
}

// verifyByOne returns the payload that one of the keys has signed. named says that
// there was one by the name in the token's header; where it has none, all are tried.
func verifyByOne(signed *jose.JSONWebSignature, keys []jose.JSONWebKey) (payload []byte, named bool) {
	header := signed.Signatures[0].Header
	for _, key := range keys {
		if header.KeyID != "" && key.KeyID != header.KeyID || key.Algorithm != "" && key.Algorithm != header.Algorithm {
			continue
		}
		named = true
		if payload, err := signed.Verify(key); err == nil {
			return payload, true
		}
	}
	return nil, named
}
