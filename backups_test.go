package fazt_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/backups"
)

func dirNames(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestBackupOverHTTP: what a client has got is a data file with all that was there,
// and an entry in the audit log says who took it.
func TestBackupOverHTTP(t *testing.T) {
	dir := t.TempDir()
	srv := harnesstest.Start(t, func(o *fazt.Options) { o.DataFile = filepath.Join(dir, "data.db") })
	app := srv.Deploy(files("api/main.js", `fazt.storage.kv.set('k', 'kept'); 'ok'`))
	app.Get("/api")
	client := &api.Client{URL: srv.URL, Token: newKey(t, srv.Fazt, "admin"), HTTP: srv.Client()}
	file := filepath.Join(t.TempDir(), "copy.db")
	// Processes that were killed have left these, one of them just now.
	for name, age := range map[string]time.Duration{".fazt-backup-1": 25 * time.Hour, ".fazt-backup-2": time.Hour} {
		left, at := filepath.Join(dir, name), time.Now().Add(-age)
		if err := errors.Join(os.Mkdir(left, 0o700), os.WriteFile(filepath.Join(left, ".fazt-1"), []byte("everybody's"), 0o600), os.Chtimes(left, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	if err := client.Backup(t.Context(), file, nil); err != nil {
		t.Fatal(err)
	}
	diff(t, "what is beside the data", []string{".fazt-backup-2", "data.db", "data.db-shm", "data.db-wal"}, dirNames(t, dir))
	diff(t, "what is beside the copy", []string{"copy.db"}, dirNames(t, filepath.Dir(file)))
	restored := filepath.Join(t.TempDir(), "data.db")
	if err := fazt.Restore(t.Context(), file, restored, false, nil); err != nil {
		t.Fatal(err)
	}
	table, err := fazt.QueryFile(t.Context(), restored, "SELECT count(*) FROM kv WHERE key = 'k'", 1)
	if err != nil || table.Rows[0][0] != int64(1) {
		t.Errorf("the copy has %v, %v", table, err)
	}
	audit, err := srv.Fazt.Store().Audit(t.Context(), storage.AuditQuery{Limit: 1})
	if err != nil || audit[0].Action != "backup.make" || audit[0].Actor.Kind != api.ActorKey || audit[0].Actor.Name != "test" {
		t.Errorf("audit %+v, %v", audit, err)
	}
}

// TestBackupIsTheOwners: everybody's secrets are in it.
func TestBackupIsTheOwners(t *testing.T) {
	srv := harnesstest.Start(t)
	app := srv.Deploy(files("index.html", ""))
	ask := func(a *harnesstest.App) int {
		t.Helper()
		req, err := http.NewRequest(http.MethodPost, strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)+"/api/backup", nil)
		if err != nil {
			t.Fatal(err)
		}
		res := a.Send(req)
		if res.Status != http.StatusOK && !strings.Contains(res.Body, `"error"`) {
			t.Errorf("%d %s", res.Status, res.Body)
		}
		return res.Status
	}
	got := map[string]int{"nobody": ask(app)}
	for _, role := range []string{"user", "admin", "owner"} {
		who := app.Another()
		who.SignIn(role+"@example.com", role, role)
		got[role] = ask(who)
	}
	diff(t, "statuses", map[string]int{"nobody": 401, "user": 403, "admin": 403, "owner": 200}, got)
	for _, scope := range []string{"read", "deploy", "sql"} {
		client := &api.Client{URL: srv.URL, Token: newKey(t, srv.Fazt, scope), HTTP: srv.Client()}
		file := filepath.Join(t.TempDir(), "copy.db")
		err := client.Backup(t.Context(), file, nil)
		if e, ok := errors.AsType[*api.Error](err); !ok || e.Status != http.StatusForbidden {
			t.Errorf("a key with the scope %s: %v", scope, err)
		}
		diff(t, "files", []string{}, dirNames(t, filepath.Dir(file)))
	}
	// An admin's key has all scopes, and is no owner's.
	ctx := api.WithActor(t.Context(), api.Actor{Kind: api.ActorUser, ID: "nobody"})
	if err := srv.Fazt.Backup(ctx, filepath.Join(t.TempDir(), "copy.db"), nil); !isForbidden(err) {
		t.Errorf("in Go: %v", err)
	}
}

func isForbidden(err error) bool {
	e, ok := errors.AsType[*auth.Error](err)
	return ok && e.Code == auth.CodeForbidden
}

// TestCutBackupIsNone: a client takes nothing for a copy that is not all of it.
func TestCutBackupIsNone(t *testing.T) {
	data := bytes.Repeat([]byte("data "), 100_000)
	sum := sha256.Sum256(data)
	digest := "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
	for name, serve := range map[string]http.HandlerFunc{
		"cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "500000")
			w.Header().Set("Repr-Digest", digest)
			w.Write(data[:300_000])
			panic(http.ErrAbortHandler)
		},
		"changed": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "500000")
			w.Header().Set("Repr-Digest", digest)
			w.Write(bytes.ToUpper(data))
		},
		"without a length": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Repr-Digest", digest)
			w.Write(data)
			w.(http.Flusher).Flush()
		},
		"without a hash": func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("hello")) },
		"a page":         func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<h1>no</h1>", http.StatusBadGateway) },
	} {
		server := httptest.NewServer(serve)
		server.Config.ErrorLog = nil
		dir := t.TempDir()
		client := &api.Client{URL: server.URL, HTTP: server.Client()}
		if err := client.Backup(t.Context(), filepath.Join(dir, "copy.db"), nil); err == nil {
			t.Errorf("%s: taken", name)
		}
		diff(t, name, []string{}, dirNames(t, dir))
		server.Close()
	}
	// So does one that is told to stop.
	srv := harnesstest.Start(t)
	client := &api.Client{URL: srv.URL, Token: newKey(t, srv.Fazt, "admin"), HTTP: srv.Client()}
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	if err := client.Backup(ctx, filepath.Join(dir, "copy.db"), func(int64, int64) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
	diff(t, "stopped", []string{}, dirNames(t, dir))
}

