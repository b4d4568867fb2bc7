package storage_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage"
)

func TestChooseIndexes(t *testing.T) {
	const week = storage.IndexIdle
	// enough is what finds have to read of 10,000 documents, and a little more.
	const enough = 32*10_000 + 1
	field := func(name string, read, instead int64) storage.FieldDemand {
		return storage.FieldDemand{Field: name, Read: read, Instead: instead}
	}
	automatic := func(id int64, name string) storage.IndexUse {
		return storage.IndexUse{ID: id, Field: name, Automatic: true}
	}
	idle := func(x storage.IndexUse) storage.IndexUse { x.Idle = week; return x }
	var full []storage.IndexUse
	for i := range storage.MaxAutoIndexes {
		full = append(full, automatic(int64(i+1), string(rune('p'+i))))
	}
	many := func(d storage.Demand) storage.Demand {
		d.Documents, d.Finds = 10_000, max(d.Finds, 20)
		return d
	}
	tests := []struct {
		name  string
		give  storage.Demand
		build string
		drop  []int64
	}{
		{"nothing asked", storage.Demand{Documents: 10_000}, "", nil},
		{"read enough", many(storage.Demand{Fields: []storage.FieldDemand{field("a", enough, 0)}}), "a", nil},
		{"not yet", many(storage.Demand{Fields: []storage.FieldDemand{field("a", enough-1, 0)}}), "", nil},
		{"a thousand documents", storage.Demand{Documents: 1000, Finds: 20, Fields: []storage.FieldDemand{field("a", enough, 0)}}, "", nil},
		{"one more", storage.Demand{Documents: 1001, Finds: 20, Fields: []storage.FieldDemand{field("a", enough, 0)}}, "a", nil},
		{"no help: half of them match", many(storage.Demand{Fields: []storage.FieldDemand{field("done", 100*enough, 50*enough)}}), "", nil},
		{"some help", many(storage.Demand{Fields: []storage.FieldDemand{field("owner", 2*enough, enough/32)}}), "owner", nil},
		{"as many inserts as finds", many(storage.Demand{Finds: 20, Inserts: 20, Fields: []storage.FieldDemand{field("a", enough, 0)}}), "a", nil},
		{"more inserts", many(storage.Demand{Finds: 20, Inserts: 21, Fields: []storage.FieldDemand{field("a", 9*enough, 0)}}), "", nil},
		{"what saves most", many(storage.Demand{Fields: []storage.FieldDemand{
			field("a", 3*enough, enough/8), field("b", 2*enough, 0), field("c", enough, 0)}}), "b", nil},
		{"equal", many(storage.Demand{Fields: []storage.FieldDemand{field("b", enough, 0), field("a", enough, 0)}}), "a", nil},
		{"it is there", many(storage.Demand{Fields: []storage.FieldDemand{field("a", 2*enough, 0), field("b", enough, 0)},
			Indexes: []storage.IndexUse{automatic(1, "a")}}), "b", nil},
		{"the app asked for it", many(storage.Demand{Fields: []storage.FieldDemand{field("a", enough, 0)},
			Indexes: []storage.IndexUse{{ID: 1, Field: "a"}}}), "", nil},
		{"another is being built", many(storage.Demand{Fields: []storage.FieldDemand{field("a", enough, 0)},
			Indexes: []storage.IndexUse{{ID: 1, Field: "b", Building: true}}}), "", nil},
		{"eight", many(storage.Demand{Fields: []storage.FieldDemand{field("a", enough, 0)}, Indexes: full}), "", nil},
		{"eight, and one goes", many(storage.Demand{Fields: []storage.FieldDemand{field("a", enough, 0)},
			Indexes: append([]storage.IndexUse{idle(full[0])}, full[1:]...)}), "a", []int64{1}},
		{"those of the app do not count", many(storage.Demand{Fields: []storage.FieldDemand{field("a", enough, 0)},
			Indexes: append([]storage.IndexUse{{ID: 9, Field: "x"}}, full[1:]...)}), "a", nil},
		{"idle", storage.Demand{Indexes: []storage.IndexUse{idle(automatic(1, "a")), automatic(2, "b")}}, "", []int64{1}},
		{"almost idle", storage.Demand{Indexes: []storage.IndexUse{{ID: 1, Field: "a", Automatic: true, Idle: week - 1}}}, "", nil},
		{"idle, but the app asked for it", storage.Demand{Indexes: []storage.IndexUse{{ID: 1, Field: "a", Idle: 9 * week}}}, "", nil},
		{"idle, and asked for again", many(storage.Demand{Fields: []storage.FieldDemand{field("a", enough, 0)},
			Indexes: []storage.IndexUse{idle(automatic(1, "a"))}}), "", []int64{1}},
	}
	for _, tt := range tests {
		build, drop := storage.ChooseIndexes(tt.give)
		if build != tt.build {
			t.Errorf("%s: builds %q, want %q", tt.name, build, tt.build)
		}
		if diff := cmp.Diff(tt.drop, drop); diff != "" {
			t.Errorf("%s: drops (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestIndexFields(t *testing.T) {
	for query, want := range map[string][]string{
		`{}`:                         nil,
		`{"a":1}`:                    {"a"},
		`{"b":{"$gt":1},"a.c":null}`: {"a.c", "b"},
		`{"a":{"$gt":1,"$lt":5},"$and":[{"b":{"$in":[1]}},{"c":{"$prefix":"x"}}]}`:    {"a", "b", "c"},
		`{"a":{"$ne":1},"b":{"$contains":"x"},"c":{"$exists":true},"d":{"$nin":[1]}}`: nil,
		`{"$or":[{"a":1},{"b":2}],"$not":{"c":1},"d":{"$not":{"$gt":1}}}`:             nil,
	} {
		if diff := cmp.Diff(want, parseQuery(t, query).IndexFields()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}
