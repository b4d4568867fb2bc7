package auth

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"
)

// sealer keeps what must come back unchanged with the browser that it was given
// to: the state of a sign-in under way. It is encrypted and authenticated
// (AES-256-GCM with a random nonce) by a key that all processes on the data share,
// so that a sign-in may end on another one than it began on, and nothing is
// written for somebody who only looks.
type sealer struct{ aead cipher.AEAD }

var (
	// errSeal says that a sealed value was not made here, or for something else.
	errSeal = errors.New("the sealed value is not valid")
	// errSealOld says that it was, and is too old.
	errSealOld = errors.New("the sealed value is too old")
)

func newSealer(key []byte) (*sealer, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &sealer{aead}, nil
}

type sealed struct {
	Until int64           `json:"until"` // Unix milliseconds
	Value json.RawMessage `json:"value"`
}

// seal returns value as text for a cookie. purpose is authenticated with it: what
// was sealed for one purpose does not open for another.
func (s *sealer) seal(purpose string, value any, age time.Duration) (string, error) {
	raw, err := plainJSON(value)
	if err != nil {
		return "", err
	}
	plain, err := plainJSON(sealed{millis(time.Now().Add(age)), raw})
	if err != nil {
		return "", err
	}
	nonce := make([]byte, s.aead.NonceSize(), s.aead.NonceSize()+len(plain)+s.aead.Overhead())
	rand.Read(nonce) // never fails
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nonce, nonce, plain, []byte(purpose))), nil
}

// plainJSON is v as JSON that does not escape what HTML has a use for: six bytes for
// each & of a way back could make more than a cookie holds.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.Bytes(), err
}

// isSealed reports whether s could be what seal returns.
func isSealed(s string) bool {
	_, err := base64.RawURLEncoding.DecodeString(s)
	return err == nil && s != ""
}

// open is the inverse of seal, into value. Its errors are [errSeal] and [errSealOld].
func (s *sealer) open(purpose, text string, value any) error {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) < s.aead.NonceSize() {
		return errSeal
	}
	nonce, box := b[:s.aead.NonceSize()], b[s.aead.NonceSize():]
	plain, err := s.aead.Open(nil, nonce, box, []byte(purpose))
	if err != nil {
		return errSeal
	}
	var in sealed
	if json.Unmarshal(plain, &in) != nil {
		return errSeal
	}
	if millis(time.Now()) >= in.Until {
		return errSealOld
	}
	if json.Unmarshal(in.Value, value) != nil {
		return errSeal
	}
	return nil
}