// TestOneBackupAtATime: each takes as much room as the data.
func TestOneBackupAtATime(t *testing.T) {
	srv := harnesstest.Start(t)
	client := &api.Client{URL: srv.URL, Token: newKey(t, srv.Fazt, "admin"), HTTP: srv.Client()}
	// A body that nobody reads holds the first, if it is longer than what sockets hold.
	if err := srv.Fazt.Store().Tx(t.Context(), storage.Scope{App: "app"}, func(tx storage.Tx) error {
		for i := range 40 {
			if err := tx.KV().Set(string(rune('a'+i)), json.RawMessage(`"`+strings.Repeat("x", 900_000)+`"`), 0); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, srv.URL+"/api/backup", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+client.Token)
	res, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	err = client.Backup(t.Context(), filepath.Join(t.TempDir(), "copy.db"), nil)
	if e, ok := errors.AsType[*api.Error](err); !ok || e.Code != "OVERLOADED" || !e.Retryable {
		t.Errorf("a second one: %v", err)
	}
	if n, err := io.Copy(io.Discard, res.Body); err != nil || n != res.ContentLength || n < 30_000_000 {
		t.Errorf("the first: %d of %d bytes, %v", n, res.ContentLength, err)
	}
	res.Body.Close()
	for deadline := time.Now().Add(time.Minute); ; {
		err := client.Backup(t.Context(), filepath.Join(t.TempDir(), "copy.db"), nil)
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// TestOwnBackups: a server makes copies by itself, and its health and metrics tell of
// them.
func TestOwnBackups(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "copies")
	srv := harnesstest.Start(t, func(o *fazt.Options) { o.Backups = backups.Options{Dir: dir, Every: time.Minute} })
	var c *api.Checkup
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		var err error
		if c, err = srv.Fazt.Checkup(t.Context()); err != nil {
			t.Fatal(err)
		}
		if c.Backup.Last != nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no backup is made: %+v", c.Backup)
		}
	}
	if c.Status != api.HealthOK || len(c.Reasons) != 0 || c.Backup.Size == 0 || c.Backup.Every != 60 || c.Backup.Failures != 0 {
		t.Errorf("%+v %+v", c, c.Backup)
	}
	if !c.Storage.Durable || c.Storage.Replicated || c.Storage.Settings != "synchronous=FULL" {
		t.Errorf("%+v", c.Storage)
	}
	if c.Storage.DataBytes == 0 || c.Storage.WriteMS <= 0 || c.Storage.ReadMS <= 0 {
		t.Errorf("%+v", c.Storage)
	}
	names := dirNames(t, dir)
	if len(names) == 0 {
		t.Fatal("there is no file")
	}
	if err := fazt.Restore(t.Context(), filepath.Join(dir, names[0]), filepath.Join(t.TempDir(), "data.db"), false, nil); err != nil {
		t.Error(err)
	}
	metrics := manage(t, srv, "/metrics")
	for _, name := range []string{"fazt_backup_last_timestamp_seconds ", "fazt_backup_bytes ", "fazt_backup_failures 0", `fazt_storage_bytes{file="data"} `, "fazt_storage_free_bytes "} {
		if !strings.Contains(metrics, "\n"+name) {
			t.Errorf("the metrics lack %s", name)
		}
	}
}

// brokenStore can't be written to.
type brokenStore struct{ storage.Store }

func (brokenStore) Probe(context.Context) (time.Duration, time.Duration, error) {
	return 0, 0, &storage.Error{Code: storage.CodeUnavailable, Op: "probe", Msg: "the disk is full"}
}

func (brokenStore) Backup(context.Context, string, storage.Progress) error {
	return &storage.Error{Code: storage.CodeUnavailable, Op: "backup", Msg: "there is no room"}
}

func (brokenStore) State() storage.State {
	return storage.State{Unreachable: true, Settings: "synchronous_commit=off"}
}

// TestHealth: anybody is told that the server is there, and those who may read how it
// is.
func TestHealth(t *testing.T) {
	store := openStore(t)
	srv := open(t, func(o *fazt.Options) {
		o.DataFile, o.Store = "", brokenStore{store}
		o.Backups = backups.Options{Dir: filepath.Join(t.TempDir(), "copies"), Every: time.Minute}
	})
	key := newKey(t, srv, "read")
	ask := func(path, key string) (int, map[string]any) {
		t.Helper()
		req := httptest.NewRequest(http.MethodGet, "http://localhost"+path, nil)
		if key != "" {
			req.Header.Set("Authorization", "Bearer "+key)
		}
		res := httptest.NewRecorder()
		srv.ServeHTTP(res, req)
		var body map[string]any
		if err := json.Unmarshal(res.Body.Bytes(), &body); err != nil {
			t.Fatalf("%s: %v: %s", path, err, res.Body)
		}
		return res.Code, body
	}
	for _, path := range []string{"/health", "/api/health"} {
		if status, body := ask(path, ""); status != 200 || body["data"].(map[string]any)["status"] != "degraded" {
			t.Errorf("%s: %d %v", path, status, body)
		}
		if status, _ := ask(path+"?deep=1", ""); status != 401 {
			t.Errorf("%s?deep=1 answers %d to anybody", path, status)
		}
	}
	for _, path := range []string{"/health?deep=1", "/api/health?deep=1", "/api/system/health"} {
		status, body := ask(path, key)
		data := body["data"].(map[string]any)
		if status != 503 || data["status"] != "failing" || !strings.Contains(data["reasons"].([]any)[0].(string), "the disk is full") ||
			!strings.Contains(data["reasons"].([]any)[1].(string), "may be lost") || data["storage"].(map[string]any)["settings"] != "synchronous_commit=off" {
			t.Errorf("%s: %d %v", path, status, body)
		}
	}
	if status, _ := ask("/api/system/health", newKey(t, srv, "deploy")); status != 403 {
		t.Errorf("a key that may not read: %d", status)
	}
}

// TestCertificateEnds: the certificates of hosts that are here are in the metrics, and
// one that was not renewed in the health.
func TestCertificateEnds(t *testing.T) {
	srv := harnesstest.Start(t, func(o *fazt.Options) { o.Domain = "example.com" })
	srv.DeployAs("notes", files("index.html", ""))
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	const day = 24 * time.Hour
	put := func(host string, begun, left time.Duration) {
		t.Helper()
		c := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotBefore: time.Now().Add(-begun), NotAfter: time.Now().Add(left)}
		der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
		if err := srv.Fazt.Store().PutCertificateValue(t.Context(), "certificates/ca/"+host+"/"+host+".crt", text, host); err != nil {
			t.Fatal(err)
		}
	}
	reasons := func() []string {
		t.Helper()
		c, err := srv.Fazt.Checkup(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return c.Reasons
	}
	put("notes.example.com", 30*day, 60*day)
	put("gone.example.com", 80*day, 1*day)
	diff(t, "all is well", []string{}, reasons())
	metrics := manage(t, srv, "/metrics")
	if !strings.Contains(metrics, `fazt_certificate_end_timestamp_seconds{host="notes.example.com"} 1.`) || strings.Contains(metrics, "gone.example.com") {
		t.Error("the metrics don't have what they should")
	}
	put("notes.example.com", 80*day, 10*day)
	if got := reasons(); len(got) != 1 || !strings.HasPrefix(got[0], "the certificate of notes.example.com ends on ") {
		t.Errorf("one that is late: %q", got)
	}
}
