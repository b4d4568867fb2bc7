package storagetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fazt-sh/fazt/storage"
)

func testPeers(t *testing.T, s storage.Store) {
	ctx := t.Context()
	began := time.Now().Add(-time.Millisecond)
	home := storage.Peer{Name: "home", URL: "http://127.0.0.1:8080", Token: "fzt_a_b"}
	zyt := storage.Peer{Name: "zyt", URL: "https://admin.example.com/below", Token: "fzt_c_d", Default: true}
	want := func(what string, peers ...storage.Peer) {
		t.Helper()
		got, err := s.Peers(ctx)
		if d := cmp.Diff(peers, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(storage.Peer{}, "CreatedAt")); d != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", what, err, d)
		}
		for _, p := range got {
			if p.CreatedAt.Before(began) {
				t.Errorf("%s: %s was created at %v", what, p.Name, p.CreatedAt)
			}
		}
	}
	did := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	want("none")
	_, err := s.Peer(ctx, "")
	wantCode(t, "default of none", err, storage.CodeNotFound)
	did(s.SetPeer(ctx, zyt))
	did(s.SetPeer(ctx, home))
	want("two", home, zyt)
	p, err := s.Peer(ctx, "")
	if err != nil || p.Name != "zyt" {
		t.Errorf("the default is %q, %v", p.Name, err)
	}
	p, err = s.Peer(ctx, "home")
	if err != nil || p.Token != home.Token {
		t.Errorf("home is %+v, %v", p, err)
	}

	// Another default, and another token.
	home.Default, zyt.Default, home.Token = true, false, "fzt_e_f"
	did(s.SetPeer(ctx, home))
	want("another default", home, zyt)
	home.Default, zyt.Default = false, true
	did(s.SetDefaultPeer(ctx, "zyt"))
	want("the first again", home, zyt)
	wantCode(t, "no such default", s.SetDefaultPeer(ctx, "none"), storage.CodeNotFound)
	want("as before", home, zyt)
	zyt.Default = false
	did(s.SetDefaultPeer(ctx, ""))
	want("no default", home, zyt)

	did(s.RemovePeer(ctx, "zyt"))
	wantCode(t, "removed twice", s.RemovePeer(ctx, "zyt"), storage.CodeNotFound)
	_, err = s.Peer(ctx, "zyt")
	wantCode(t, "removed", err, storage.CodeNotFound)
	want("one", home)
}

func testPeerErrors(t *testing.T, s storage.Store) {
	for what, p := range map[string]storage.Peer{
		"no name":         {URL: "https://a.example", Token: "x"},
		"a bad name":      {Name: "@a", URL: "https://a.example", Token: "x"},
		"the data file":   {Name: storage.LocalPeer, URL: "https://a.example", Token: "x"},
		"no URL":          {Name: "a", Token: "x"},
		"a host alone":    {Name: "a", URL: "a.example", Token: "x"},
		"another scheme":  {Name: "a", URL: "ftp://a.example", Token: "x"},
		"a password":      {Name: "a", URL: "https://u:p@a.example", Token: "x"},
		"a query":         {Name: "a", URL: "https://a.example?x=1", Token: "x"},
		"a slash":         {Name: "a", URL: "https://a.example/", Token: "x"},
		"no token":        {Name: "a", URL: "https://a.example"},
		"a token in two":  {Name: "a", URL: "https://a.example", Token: "x\ny"},
		"a token in UTF8": {Name: "a", URL: "https://a.example", Token: "ä"},
	} {
		wantCode(t, what, s.SetPeer(t.Context(), p), storage.CodeInvalid)
	}
	got, err := s.Peers(t.Context())
	if len(got) != 0 || err != nil {
		t.Errorf("there is %v, %v", got, err)
	}
}
