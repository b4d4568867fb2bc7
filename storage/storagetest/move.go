package storagetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/transfer"
)

// FillModule is another package that keeps a table in a store, FillTable, which
// [FillSteps] make.
const (
	FillModule = "filled"
	FillTable  = "filled_things"
)

// FillSteps are those of FillModule.
func FillSteps() []string {
	return []string{
		`CREATE TABLE filled_things (name TEXT NOT NULL PRIMARY KEY, zone TEXT, token_hash TEXT NOT NULL)`,
		`ALTER TABLE filled_things ADD COLUMN age BIGINT NOT NULL DEFAULT 0`,
	}
}

// wholeStore is what FillAll makes, as a store shows it.
type wholeStore struct {
	Apps    []storage.App
	Files   []string
	Aliases []storage.Alias
	Env     map[string]storage.Variable
	Peers   []storage.Peer
	Audits  []storage.AuditEntry
	Lines   []string
	Entries []storage.Entry
	Docs    []json.RawMessage
	Found   []json.RawMessage
	Blobs   []storage.Blob
	Large   string // the hash of its bytes
	Content string // likewise
	Secret  []byte
	Value   string
	Things  string
	Usage   storage.Usage
}

// filled has what FillAll stored, by the test's name.
var filled sync.Map

// filledDocs are more than fit into one page of a scan, in an order of their own.
const filledDocs = 700

// FillAll stores some of everything, which [CheckAll] finds again in a store that it
// was moved to.
func FillAll(t *testing.T, s storage.Store) {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	large := strings.Repeat("0123456789abcdef", 50_000) // several chunks
	files := []storage.File{put(t, s, "index.html", "hello", "gzip"), put(t, s, "large.bin", large), put(t, s, "empty.txt", "")}
	d, err := s.Publish(ctx, storage.NewDeployment{
		Name: "shop", Manifest: json.RawMessage(`{"spa":true}`), Engine: "goja", Files: files, Indexes: map[string][]string{"items": {"n"}},
	}, 3)
	must(err)
	title := "The shop \u2603"
	must(s.ChangeApp(ctx, d.AppID, storage.AppChange{Title: &title}))
	gone := publish(t, s, "gone", 3)
	must(s.RemoveApp(ctx, gone.AppID, true))
	must(s.SetAlias(ctx, storage.Alias{Label: "old", Kind: storage.AliasApp, App: "shop", Version: 1}))
	must(s.SetEnv(ctx, d.AppID, map[string][]byte{"NAME": {0, 1, 255}}, "fingerprint"))
	must(s.SetPeer(ctx, storage.Peer{Name: "zyt", URL: "https://admin.zyt.app", Token: "fzt_a_b", Default: true}))
	now := time.Now().Truncate(time.Millisecond)
	must(s.AppendLogs(ctx, []storage.LogLine{
		{App: d.AppID, Time: now, Level: "info", Text: "first\nline", RequestID: "r1"},
		{App: d.AppID, Time: now.Add(time.Millisecond), Level: "error", Text: "second"},
	}))
	must(s.PutCertificateValue(ctx, "acme/key", []byte{7, 0, 7}, ""))
	_, err = s.Secret(ctx, "blob urls")
	must(err)
	own, ann := storage.Scope{App: d.AppID}, storage.Scope{App: d.AppID, User: "ann"}
	for _, scope := range []storage.Scope{own, ann} {
		must(s.Tx(ctx, scope, func(tx storage.Tx) error {
			for i := range 50 {
				if err := tx.KV().Set(fmt.Sprintf("k%02d", i), json.RawMessage(fmt.Sprintf(`{"n":%d.50,"of":%q}`, i, scope.User)), 0); err != nil {
					return err
				}
			}
			if err := tx.KV().Set("soon", json.RawMessage(`1`), 24*time.Hour); err != nil {
				return err
			}
			if _, err := tx.KV().Delete("k00"); err != nil {
				return err
			}
			for i := range filledDocs {
				doc := fmt.Sprintf(`{"id":"%c%d","n":%d,"text":"it's \u0000 1e400 %[3]d","x":1.0}`, 'z'-i%26, i, i%7)
				if _, err := tx.Docs().Insert("items", json.RawMessage(doc)); err != nil {
					return err
				}
			}
			_, err := tx.Docs().Delete("items", json.RawMessage(`{"n":3}`))
			return err
		}))
	}
	_, err = s.PutBlob(ctx, ann, "photos/large.png", strings.NewReader(large), "image/png")
	must(err)
	_, err = s.PutBlob(ctx, own, "empty", strings.NewReader(""), "")
	must(err)
	must(s.Migrate(ctx, FillModule, FillSteps()))
	must(s.Write(ctx, func(tx storage.SQL) error {
		if err := storage.SetSetting(tx, storage.ManagementURL, "https://admin.example.com"); err != nil {
			return err
		}
		_, err := tx.Exec(`INSERT INTO filled_things (name, zone, token_hash, age) VALUES (?, ?, ?, ?), ('b', NULL, '', 0)`, "a", "north", "h", int64(1)<<62)
		return err
	}))
	filled.Store(t.Name(), readWhole(t, s))
	t.Cleanup(func() { filled.Delete(t.Name()) })
}

