package frontdoor_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/frontdoor"
)

// writePair puts a certificate with a serial number, and its key, in place of those
// that are there.
func writePair(t *testing.T, dir string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{"example.test"}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret}} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path+"~", pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+"~", path); err != nil {
			t.Fatal(err)
		}
	}
}

// served is the serial number of the certificate that a handshake gets.
func served(t *testing.T, config *tls.Config) int64 {
	t.Helper()
	client, server := net.Pipe()
	defer client.Close()
	done := make(chan error, 1)
	go func() {
		defer server.Close()
		done <- tls.Server(server, config).Handshake()
	}()
	c := tls.Client(client, &tls.Config{ServerName: "example.test", InsecureSkipVerify: true})
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

// waitServed handshakes until the certificate is another.
func waitServed(t *testing.T, config *tls.Config, want int64) {
	t.Helper()
	for end := time.Now().Add(time.Minute); served(t, config) != want; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the certificate is not %d", want)
		}
	}
}

func TestKeyPair(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if _, err := frontdoor.LoadKeyPair(certFile, keyFile, nil); err == nil || !strings.Contains(err.Error(), "cert.pem: no such file") {
		t.Errorf("no files: %v", err)
	}
	writePair(t, dir, 1)
	if _, err := frontdoor.LoadKeyPair(keyFile, certFile, nil); err == nil || !strings.Contains(err.Error(), "are no key pair") {
		t.Errorf("the wrong way round: %v", err)
	}
	var log bytes.Buffer
	pair, err := frontdoor.LoadKeyPair(certFile, keyFile, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	config := pair.TLSConfig()
	if got := served(t, config); got != 1 {
		t.Errorf("serial %d", got)
	}
	writePair(t, dir, 2)
	waitServed(t, config, 2)

	// Half of a new pair is not used, and said once.
	other := t.TempDir()
	writePair(t, other, 3)
	if err := os.Rename(filepath.Join(other, "key.pem"), keyFile); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); !strings.Contains(log.String(), "can't be used"); time.Sleep(10 * time.Millisecond) {
		if got := served(t, config); got != 2 || time.Now().After(end) {
			t.Fatalf("serial %d; log: %s", got, log.String())
		}
	}
	if err := os.Rename(filepath.Join(other, "cert.pem"), certFile); err != nil {
		t.Fatal(err)
	}
	waitServed(t, config, 3)
	if got := strings.Count(log.String(), "can't be used"); got != 1 {
		t.Errorf("the log says so %d times:\n%s", got, log.String())
	}
}

// TestKeyPairHTTP2: a Door with the pair speaks HTTP/2.
func TestKeyPairHTTP2(t *testing.T) {
	dir := t.TempDir()
	writePair(t, dir, 1)
	pair, err := frontdoor.LoadKeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), nil)
	if err != nil {
		t.Fatal(err)
	}
	l := listen(t)
	serve(t, frontdoor.Options{}, tls.NewListener(l, pair.TLSConfig()), http.NotFoundHandler())
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Get("https://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.ProtoMajor != 2 {
		t.Errorf("%s", res.Proto)
	}
}
