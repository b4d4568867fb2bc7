package sqlite_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// TestTurnsShareTime has apps whose reads differ in length wait all the time: none
// gets more than a read's time ahead of another.
func TestTurnsShareTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lengths := rapid.SliceOfN(rapid.IntRange(1, 100), 2, 6).Draw(t, "lengths")
		var turns sqlite.Turns
		took := make(map[string]int)
		for i := range lengths {
			turns.Wait(fmt.Sprint(i), false)
		}
		for range 2000 {
			app := turns.Next(false)
			var i int
			fmt.Sscan(app, &i)
			turns.Wait(app, false)
			turns.End(time.Duration(lengths[i]))
			took[app] += lengths[i]
		}
		for a := range lengths {
			for b := range lengths {
				if d := took[fmt.Sprint(a)] - took[fmt.Sprint(b)]; d > lengths[a]+lengths[b] {
					t.Fatalf("reads of %v took %v", lengths, took)
				}
			}
		}
	})
}

// TestTurnsForget has an app rest while another reads: what it did not read then is
// not given to it later, and what the other read is not held against it for ever.
func TestTurnsForget(t *testing.T) {
	var turns sqlite.Turns
	for range 100 {
		turns.Wait("busy", false)
	}
	for range 50 {
		turns.Next(false)
		turns.End(time.Second)
	}
	for range 10 {
		turns.Wait("rested", false)
	}
	var order strings.Builder
	for range 8 {
		order.WriteString(turns.Next(false)[:1])
		turns.End(time.Second)
	}
	if got := order.String(); strings.Count(got, "r") < 3 || strings.Count(got, "r") > 5 {
		t.Errorf("an app that rested, beside a busy one: %s", got)
	}
	for turns.Next(false) != "" {
		turns.End(time.Second)
	}
	if n := turns.Known(); n != 0 {
		t.Errorf("%d apps are remembered when nobody reads", n)
	}
}

// TestTurnsPassLongReads has a long read wait for its turn without keeping short ones.
func TestTurnsPassLongReads(t *testing.T) {
	var turns sqlite.Turns
	turns.Wait("long", true)
	turns.Wait("short", false)
	if got := turns.Next(false); got != "short" {
		t.Errorf("%q goes first where no long read may", got)
	}
	if got := turns.Next(false); got != "" {
		t.Errorf("%q goes on where no long read may", got)
	}
	if got := turns.Next(true); got != "long" {
		t.Errorf("%q goes first where a long read may", got)
	}
}

// pacer calls pace and read, where they are set.
type pacer struct {
	pace func(context.Context) error
	read func(int) error
}

func (p *pacer) Pace(ctx context.Context) error {
	if p.pace == nil {
		return nil
	}
	return p.pace(ctx)
}

func (p *pacer) Read(bytes int) error {
	if p.read == nil {
		return nil
	}
	return p.read(bytes)
}

