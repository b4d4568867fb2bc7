package storagetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

func testLogs(t *testing.T, s storage.Store) {
	at := time.UnixMilli(time.Now().UnixMilli()) // recent: a store sweeps old lines at any time
	line := func(app, text string) storage.LogLine {
		return storage.LogLine{App: app, Time: at, Level: "info", Text: text, RequestID: "r"}
	}
	for i := range 3 {
		if err := s.AppendLogs(t.Context(), []storage.LogLine{line("a", fmt.Sprint(i, "x")), line("b", "of b"), line("a", fmt.Sprint(i, "y"))}); err != nil {
			t.Fatal(err)
		}
	}
	logs := func(app string, q storage.LogQuery) []storage.LogLine {
		t.Helper()
		if app != "" {
			q.Apps = []string{app}
		}
		page, err := s.Logs(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		return page.Lines
	}
	texts := func(lines []storage.LogLine) []string {
		got := []string{}
		for _, l := range lines {
			got = append(got, l.Text)
		}
		return got
	}
	all := logs("a", storage.LogQuery{})
	diff(t, "all", []string{"0x", "0y", "1x", "1y", "2x", "2y"}, texts(all))
	want := line("a", "0x")
	want.ID = all[0].ID
	diff(t, "a line", want, all[0])
	for _, tt := range []struct {
		name string
		app  string
		q    storage.LogQuery
		want []string
	}{
		{"oldest", "a", storage.LogQuery{Limit: 2}, []string{"0x", "0y"}},
		{"newest", "a", storage.LogQuery{Newest: true, Limit: 2}, []string{"2x", "2y"}},
		{"next", "a", storage.LogQuery{After: all[2].ID, Limit: 2}, []string{"1y", "2x"}},
		{"newest after", "a", storage.LogQuery{After: all[2].ID, Newest: true, Limit: 2}, []string{"2x", "2y"}},
		{"all after", "a", storage.LogQuery{After: all[2].ID, Newest: true, Limit: 10}, []string{"1y", "2x", "2y"}},
		{"none yet", "a", storage.LogQuery{After: all[5].ID, Limit: 10}, []string{}},
		{"another app's", "b", storage.LogQuery{Newest: true}, []string{"of b", "of b", "of b"}},
		{"no app's", "c", storage.LogQuery{}, []string{}},
	} {
		diff(t, tt.name, tt.want, texts(logs(tt.app, tt.q)))
	}
	if err := s.AppendLogs(t.Context(), []storage.LogLine{line("a", strings.Repeat("\u00e4", storage.MaxLogText)), line("a", "\xff!")}); err != nil {
		t.Fatal(err)
	}
	last := logs("a", storage.LogQuery{After: all[5].ID})
	if n := len(last[0].Text); n > storage.MaxLogText || n < storage.MaxLogText-1 {
		t.Errorf("%d bytes of a long line were kept", n)
	}
	diff(t, "not UTF-8", "!", last[1].Text)
	wantCode(t, "no app", s.AppendLogs(t.Context(), []storage.LogLine{line("a", "x"), {}}), storage.CodeInvalid)
	for _, limit := range []int{-1, storage.MaxRows + 1} {
		_, err := s.Logs(t.Context(), storage.LogQuery{Limit: limit})
		wantCode(t, fmt.Sprint("limit ", limit), err, storage.CodeInvalid)
	}
}

// testLogSearch finds lines by what they are, page by page, among those of several
// apps.
func testLogSearch(t *testing.T, s storage.Store) {
	now := time.UnixMilli(time.Now().UnixMilli())
	const n = 2500
	lines := make([]storage.LogLine, n)
	for i := range lines {
		levels := storage.LogLevels()
		lines[i] = storage.LogLine{App: string(rune('a' + i%3)), Time: now.Add(time.Duration(i-n) * time.Second), Level: levels[i%4], Text: fmt.Sprint("line ", i, "%_*")}
	}
	if err := s.AppendLogs(t.Context(), lines); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		q     storage.LogQuery
		count int
		first string
	}{
		{"all", storage.LogQuery{}, n, "line 0%_*"},
		{"of one app", storage.LogQuery{Apps: []string{"b"}}, 833, "line 1%_*"},
		{"of two", storage.LogQuery{Apps: []string{"c", "b"}}, 1666, "line 1%_*"},
		{"warnings", storage.LogQuery{Level: "warn"}, 1250, "line 2%_*"},
		{"errors of one", storage.LogQuery{Level: "error", Apps: []string{"a"}}, 209, "line 3%_*"},
		{"a text", storage.LogQuery{Contains: " 7"}, 111, "line 7%_*"},
		{"signs of patterns", storage.LogQuery{Contains: "9%_*"}, 250, "line 9%_*"},
		{"another case", storage.LogQuery{Contains: "LINE"}, 0, ""},
		{"since", storage.LogQuery{Since: lines[2400].Time}, 100, "line 2400%_*"},
		{"everything", storage.LogQuery{Since: lines[2400].Time, Level: "info", Contains: "5", Apps: []string{"a", "b"}}, 10, "line 2415%_*"},
	} {
		for _, newest := range []bool{false, true} {
			for _, limit := range []int{0, 7, 1000} {
				if tt.count > 500 && limit == 7 {
					continue
				}
				q, found := tt.q, []storage.LogLine{}
				q.Newest, q.Limit = newest, limit
				for more := true; more; {
					page, err := s.Logs(t.Context(), q)
					if err != nil {
						t.Fatal(err)
					}
					if more = page.More; newest {
						found, q.Before = append(page.Lines, found...), page.Last
					} else {
						found, q.After = append(found, page.Lines...), page.Last
					}
				}
				if len(found) != tt.count || tt.count > 0 && found[0].Text != tt.first {
					t.Errorf("%s, newest %v, by %d: %d lines, want %d", tt.name, newest, limit, len(found), tt.count)
				}
				for i, l := range found {
					if i > 0 && l.ID <= found[i-1].ID || !tt.q.Wants(l) {
						t.Errorf("%s, newest %v, by %d: line %d is %+v", tt.name, newest, limit, i, l)
						break
					}
				}
			}
		}
	}
	_, err := s.Logs(t.Context(), storage.LogQuery{Level: "warning"})
	wantCode(t, "no such level", err, storage.CodeInvalid)
	page, err := s.Logs(t.Context(), storage.LogQuery{After: 1 << 40})
	if err != nil || page.Last != 1<<40 || page.More || page.Lines == nil {
		t.Errorf("after the last: %+v, %v", page, err)
	}
}
