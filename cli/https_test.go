package cli_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/cli"
)

func TestHTTPSUsage(t *testing.T) {
	for args, want := range map[string]string{
		"--http-addr :80":                               "--http-addr is for HTTPS; give --tls-email too, or --tls-cert and --tls-key",
		"--acme-ca https://ca.test":                     "--acme-ca is for HTTPS; give --tls-email too, or --tls-cert and --tls-key",
		"--domain a.test --tls-cert c.pem":              "--tls-cert and --tls-key belong together; give both",
		"--domain a.test --tls-key k.pem":               "--tls-cert and --tls-key belong together; give both",
		"--tls-email a@b.test --tls-cert c --tls-key k": "--tls-email and --tls-cert are both given; certificates come from one of them",
		"--domain a.test --tls-cert c --tls-key k --acme-ca https://x": "--acme-ca and --acme-root are for certificates from an authority; " +
			"give --tls-email instead of --tls-cert",
		"--tls-email a@b.test":                                "HTTPS needs the name that certificates are for; give --domain, such as --domain example.com",
		"--tls-email a@b.test --domain a.test --dev":          "--dev is for this machine alone, which needs no HTTPS; leave out one of them",
		"--tls-email you --domain a.test":                     "--tls-email you is not an e-mail address; give one such as you@example.com",
		"--tls-email a@b.test --domain a.test --acme-ca ca":   "--acme-ca ca is not an https URL; give one such as https://acme-v02.api.letsencrypt.org/directory",
		"--tls-email a@b.test --domain a.test --addr 443":     "--addr 443 is not HOST:PORT; give one such as :443",
		"--tls-email a@b.test --domain a.test --http-addr 80": "--http-addr 80 is not HOST:PORT; give one such as :80",
	} {
		code, _, stderr := run(append([]string{"serve"}, strings.Fields(args)...)...)
		if code != cli.ExitUsage || stderr != "fazt: "+want+"\n" {
			t.Errorf("%s: exit %d, %s", args, code, stderr)
		}
	}
}

// TestPrivilegedPort: who may not listen is told what to do.
func TestPrivilegedPort(t *testing.T) {
	err := cli.ListenError("addr", ":443", &net.OpError{Op: "listen", Err: syscall.EACCES})
	for _, want := range []string{":443", "AmbientCapabilities=CAP_NET_BIND_SERVICE", "setcap cap_net_bind_service=+ep", "--addr"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nsays nothing of %s", err, want)
		}
	}
}

// certificate makes files of a certificate for hosts, and whom to trust for it.
func certificate(t *testing.T, hosts ...string) (certFile, keyFile string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: hosts, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	dir := write(t, map[string]string{
		"cert.pem": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		"key.pem":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})),
	})
	roots = x509.NewCertPool()
	roots.AddCert(cert)
	return filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), roots
}

// TestServeCertificate serves HTTPS by a certificate in files, as far as that goes.
func TestServeCertificate(t *testing.T) {
	certFile, keyFile, roots := certificate(t, "example.test", "*.example.test")
	dataFile := filepath.Join(t.TempDir(), "data.db")
	p := start(t, dataFile, "serve", "--domain", "example.test", "--tls-cert", certFile, "--tls-key", keyFile,
		"--addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0")
	redirect := p.until(`redirect to HTTPS" addr=(\S+)`)[1]
	port := p.until(`msg=serving url=https://example\.test:(\d+)/ `)[1]
	p.until(`Set up this server: https://admin\.example\.test:` + port + `/auth/setup/`)

	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if strings.HasSuffix(addr, ":80") {
				addr = redirect
			} else {
				addr = "127.0.0.1:" + port
			}
			var d net.Dialer
			return d.DialContext(ctx, network, addr)
		},
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: patience}
	res, err := client.Get("http://admin.example.test/health") // which redirects
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK || res.ProtoMajor != 2 || res.Request.URL.String() != "https://admin.example.test:"+port+"/health" {
		t.Errorf("%s %s %s", res.Request.URL, res.Proto, res.Status)
	}
	if code := p.interrupt(syscall.SIGTERM); code != cli.ExitOK {
		t.Errorf("exit %d", code)
	}

	narrow, key, _ := certificate(t, "example.test")
	p = start(t, dataFile, "serve", "--domain", "example.test", "--tls-cert", narrow, "--tls-key", key, "--addr", "127.0.0.1:0")
	p.until(`not for all hosts.* not="admin\.example\.test, any-app\.example\.test"`)
	p.until(`msg=serving`)
}
