package frontdoor

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// keyPairCheck is how often the files of a key pair are looked at.
const keyPairCheck = time.Second

// KeyPair is a certificate and its key in files, which somebody else renews. It is
// read again when the files have changed, without a restart.
type KeyPair struct {
	certFile, keyFile string
	log               *slog.Logger

	pair atomic.Pointer[tls.Certificate]

	mu      sync.Mutex // held by who looks at the files
	checked time.Time
	seen    [2]fileState
}

// fileState is what tells that a file has changed.
type fileState struct {
	modified time.Time
	size     int64
}

// LoadKeyPair reads a certificate, with the chain to its authority after it, and its
// key, both PEM. What is wrong with files that change later goes to log, which may be
// nil, and the certificate that was there stays.
func LoadKeyPair(certFile, keyFile string, log *slog.Logger) (*KeyPair, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	p := &KeyPair{certFile: certFile, keyFile: keyFile, log: log}
	state, err := p.state()
	if err != nil {
		return nil, err
	}
	if err := p.load(); err != nil {
		return nil, err
	}
	p.seen, p.checked = state, time.Now()
	return p, nil
}

func (p *KeyPair) state() (state [2]fileState, err error) {
	for i, name := range []string{p.certFile, p.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return [2]fileState{}, fmt.Errorf("frontdoor: the key pair can't be read: %w", err)
		}
		state[i] = fileState{info.ModTime(), info.Size()}
	}
	return state, nil
}

func (p *KeyPair) load() error {
	pair, err := tls.LoadX509KeyPair(p.certFile, p.keyFile)
	if err != nil {
		return fmt.Errorf("frontdoor: %s and %s are no key pair: %w", p.certFile, p.keyFile, err)
	}
	p.pair.Store(&pair)
	return nil
}

// Certificate is the one in force.
func (p *KeyPair) Certificate() *tls.Certificate { return p.pair.Load() }

// TLSConfig is a server's configuration with the pair, for HTTP/2 and HTTP/1.1.
func (p *KeyPair) TLSConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			p.check()
			return p.pair.Load(), nil
		},
	}
}

// check reads the files again if they have changed. Of many handshakes at once, one
// does, and the others go on with the pair that is there.
func (p *KeyPair) check() {
	if !p.mu.TryLock() {
		return
	}
	defer p.mu.Unlock()
	if time.Since(p.checked) < keyPairCheck {
		return
	}
	p.checked = time.Now()
	state, err := p.state()
	if state == p.seen {
		return
	}
	p.seen = state // what can't be used is said once
	if err == nil {
		err = p.load()
	}
	if err != nil { // one file may have been replaced and the other not yet
		p.log.Warn("the certificate's files have changed and can't be used; the one from before stays", "error", err)
		return
	}
	p.log.Info("the certificate's files have changed; they are read again", "expires", p.pair.Load().Leaf.NotAfter)
}
