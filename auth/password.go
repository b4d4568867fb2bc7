package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/fazt-sh/fazt/storage"
)

const (
	// MinPassword is how many characters a password has at least, and MaxPassword
	// how many bytes at most: more would only be work.
	MinPassword = 10
	MaxPassword = 1024

	passwordProvider = "password" // [User].Provider of who signs in with one
)

// argonParams are what a password is hashed with, and are stored beside the hash.
// These are of OWASP's Password Storage Cheat Sheet: 19 MiB, two passes.
type argonParams struct {
	memory uint32 // KiB
	passes uint32
	lanes  uint8
}

var presentParams = argonParams{memory: 19456, passes: 2, lanes: 1}

const (
	saltLen = 16
	hashLen = 32
	// maxArgonMemory bounds what a stored hash may ask for, in KiB.
	maxArgonMemory = 256 << 10
)

// passwordHash is a password as it is stored: the PHC string of argon2id,
// $argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>.
type passwordHash struct {
	argonParams
	salt, hash []byte
}

func (h passwordHash) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.passes, h.lanes,
		b64.EncodeToString(h.salt), b64.EncodeToString(h.hash))
}

var errStoredHash = errors.New("a stored password hash is malformed; set the password anew with: fazt auth user <id> --password")

func parsePasswordHash(s string) (h passwordHash, err error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, errStoredHash
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.passes, &h.lanes); n != 3 || err != nil {
		return h, errStoredHash
	}
	var saltErr, hashErr error
	h.salt, saltErr = base64.RawStdEncoding.DecodeString(parts[4])
	h.hash, hashErr = base64.RawStdEncoding.DecodeString(parts[5])
	if saltErr != nil || hashErr != nil || len(h.salt) < 8 || len(h.hash) < 16 || len(h.hash) > 64 ||
		h.memory > maxArgonMemory || h.passes < 1 || h.passes > 16 || h.lanes < 1 {
		return h, errStoredHash
	}
	return h, nil
}

const (
	// hashesAtOnce is how many passwords are hashed at the same time, each with 19
	// MiB and a core for some tens of milliseconds: sign-ins can't take the machine
	// from apps.
	hashesAtOnce = 2
	// hashQueue is how many more may wait, which is about a second's work.
	hashQueue = 64
	// hashWait is how long one waits at most.
	hashWait = 5 * time.Second
)

// hasher hashes passwords, few at once.
type hasher struct {
	places chan struct{} // one element for each that hashes or waits
	slots  chan struct{} // one for each that hashes
	done   atomic.Int64  // hashes made
}

func newHasher() *hasher {
	return &hasher{places: make(chan struct{}, hashesAtOnce+hashQueue), slots: make(chan struct{}, hashesAtOnce)}
}

// run computes one hash, when it is its turn.
func (h *hasher) run(ctx context.Context, password string, salt []byte, p argonParams, size int) ([]byte, error) {
	crowded := &Error{Code: CodeOverloaded, Op: "password", RetryAfter: 2 * time.Second,
		Err: errors.New("too many people are signing in at this moment"), Hint: "try again shortly"}
	select {
	case h.places <- struct{}{}:
		defer func() { <-h.places }()
	default:
		return nil, crowded
	}
	ctx, cancel := context.WithTimeout(ctx, hashWait)
	defer cancel()
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return nil, crowded
	}
	h.done.Add(1)
	return argon2.IDKey([]byte(password), salt, p.passes, p.memory, p.lanes, uint32(size)), nil
}

// hash returns a password as it is to be stored.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	made := passwordHash{argonParams: presentParams, salt: make([]byte, saltLen)}
	rand.Read(made.salt) // never fails
	var err error
	if made.hash, err = h.run(ctx, password, made.salt, made.argonParams, hashLen); err != nil {
		return "", err
	}
	return made.String(), nil
}

// nobody is what the password of a user who has none is compared with, so that it
// takes the same work.
var nobody = passwordHash{argonParams: presentParams, salt: make([]byte, saltLen), hash: make([]byte, hashLen)}

// matches reports whether password is the one that is stored; stale that it should
// be hashed anew, since the parameters have changed. stored is "" for nobody's,
// which takes the same work and never matches.
func (h *hasher) matches(ctx context.Context, password, stored string) (ok, stale bool, err error) {
	want := nobody
	if stored != "" {
		if want, err = parsePasswordHash(stored); err != nil {
			return false, false, err
		}
	}
	got, err := h.run(ctx, password, want.salt, want.argonParams, len(want.hash))
	if err != nil {
		return false, false, err
	}
	ok = subtle.ConstantTimeCompare(got, want.hash) == 1 && stored != ""
	return ok, ok && want.argonParams != presentParams, nil
}

// checkPassword says what is wrong with a new password, in a sentence for people,
// or "".
func checkPassword(password string) string {
	switch {
	case utf8.RuneCountInString(password) < MinPassword:
		return fmt.Sprintf("The password is too short. Use %d characters or more; a few words are good.", MinPassword)
	case len(password) > MaxPassword:
		return fmt.Sprintf("The password is too long. Use %d bytes or fewer.", MaxPassword)
	}
	return ""
}

// storePassword makes a hash the user's password.
func storePassword(tx storage.SQL, userID, hash string, now time.Time) error {
	_, err := tx.Exec(`INSERT INTO auth_passwords (user_id, password_hash, changed_at) VALUES (?, ?, ?)
		ON CONFLICT (user_id) DO UPDATE SET password_hash = excluded.password_hash, changed_at = excluded.changed_at`,
		userID, hash, millis(now))
	return err
}

// SetPassword gives a user another password, and ends their sessions. It is for
// the owner of the machine, or for a program: nobody is asked for the old one. A
// password of fewer than [MinPassword] characters or more than [MaxPassword] bytes
// is [CodeInvalid].
func (a *Auth) SetPassword(ctx context.Context, idOrEmail, password string) error {
	const op = "user.password"
	if problem := checkPassword(password); problem != "" {
		problem = strings.ToLower(problem[:1]) + strings.TrimSuffix(problem[1:], ".")
		return &Error{Code: CodeInvalid, Op: op, Err: errors.New(problem)}
	}
	hash, err := a.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return a.change(ctx, op, func(tx storage.SQL, now time.Time) error {
		u, err := a.userToChange(ctx, tx, op, idOrEmail)
		if err != nil {
			return err
		}
		if u.Provider == devProvider {
			return &Error{Code: CodeInvalid, Op: op, Err: errors.New("users of the dev provider have no password")}
		}
		if u.Email == "" {
			return &Error{Code: CodeInvalid, Op: op, Err: errors.New("the user has no e-mail address to sign in with")}
		}
		if err := storePassword(tx, u.ID, hash, now); err != nil {
			return err
		}
		if err := endSessions(tx, u.ID); err != nil {
			return err
		}
		return recordUser(ctx, tx, auditPassword, u)
	})
}
