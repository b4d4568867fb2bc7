package seal_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/fazt-sh/fazt/internal/seal"
)

func TestSeal(t *testing.T) {
	dir := t.TempDir()
	key, err := seal.Make(filepath.Join(dir, "a"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := seal.Make(filepath.Join(dir, "b"))
	if err != nil {
		t.Fatal(err)
	}
	if key.Fingerprint() == other.Fingerprint() {
		t.Error("two keys have one fingerprint")
	}
	for _, value := range []string{"", "x", strings.Repeat("value", 10_000)} {
		sealed := key.Seal("env a KEY", []byte(value))
		if len(sealed) != len(value)+seal.Overhead {
			t.Errorf("%d bytes are sealed in %d", len(value), len(sealed))
		}
		if len(value) > 8 && bytes.Contains(sealed, []byte(value[:8])) {
			t.Error("the sealed value has the value")
		}
		if bytes.Equal(sealed, key.Seal("env a KEY", []byte(value))) {
			t.Error("the same value is sealed to the same bytes")
		}
		if got, err := key.Open("env a KEY", sealed); err != nil || string(got) != value {
			t.Errorf("opened: %.20q, %v", got, err)
		}
		damaged := bytes.Clone(sealed)
		damaged[len(damaged)-1] ^= 1
		for name, open := range map[string]func() ([]byte, error){
			"another purpose": func() ([]byte, error) { return key.Open("env b KEY", sealed) },
			"another key":     func() ([]byte, error) { return other.Open("env a KEY", sealed) },
			"damaged":         func() ([]byte, error) { return key.Open("env a KEY", damaged) },
			"cut":             func() ([]byte, error) { return key.Open("env a KEY", sealed[:len(sealed)-1]) },
			"another version": func() ([]byte, error) { return key.Open("env a KEY", append([]byte{2}, sealed[1:]...)) },
			"nothing":         func() ([]byte, error) { return key.Open("env a KEY", nil) },
		} {
			if got, err := open(); !errors.Is(err, seal.ErrSealed) || got != nil {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
	}
}

// TestMake: many at once make one key, for its owner alone, and nothing beside it.
func TestMake(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "key")
	if _, err := seal.Read(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
	prints := make([]string, 8)
	var wg sync.WaitGroup
	for i := range prints {
		wg.Go(func() {
			key, err := seal.Make(path)
			if err != nil {
				t.Error(err)
				return
			}
			prints[i] = key.Fingerprint()
		})
	}
	wg.Wait()
	key, err := seal.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range prints {
		if p != key.Fingerprint() {
			t.Errorf("a key of its own: %s", p)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the directory holds %v, %v", entries, err)
	}
	for _, text := range []string{"", "fazt-key-1", "fazt-key-1 AAAA", "fazt-key-2 " + strings.Repeat("A", 43) + "=", strings.Repeat("x", 5000)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := seal.Make(path); err == nil || !strings.Contains(err.Error(), "not a key file") {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}
