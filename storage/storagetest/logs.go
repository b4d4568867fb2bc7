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
		lines, err := s.Logs(t.Context(), app, q)
		if err != nil {
			t.Fatal(err)
		}
		return lines
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
		_, err := s.Logs(t.Context(), "a", storage.LogQuery{Limit: limit})
		wantCode(t, fmt.Sprint("limit ", limit), err, storage.CodeInvalid)
	}
}
