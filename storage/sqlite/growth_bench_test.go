package sqlite_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// BenchmarkGrowth fills one collection with a million documents, a batch of 500 at a
// time, and prints what each hundred thousand took: run it with -benchtime 1x. The
// claim is the last rate, of the first.
func BenchmarkGrowth(b *testing.B) {
	const documents, window, batch = 1_000_000, 100_000, 500
	for _, fields := range [][]string{nil, {"session", "meta.owner"}, {"name"}} {
		b.Run(fmt.Sprintf("indexes=%d/%v", len(fields), fields), func(b *testing.B) {
			for b.Loop() {
				s := openBench(b)
				app := benchScope
				if len(fields) > 0 {
					app.App = publish(b, s, "shop", map[string][]string{"items": fields})
				}
				table := tabwriter.NewWriter(os.Stderr, 0, 0, 2, ' ', tabwriter.AlignRight)
				fmt.Fprintln(table, "documents\tinserts/s\tof the first\tlongest batch\t")
				var first, last float64
				for n := 0; n < documents; n += window {
					took, longest := grow(b, s, app, n, n+window, batch)
					last = window / took.Seconds()
					if n == 0 {
						first = last
					}
					fmt.Fprintf(table, "%d\t%.0f\t%.2f\t%v\t\n", n+window, last, last/first, longest.Round(time.Millisecond))
				}
				table.Flush()
				b.ReportMetric(last/first, "last/first")
			}
		})
	}
}

// grow inserts documents, and returns how long that took, and the longest transaction.
func grow(b *testing.B, s *sqlite.Store, app storage.Scope, from, to, batch int) (took, longest time.Duration) {
	b.Helper()
	start := time.Now()
	for n := from; n < to; n += batch {
		began := time.Now()
		err := s.Tx(b.Context(), app, func(tx storage.Tx) error {
			for i := range batch {
				if _, err := tx.Docs().Insert("items", benchDoc(n+i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		longest = max(longest, time.Since(began))
	}
	return time.Since(start), longest
}

// BenchmarkSmallKeys stores a million keys of a few bytes, in the order of a hash, and
// compares the data file with what the quota counts.
func BenchmarkSmallKeys(b *testing.B) {
	const keys, batch = 1_000_000, 1000
	for b.Loop() {
		path := filepath.Join(b.TempDir(), "data.db")
		s, err := sqlite.Open(b.Context(), path, sqlite.Options{})
		if err != nil {
			b.Fatal(err)
		}
		app := publish(b, s, "shop", nil)
		for n := 0; n < keys; n += batch {
			if err := s.Tx(b.Context(), storage.Scope{App: app}, func(tx storage.Tx) error {
				for i := range batch {
					key := fmt.Sprintf("%x", (n+i)*2654435761%(1<<32))
					if err := tx.KV().Set(key, json.RawMessage("1"), 0); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				b.Fatal(err)
			}
		}
		usage, err := s.Usage(b.Context(), app)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(info.Size())/float64(usage.Used), "disk/counted")
		b.ReportMetric(float64(info.Size())/keys, "B/key")
	}
}
