package auth

import "time"

// These are opened to the tests.

// Hashes is how many passwords have been hashed.
func (a *Auth) Hashes() int64 { return a.hasher.done.Load() }

// HoldHashes keeps passwords from being hashed until release is called.
func (a *Auth) HoldHashes() (release func()) {
	for range hashesAtOnce {
		a.hasher.slots <- struct{}{}
	}
	return func() {
		for range hashesAtOnce {
			<-a.hasher.slots
		}
	}
}

const MaxHashes = hashesAtOnce + hashQueue // at once and waiting

// ParsePasswordHash returns the hash that s is, in its one spelling.
func ParsePasswordHash(s string) (string, error) {
	h, err := parsePasswordHash(s)
	return h.String(), err
}

// Attempts counts guesses.
type Attempts struct{ *attempts }

func NewAttempts() Attempts { return Attempts{newAttempts()} }

// Take takes an attempt on an account from an address.
func (t Attempts) Take(account, addr string) (wait time.Duration) {
	addr = subscriber(addr)
	return t.take(bucketKey{perAddress, "", addr}, bucketKey{perPlace, account, addr}, bucketKey{perAccount, account, ""})
}

// Len is how many buckets are kept.
func (t Attempts) Len() int { return len(t.buckets) }

const MaxBuckets = maxBuckets
