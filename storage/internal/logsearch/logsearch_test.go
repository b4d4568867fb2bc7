package logsearch_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/logsearch"
	"github.com/google/go-cmp/cmp"
)

// stored reads lines as an engine does.
type stored []storage.LogLine

func (s stored) search(t *testing.T, q storage.LogQuery) *storage.LogPage {
	t.Helper()
	reads := 0
	page, err := logsearch.Search("logs", q, func(last int64, n int) (found []storage.LogLine, err error) {
		after, before, order := logsearch.Span(q, last)
		if reads++; reads > len(s)/1000+1 {
			t.Fatal("it reads more often than there are lines for")
		}
		lines := slices.Clone(s)
		if order != "" {
			slices.Reverse(lines)
		}
		for _, l := range lines {
			if l.ID > after && l.ID < before && len(found) < n {
				found = append(found, l)
			}
		}
		return found, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func lines(n int) (s stored) {
	start := time.UnixMilli(1_700_000_000_000)
	for i := range n {
		text := "usual"
		if i%700 == 3 {
			text = "rare"
		}
		s = append(s, storage.LogLine{ID: int64(i + 1), App: "a", Level: "info", Text: text, Time: start.Add(time.Duration(i) * time.Second)})
	}
	return s
}

func ids(p *storage.LogPage) (ids []int64) {
	for _, l := range p.Lines {
		ids = append(ids, l.ID)
	}
	return ids
}

func TestSearch(t *testing.T) {
	s := lines(3000)
	for _, c := range []struct {
		name string
		q    storage.LogQuery
		want []int64
		last int64
		more bool
	}{
		{"the first", storage.LogQuery{Limit: 3}, []int64{1, 2, 3}, 3, true},
		{"after one", storage.LogQuery{After: 2997, Limit: 3}, []int64{2998, 2999, 3000}, 3000, false},
		{"the newest, in order", storage.LogQuery{Newest: true, Limit: 2}, []int64{2999, 3000}, 2999, true},
		{"before one", storage.LogQuery{Newest: true, Before: 3, Limit: 5}, []int64{1, 2}, 1, false},
		{"between two", storage.LogQuery{After: 1, Before: 4, Limit: 5}, []int64{2, 3}, 3, false},
		{"those with a text, some reads apart", storage.LogQuery{Contains: "rare", Limit: 10}, []int64{4, 704, 1404, 2104, 2804}, 3000, false},
		{"no more than asked for", storage.LogQuery{Contains: "rare", Limit: 2}, []int64{4, 704}, 704, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			page := s.search(t, c.q)
			if diff := cmp.Diff(c.want, ids(page)); diff != "" || page.Last != c.last || page.More != c.more {
				t.Errorf("last %d, more %v (-want +got):\n%s", page.Last, page.More, diff)
			}
		})
	}
}

// Who goes backwards need not read what is older than the time asked for, but for the
// lines that may be out of order.
func TestNewestStopsAtSince(t *testing.T) {
	s := lines(5000)
	page := s.search(t, storage.LogQuery{Newest: true, Since: s[4989].Time, Limit: 100})
	if got := ids(page); len(got) != 11 || page.More || page.Last < 3000 {
		t.Errorf("%d lines, read back to %d, more %v", len(got), page.Last, page.More)
	}
}

func TestSearchRefusesABadQuery(t *testing.T) {
	_, err := logsearch.Search("logs", storage.LogQuery{Limit: -1}, nil)
	if storage.CodeOf(err) != storage.CodeInvalid {
		t.Error(err)
	}
}

func TestTextAndBatch(t *testing.T) {
	if got := logsearch.Text("a\x00b\xff"); got != "a\ufffdb" {
		t.Errorf("%q", got)
	}
	long := strings.Repeat("x", storage.MaxLogText+1)
	if got := len(logsearch.Text(long)); got != storage.MaxLogText {
		t.Errorf("a long line keeps %d bytes", got)
	}
	if got := logsearch.Batch([]storage.LogLine{{Text: long}}); got != 1 {
		t.Errorf("a batch of one line has %d", got)
	}
	if got := logsearch.Batch(make([]storage.LogLine, 1000)); got != 256 {
		t.Errorf("a batch of empty lines has %d", got)
	}
}
