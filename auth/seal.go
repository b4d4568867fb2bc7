package auth

import (
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

// errSeal says that a sealed value was not made here, or for something else, or is
// too old.
var errSeal = errors.New("the sealed value is not valid")

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
	raw, err := json.Marshal(value)
	if err != nil {
		return "", err
	}
	plain, err := json.Marshal(sealed{millis(time.Now().Add(age)), raw})
	if err != nil {
		return "", err
	}
	nonce := make([]byte, s.aead.NonceSize(), s.aead.NonceSize()+len(plain)+s.aead.Overhead())
	rand.Read(nonce) // never fails
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nonce, nonce, plain, []byte(purpose))), nil
}

// open is the inverse of seal, into value; [errSeal] is its only error.
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
	if json.Unmarshal(plain, &in) != nil || millis(time.Now()) >= in.Until || json.Unmarshal(in.Value, value) != nil {
		return errSeal
	}
	return nil
}
