package postgres_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/postgres"
)

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// sum is the hash of a text.
func sum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// TestFollowsServersLogs follows the log on one server while three print, and sees each
// line once, those of each server in their order.
func TestFollowsServersLogs(t *testing.T) {
	const each = 150
	url := database(t)
	stores := []*postgres.Store{open(t, url), open(t, url), open(t, url)}
	first := storage.LogLine{App: "a", Time: time.Now(), Level: "info", Text: "first"}
	if err := stores[0].AppendLogs(t.Context(), []storage.LogLine{first}); err != nil {
		t.Fatal(err)
	}
	page, err := stores[0].Logs(t.Context(), storage.LogQuery{})
	if err != nil || len(page.Lines) != 1 {
		t.Fatalf("%+v, %v", page, err)
	}
	var wg sync.WaitGroup
	for i, s := range stores {
		wg.Go(func() {
			for n := range each {
				line := storage.LogLine{App: "a", Time: time.Now(), Level: "info", Text: fmt.Sprintf("%d %03d", i, n)}
				if err := s.AppendLogs(t.Context(), []storage.LogLine{line}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	printed := make(chan struct{})
	go func() { wg.Wait(); close(printed) }()
	seen := make([][]string, len(stores))
	for done := false; ; {
		next, err := stores[0].Logs(t.Context(), storage.LogQuery{After: page.Last})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range next.Lines {
			seen[l.Text[0]-'0'] = append(seen[l.Text[0]-'0'], l.Text)
		}
		if page = next; done && len(page.Lines) == 0 {
			break
		}
		select {
		case <-printed:
			done = true
		default:
		}
	}
	for i := range stores {
		want := []string{}
		for n := range each {
			want = append(want, fmt.Sprintf("%d %03d", i, n))
		}
		if diff := cmp.Diff(want, seen[i]); diff != "" {
			t.Errorf("lines of server %d (-want +got):\n%s", i, diff)
		}
	}
}

// TestCatalogueOnServers has three servers publish the same apps at once. Every version
// is made once, and all see the last one.
func TestCatalogueOnServers(t *testing.T) {
	const each = 20
	url := database(t)
	stores := []*postgres.Store{open(t, url), open(t, url), open(t, url)}
	var wg sync.WaitGroup
	var mu sync.Mutex
	made := map[string]map[int]bool{"shop": {}, "blog": {}}
	for _, s := range stores {
		wg.Go(func() {
			for range each {
				for name, versions := range made {
					d, err := s.Publish(t.Context(), storage.NewDeployment{Name: name}, 3)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					if versions[d.Version] {
						t.Errorf("version %d of %s was made twice", d.Version, name)
					}
					versions[d.Version] = true
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	for i, s := range stores {
		for name, versions := range made {
			app, err := s.App(t.Context(), name)
			if err != nil || app.Current.Version != each*len(stores) || len(versions) != each*len(stores) {
				t.Errorf("server %d has version %d of %s, %v; %d were made", i, app.Current.Version, name, err, len(versions))
			}
			kept, err := s.Deployments(t.Context(), app.ID)
			if err != nil || len(kept) != 3 {
				t.Errorf("server %d: %d versions of %s are kept, %v", i, len(kept), name, err)
			}
		}
	}
}