// CheckAll compares a store that was moved with what [FillAll] stored in the same
// test, and sees that it goes on.
func CheckAll(t *testing.T, s storage.Store) {
	t.Helper()
	want, ok := filled.Load(t.Name())
	if !ok {
		t.Fatal("FillAll was not called in this test")
	}
	got := readWhole(t, s)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("after the move (-want +got):\n%s", d)
	}
	own := storage.Scope{App: got.Apps[0].ID}
	largest := slices.MaxFunc(got.Entries, func(a, b storage.Entry) int { return int(a.Version - b.Version) }).Version
	if err := s.Tx(t.Context(), own, func(tx storage.Tx) error {
		if version, err := tx.KV().SetIf("k00", json.RawMessage(`1`), 0); err != nil || version <= largest {
			t.Errorf("the next version is %d, after %d: %v", version, largest, err)
		}
		if _, err := tx.Docs().Insert("items", json.RawMessage(`{"id":"next"}`)); err != nil {
			return err
		}
		docs, err := tx.Docs().Find("items", json.RawMessage(`{}`), storage.FindOptions{Limit: 1, Desc: true})
		if err != nil || len(docs) != 1 || !strings.Contains(string(docs[0]), `"next"`) {
			t.Errorf("the newest document is %s, %v", docs, err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if err := s.AppendLogs(t.Context(), []storage.LogLine{{App: own.App, Time: time.Now(), Level: "info", Text: "third"}}); err != nil {
		t.Error(err)
	}
	page, err := s.Logs(t.Context(), storage.LogQuery{Apps: []string{own.App}, Newest: true, Limit: 1})
	if err != nil || len(page.Lines) != 1 || page.Lines[0].Text != "third" {
		t.Errorf("the newest line is %+v, %v", page, err)
	}
}

// CheckCounts wants something to have been moved of each table.
func CheckCounts(t *testing.T, counts transfer.Counts) {
	t.Helper()
	want := []string{FillTable}
	for _, table := range transfer.Tables[1:] { // all but the sequence, which is not counted
		want = append(want, table.Name)
	}
	for _, name := range want {
		if !slices.ContainsFunc(counts, func(c transfer.Count) bool { return c.Table == name && c.Rows > 0 }) {
			t.Errorf("no row of %s was moved", name)
		}
	}
}

// readContents reads what FillAll stores.
func readWhole(t *testing.T, s storage.Store) wholeStore {
	t.Helper()
	ctx := t.Context()
	var e wholeStore
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	e.Apps, err = s.Apps(ctx)
	must(err)
	id := e.Apps[0].ID
	list, err := s.Files(ctx, id, 1)
	must(err)
	for _, f := range list {
		e.Files = append(e.Files, fmt.Sprintf("%+v", f))
		body, err := s.OpenContent(ctx, f.Hash, "")
		must(err)
		text, err := io.ReadAll(body)
		must(err)
		must(body.Close())
		e.Content += hashOf(text) + " "
	}
	e.Aliases, err = s.Aliases(ctx)
	must(err)
	e.Env, err = s.Env(ctx, id)
	must(err)
	e.Peers, err = s.Peers(ctx)
	must(err)
	e.Audits, err = s.Audit(ctx, storage.AuditQuery{})
	must(err)
	page, err := s.Logs(ctx, storage.LogQuery{})
	must(err)
	for _, l := range page.Lines {
		l.ID = 0 // a store's own
		e.Lines = append(e.Lines, fmt.Sprintf("%+v", l))
	}
	for _, scope := range []storage.Scope{{App: id}, {App: id, User: "ann"}} {
		must(s.View(ctx, scope, func(tx storage.Tx) error {
			entries, err := tx.KV().List("", storage.Page{})
			if err != nil {
				return err
			}
			e.Entries = append(e.Entries, entries...)
			docs, err := tx.Docs().Find("items", json.RawMessage(`{}`), storage.FindOptions{})
			if err != nil {
				return err
			}
			e.Docs = append(e.Docs, docs...)
			found, err := tx.Docs().Find("items", json.RawMessage(`{"n":5}`), storage.FindOptions{})
			e.Found = append(e.Found, found...)
			return err
		}))
		blobs, err := s.ListBlobs(ctx, scope, "", storage.Page{})
		must(err)
		e.Blobs = append(e.Blobs, blobs...)
	}
	_, body, err := s.OpenBlob(ctx, storage.Scope{App: id, User: "ann"}, "photos/large.png")
	must(err)
	var large bytes.Buffer
	_, err = large.ReadFrom(body)
	must(err)
	must(body.Close())
	e.Large = hashOf(large.Bytes())
	e.Secret, err = s.Secret(ctx, "blob urls")
	must(err)
	value, _, err := s.CertificateValue(ctx, "acme/key")
	must(err)
	e.Value = fmt.Sprint(value)
	must(s.Read(ctx, func(tx storage.SQL) error {
		return tx.Query("SELECT name, zone IS NULL, token_hash, age FROM filled_things ORDER BY name", nil, func(scan func(...any) error) error {
			var name, hash string
			var null bool
			var age int64
			err := scan(&name, &null, &hash, &age)
			e.Things += fmt.Sprintln(name, null, hash, age)
			return err
		})
	}))
	e.Usage, err = s.Usage(ctx, id)
	must(err)
	return e
}
