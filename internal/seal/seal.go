// Package seal encrypts what a server stores and must never show, by a key that is
// kept in a file outside the store: who has only a copy of the data has none of it.
//
// A value is sealed by AES-256 in Galois/Counter Mode (NIST SP 800-38D) with a random
// nonce of 96 bits, which is good for 2^32 values. What it is for is authenticated
// with it, so that a sealed value that is put in another's place does not open.
package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrSealed says that a value does not open: another key has sealed it, it was sealed
// for something else, or it is damaged.
var ErrSealed = errors.New("the sealed value does not open by this key")

const (
	keySize = 32
	// filePrefix begins a key file, and says how what follows is used.
	filePrefix = "fazt-key-1 "
	// version is the first byte of a sealed value.
	version = 1
)

// Overhead is by how many bytes a sealed value is longer than the value.
const Overhead = 1 + 12 + 16

// Key seals and opens values. It is safe for concurrent use.
type Key struct {
	aead        cipher.AEAD
	fingerprint string
}

func newKey(raw []byte) (*Key, error) {
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, raw)
	mac.Write([]byte("fazt key fingerprint"))
	return &Key{aead: aead, fingerprint: hex.EncodeToString(mac.Sum(nil)[:16])}, nil
}

// Fingerprint tells one key from another, and nothing about it.
func (k *Key) Fingerprint() string { return k.fingerprint }

// Seal encrypts a value for a purpose.
func (k *Key) Seal(purpose string, value []byte) []byte {
	return k.aead.Seal([]byte{version}, nil, value, []byte(purpose))
}

// Open is the inverse of Seal, or [ErrSealed].
func (k *Key) Open(purpose string, sealed []byte) ([]byte, error) {
	if len(sealed) < Overhead || sealed[0] != version {
		return nil, ErrSealed
	}
	value, err := k.aead.Open(nil, nil, sealed[1:], []byte(purpose))
	if err != nil {
		return nil, ErrSealed
	}
	return value, nil
}

// Read returns the key in a file. Without one it is [fs.ErrNotExist].
func Read(path string) (*Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 1024))
	if err != nil {
		return nil, err
	}
	encoded, ok := bytes.CutPrefix(bytes.TrimSpace(text), []byte(filePrefix))
	raw, err := base64.StdEncoding.DecodeString(string(encoded))
	if !ok || err != nil || len(raw) != keySize {
		return nil, fmt.Errorf("%s is not a key file, which has one line: %sand 32 bytes in base64", path, filePrefix)
	}
	return newKey(raw)
}

// Make returns the key in a file, which is made, for its owner alone (mode 0600), if
// there is none. Several processes that do so at once get the same key. It is on the
// disk when Make returns.
func Make(path string) (*Key, error) {
	if key, err := Read(path); !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	raw := make([]byte, keySize)
	rand.Read(raw) // never fails
	dir := filepath.Dir(path)
	// It is whole before it has its name, and never takes the place of another.
	f, err := os.CreateTemp(dir, ".fazt-key-*") // mode 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	_, err = fmt.Fprintf(f, "%s%s\n", filePrefix, base64.StdEncoding.EncodeToString(raw))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	if err := syncDir(dir); err != nil {
		return nil, err
	}
	return Read(path)
}

// syncDir has the names in a directory on the disk. Where a directory can't be
// opened for that, its names are as good as they get.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrInvalid) && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}
