package harnesstest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"testing"

	_ "crypto/sha512" // by crypto.Hash

	"github.com/go-jose/go-jose/v4"
)

// IssuerKey is a key pair that an [Issuer] signs with.
type IssuerKey struct {
	ID string

	alg     string
	private crypto.Signer
}

// NewIssuerKey makes a key for one of the algorithms of RFC 7518 and RFC 8037 that
// have a key pair, such as "ES256", "RS256" or "EdDSA".
func NewIssuerKey(tb testing.TB, alg string) *IssuerKey {
	tb.Helper()
	k := &IssuerKey{ID: secret()[:8], alg: alg}
	var err error
	switch {
	case alg == "EdDSA":
		_, k.private, err = ed25519.GenerateKey(rand.Reader)
	case alg == "ES384":
		k.private, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case alg == "ES512":
		k.private, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case alg == "ES256":
		k.private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		k.private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		tb.Fatalf("harnesstest: %v", err)
	}
	return k
}

// Public is the key as it stands in a key set.
func (k *IssuerKey) Public() map[string]any {
	text, err := jose.JSONWebKey{Key: k.private.Public(), KeyID: k.ID, Algorithm: k.alg, Use: "sig"}.MarshalJSON()
	document := map[string]any{}
	if err == nil {
		err = json.Unmarshal(text, &document)
	}
	if err != nil {
		panic(fmt.Sprintf("harnesstest: %v", err)) // of a key that was made above
	}
	return document
}

// PEM is the public key in the form that programs keep it in, which a confused one
// takes for the secret of an HMAC.
func (k *IssuerKey) PEM() []byte {
	der, err := x509.MarshalPKIXPublicKey(k.private.Public())
	if err != nil {
		panic(fmt.Sprintf("harnesstest: %v", err))
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// Sign makes a signed token.
func (k *IssuerKey) Sign(claims map[string]any) string { return k.SignAs(k.ID, claims) }

// SignAs is Sign with another name of the key in the header; "" names none.
func (k *IssuerKey) SignAs(id string, claims map[string]any) string {
	signer, err := jose.NewSigner(jose.SigningKey{
		Algorithm: jose.SignatureAlgorithm(k.alg), Key: jose.JSONWebKey{Key: k.private, KeyID: id},
	}, nil)
	if err != nil {
		panic(fmt.Sprintf("harnesstest: %v", err))
	}
	signed, err := signer.Sign(text(claims))
	if err != nil {
		panic(fmt.Sprintf("harnesstest: %v", err))
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		panic(fmt.Sprintf("harnesstest: %v", err))
	}
	return token
}

// Unsigned makes a token that says it needs no signature.
func Unsigned(claims map[string]any) string {
	return encode(map[string]any{"alg": "none"}) + "." + encode(claims) + "."
}

// SignHMAC makes a token that is signed by what both sides know.
func SignHMAC(secret []byte, keyID string, claims map[string]any) string {
	signed := encode(map[string]any{"alg": "HS256", "kid": keyID}) + "." + encode(claims)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// hash is the at_hash of an access token.
func (k *IssuerKey) hash(access string) string {
	hash := crypto.SHA256
	switch k.alg[2:] {
	case "384":
		hash = crypto.SHA384
	case "512", "DSA":
		hash = crypto.SHA512
	}
	h := hash.New()
	h.Write([]byte(access))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:hash.Size()/2])
}

func encode(v map[string]any) string { return base64.RawURLEncoding.EncodeToString(text(v)) }

func text(v map[string]any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("harnesstest: %v", err))
	}
	return b
}

// secret is 128 random bits or more, in letters and digits.
func secret() string { return rand.Text() }
