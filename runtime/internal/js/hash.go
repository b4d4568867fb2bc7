package js

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
)

// NewHash is what makes a hash function by its name in the standard of Web
// Cryptography, such as "SHA-256"; nil if there is none of that name.
func NewHash(name string) func() hash.Hash {
	switch name {
	case "SHA-1":
		return sha1.New
	case "SHA-256":
		return sha256.New
	case "SHA-384":
		return sha512.New384
	case "SHA-512":
		return sha512.New
	}
	return nil
}

// The error of crypto.timingSafeEqual for bytes of different lengths, a RangeError.
const (
	CodeLengths  = "ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH"
	OtherLengths = "timingSafeEqual wants as many bytes twice; compare the lengths before, which are no secret"
)
