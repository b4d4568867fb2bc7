package auth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/auth/passkey"
)

// The flags of what a device signs (Web Authentication, 6.1).
const (
	userPresent  = 1 << 0
	userVerified = 1 << 2
	hasKey       = 1 << 6
)

// device is an authenticator with one passkey. A test may change what it tells.
type device struct {
	t      testing.TB
	key    *ecdsa.PrivateKey
	id     []byte
	handle string // the user's, from when the passkey was made
	rp     string
	origin string
	flags  byte
	count  uint32
}

func newDevice(t testing.TB, rp, origin string) *device {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 16)
	rand.Read(id)
	return &device{t: t, key: key, id: id, rp: rp, origin: origin, flags: userPresent | userVerified}
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// passkeyOptions is what a device reads of the options.
type passkeyOptions struct {
	Data struct {
		Challenge        string
		RPID             string `json:"rpId"`
		UserVerification string
		User             struct{ ID, Name, DisplayName string }
		RP               struct{ ID string }
		Exclude          []struct{ ID string }                          `json:"excludeCredentials"`
		Selection        struct{ ResidentKey, UserVerification string } `json:"authenticatorSelection"`
		Attestation      string
	}
}

func (d *device) options(text string) (o passkeyOptions) {
	d.t.Helper()
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		d.t.Fatalf("options: %v\n%s", err, text)
	}
	return o
}

func (d *device) authData(flags byte) []byte {
	sum := sha256.Sum256([]byte(d.rp))
	return binary.BigEndian.AppendUint32(append(sum[:], flags), d.count)
}

func (d *device) clientData(kind, challenge string) []byte {
	b, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": d.origin, "crossOrigin": false})
	if err != nil {
		d.t.Fatal(err)
	}
	return b
}

func (d *device) answer(response map[string]string) string {
	b, err := json.Marshal(map[string]any{
		"id": base64url(d.id), "rawId": base64url(d.id), "type": "public-key", "response": response, "clientExtensionResults": map[string]any{},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return string(b)
}

// create answers the options of a new passkey.
func (d *device) create(options string) string {
	d.t.Helper()
	o := d.options(options)
	handle, err := base64.RawURLEncoding.DecodeString(o.Data.User.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	d.handle = string(handle)
	point, err := d.key.PublicKey.Bytes()
	if err != nil {
		d.t.Fatal(err)
	}
	data := append(d.authData(d.flags|hasKey), make([]byte, 16)...) // of no make
	data = binary.BigEndian.AppendUint16(data, uint16(len(d.id)))
	data = append(data, d.id...)
	// The key in CBOR: EC2, ES256, P-256, x, y (RFC 9053, 7.1.1).
	data = slices.Concat(data, []byte{0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32}, point[1:33], []byte{0x22, 0x58, 32}, point[33:])
	object := slices.Concat([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"), []byte{byte(len(data))}, data)
	return d.answer(map[string]string{
		"clientDataJSON": base64url(d.clientData("webauthn.create", o.Data.Challenge)), "attestationObject": base64url(object),
	})
}

// get answers the options of a sign-in.
func (d *device) get(options string) string {
	d.t.Helper()
	client, data := d.clientData("webauthn.get", d.options(options).Data.Challenge), d.authData(d.flags)
	sum := sha256.Sum256(client)
	signed := sha256.Sum256(append(slices.Clone(data), sum[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, d.key, signed[:])
	if err != nil {
		d.t.Fatal(err)
	}
	return d.answer(map[string]string{
		"clientDataJSON": base64url(client), "authenticatorData": base64url(data), "signature": base64url(signature),
		"userHandle": base64url([]byte(d.handle)),
	})
}

// script is a request of the page's script.
func (b *browser) script(path string) answer {
	b.s.t.Helper()
	return b.do(http.MethodPost, b.s.url("localhost", path), nil, http.Header{"Sec-Fetch-Mode": {"cors"}, "Accept": {"*/*"}})
}

// outcome is an answer as its status and the code of its error, if it is one for a program.
func (a answer) outcome() string {
	_, rest, found := strings.Cut(a.body, `"code":"`)
	if !found {
		return a.Status[:3]
	}
	code, _, _ := strings.Cut(rest, `"`)
	return a.Status[:3] + " " + code
}

// finish sends what a device has made, as a program would.
func (b *browser) finish(path, answer string, more ...string) answer {
	b.s.t.Helper()
	form := url.Values{"answer": {answer}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return b.still().do(http.MethodPost, b.s.url("localhost", path), form, http.Header{"Accept": {"application/json"}})
}

const (
	registerPath = "/auth/passkey/register"
	loginPath    = "/auth/passkey/login"
)

// addPasskey adds a device's passkey to whom the browser is signed in as.
func (b *browser) addPasskey(d *device, name string) {
	b.s.t.Helper()
	if got := b.finish(registerPath, d.create(b.script(registerPath+"/begin").body), "name", name); got.StatusCode != http.StatusSeeOther {
		b.s.t.Fatalf("adding a passkey: %d\n%s", got.StatusCode, got.body)
	}
}

// show signs in by a device.
func (b *browser) show(d *device) answer {
	b.s.t.Helper()
	return b.finish(loginPath, d.get(b.script(loginPath+"/begin").body))
}

func (s *server) device() *device { return newDevice(s.t, "localhost", s.url("localhost", "")) }

// withPasskey is a server with ann, who has a password and a passkey.
func withPasskey(t testing.TB) (*server, *device) {
	t.Helper()
	s := withAnn(t, auth.Options{Dev: true, Passkeys: passkey.New()})
	b := s.browser().still()
	b.passwordSignIn("ann@example.com", goodPassword)
	d := s.device()
	b.addPasskey(d, "Laptop")
	return s, d
}