// largeCollection is one that takes more than a few milliseconds to scan.
func largeCollection(t *testing.T) *sqlite.Store {
	t.Helper()
	s := open(t, filepath.Join(t.TempDir(), "data.db"))
	text := strings.Repeat("x", 4<<10)
	for range 8 {
		if err := s.Tx(t.Context(), benchScope, func(tx storage.Tx) error {
			for i := range 1000 {
				if _, err := tx.Docs().Insert("items", fmt.Appendf(nil, `{"n":%d,"text":%q}`, i, text)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func countNone(ctx context.Context, s *sqlite.Store) error {
	return s.View(ctx, benchScope, func(tx storage.Tx) error {
		n, err := tx.Docs().Count("items", json.RawMessage(`{"n":{"$lt":0}}`))
		if err == nil && n != 0 {
			err = fmt.Errorf("%d documents", n)
		}
		return err
	})
}

// contended is a pacer of a read whose processor others wait for. It tells when the read
// waits after it knew that.
type contended struct {
	pacer
	asked bool
	waits chan struct{}
}

func (c *contended) Contended(context.Context) bool {
	c.asked = true
	return true
}

func (*contended) Charge(context.Context, time.Duration) {}

func (c *contended) Wait(_ context.Context, wait func() error) error {
	if c.asked {
		c.waits <- struct{}{}
	}
	return wait()
}

// TestLongReadsLeaveReaders has more scans than there are readers give their processor
// away: some keep a reader, and the others begin anew later, so that whoever has a
// processor finds a reader at once.
func TestLongReadsLeaveReaders(t *testing.T) {
	s := largeCollection(t)
	defer s.Close()
	n, long := sqlite.Readers(s)+3, sqlite.LongReaders(s)
	stopped, waits, release := make(chan struct{}, n), make(chan struct{}, 2*n), make(chan struct{})
	results := make(chan error, n)
	for i := range n {
		var once sync.Once
		p := &contended{waits: waits, pacer: pacer{pace: func(context.Context) error {
			once.Do(func() { stopped <- struct{}{} })
			<-release
			return nil
		}}}
		go func() { results <- countNone(storage.WithPacer(t.Context(), p), s) }()
		if i < long {
			<-stopped
		} else {
			<-waits // it has given its reader back
		}
	}
	var computing, together sync.WaitGroup
	together.Add(runtime.GOMAXPROCS(0))
	for range runtime.GOMAXPROCS(0) {
		w := &waiter{begun: func() { t.Error("a read that has a processor waits for a reader") }}
		computing.Go(func() {
			err := s.View(storage.WithPacer(t.Context(), w), storage.Scope{App: "other"}, func(storage.Tx) error {
				together.Done()
				together.Wait()
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	computing.Wait()
	if len(stopped) > 0 {
		t.Error("more long reads than may be")
	}
	if _, err := s.Get(t.Context(), storage.Scope{App: "other"}, "key"); storage.CodeOf(err) != storage.CodeNotFound {
		t.Errorf("a short read beside long ones: %v", err)
	}
	if err := s.View(t.Context(), storage.Scope{App: "other"}, func(tx storage.Tx) error {
		_, err := tx.KV().List("", storage.Page{})
		return err
	}); err != nil {
		t.Errorf("a short list beside long reads: %v", err)
	}
	close(release)
	for range n {
		if err := <-results; err != nil {
			t.Errorf("a long read: %v", err)
		}
	}
}

// TestPacerEndsReads has the pacer's errors end what reads, and its count of bytes be
// what is returned.
func TestPacerEndsReads(t *testing.T) {
	s := largeCollection(t)
	defer s.Close()
	enough := errors.New("enough")
	p := &pacer{pace: func(context.Context) error { return enough }}
	if err := countNone(storage.WithPacer(t.Context(), p), s); !errors.Is(err, enough) {
		t.Errorf("a scan that is ended: %v", err)
	}
	bytes := 0
	p = &pacer{read: func(n int) error {
		if bytes += n; bytes > 10_000 {
			return enough
		}
		return nil
	}}
	find := func(limit int) (size int, err error) {
		err = s.View(storage.WithPacer(t.Context(), p), benchScope, func(tx storage.Tx) error {
			found, err := tx.Docs().Find("items", nil, storage.FindOptions{Limit: limit})
			for _, doc := range found {
				size += len(doc)
			}
			return err
		})
		return size, err
	}
	if size, err := find(2); err != nil || size != bytes {
		t.Errorf("%d bytes, of which the pacer knows %d: %v", size, bytes, err)
	}
	if _, err := find(2); !errors.Is(err, enough) {
		t.Errorf("a find that returns too much: %v", err)
	}
}

// TestStreamsHoldNoReader opens more blobs than there are readers and reads a little of each.
func TestStreamsHoldNoReader(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "data.db"))
	defer s.Close()
	data := strings.Repeat("data", 200_000)
	if _, err := s.PutBlob(t.Context(), benchScope, "blob", strings.NewReader(data), ""); err != nil {
		t.Fatal(err)
	}
	// A pacer of a request that is over must not be asked any more.
	ctx := storage.WithPacer(t.Context(), &pacer{pace: func(context.Context) error { return errors.New("over") }})
	var wg sync.WaitGroup
	for range 4 * sqlite.Readers(s) {
		_, r, err := s.OpenBlob(ctx, benchScope, "blob")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if _, err := r.Read(make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			if rest, err := io.ReadAll(r); err != nil || len(rest) != len(data)-10 {
				t.Errorf("the rest of a blob: %d bytes, %v", len(rest), err)
			}
		})
	}
	wg.Wait()
}
