package storagetest

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

func testCertificates(t *testing.T, s storage.Store) {
	put := func(name, value, subject string) {
		t.Helper()
		if err := s.PutCertificateValue(t.Context(), name, []byte(value), subject); err != nil {
			t.Fatal(err)
		}
	}
	put("certs/a.example/key", "old", "")
	put("certs/a.example/key", "new", "")
	put("certs/a.example/crt", "chain", "a.example")
	put("certs/a.example-b/key", "another", "")
	put("certs", "a value beside those below", "")
	put("empty", "", "")

	value, at, err := s.CertificateValue(t.Context(), "certs/a.example/key")
	if age := time.Since(at); err != nil || string(value) != "new" || age < -time.Second || age > time.Hour {
		t.Errorf("%q of %v, %v", value, at, err)
	}
	value, _, err = s.CertificateValue(t.Context(), "empty")
	if err != nil || len(value) != 0 {
		t.Errorf("empty: %q, %v", value, err)
	}
	_, _, err = s.CertificateValue(t.Context(), "certs/a.example")
	wantCode(t, "what only has values below it", err, storage.CodeNotFound)

	names := func(below string) (names []string) {
		t.Helper()
		found, err := s.CertificateValues(t.Context(), below)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range found {
			names = append(names, v.Name)
			if v.Name == "certs/a.example/crt" && (v.Size != 5 || v.UpdatedAt.IsZero()) {
				t.Errorf("%+v", v)
			}
		}
		return names
	}
	diff(t, "all", []string{"certs", "certs/a.example-b/key", "certs/a.example/crt", "certs/a.example/key", "empty"}, names(""))
	diff(t, "below", []string{"certs/a.example/crt", "certs/a.example/key"}, names("certs/a.example"))
	for range 2 { // what is not there is no error
		if err := s.DeleteCertificateValues(t.Context(), "certs/a.example"); err != nil {
			t.Error(err)
		}
	}
	diff(t, "after", []string{"certs", "certs/a.example-b/key", "empty"}, names(""))

	wantCode(t, "no name", s.PutCertificateValue(t.Context(), "", nil, ""), storage.CodeInvalid)
	wantCode(t, "NUL", s.DeleteCertificateValues(t.Context(), "a\x00"), storage.CodeInvalid)
	wantCode(t, "large", s.PutCertificateValue(t.Context(), "a", bytes.Repeat([]byte("x"), storage.MaxCertificateValue+1), ""), storage.CodeQuotaExceeded)
	_, err = s.CertificateValues(t.Context(), strings.Repeat("x", storage.MaxKey+1))
	wantCode(t, "long name", err, storage.CodeQuotaExceeded)

	entries := audited(t, s)
	if len(entries) != 1 || entries[0].Action != "certificate.store" || entries[0].Target != "a.example" || entries[0].Actor.Kind != api.ActorLocal {
		t.Errorf("the audit log has %+v", entries)
	}
	table, err := s.Query(t.Context(), "SELECT * FROM certificates WHERE name = 'certs'", 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range table.Rows {
		for _, v := range row {
			if text, ok := v.(string); ok && strings.Contains(text, "beside") {
				t.Errorf("an operator sees %v", row)
			}
		}
	}
}

func testLeases(t *testing.T, s storage.Store) {
	acquire := func(name, holder string, d time.Duration, want bool) {
		t.Helper()
		if ok, err := s.AcquireLease(t.Context(), name, holder, d); err != nil || ok != want {
			t.Errorf("%s gets %s: %v, %v; want %v", holder, name, ok, err, want)
		}
	}
	release := func(name, holder string) {
		t.Helper()
		if err := s.ReleaseLease(t.Context(), name, holder); err != nil {
			t.Errorf("%s releases %s: %v", holder, name, err)
		}
	}
	acquire("a", "one", time.Hour, true)
	acquire("a", "two", time.Hour, false)
	acquire("a", "one", time.Hour, true) // for longer
	acquire("b", "two", time.Hour, true)
	release("a", "two") // which has none
	acquire("a", "two", time.Hour, false)
	release("a", "one")
	acquire("a", "two", -time.Second, true) // and is over
	acquire("a", "one", time.Hour, true)
	release("a", "two")
	acquire("a", "two", time.Hour, false)
	_, err := s.AcquireLease(t.Context(), "a", "", time.Hour)
	wantCode(t, "no holder", err, storage.CodeInvalid)
}
