package sqlite_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// TestIndexesComeAndGo holds large collections of two users against a plain model of them,
// while indexes make themselves, are dropped, asked for by deploys and built again beside
// writes of all kinds. The suite of package storagetest does the same with small ones.
func TestIndexesComeAndGo(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *sqlite.Store) {
				m := &manyDocs{T: t, store: s, random: rand.New(rand.NewPCG(seed, 1)), seen: make(map[string]bool)}
				m.app = publish(t, s, "shop", nil)
				for round := range 6 {
					m.fill(1200)
					time.Sleep(8 * time.Hour) // until the inserts are forgotten
					field := plainFields[round%len(plainFields)]
					for range 50 {
						m.find(m.condition(field))
						m.scan(field)
					}
					if round%3 == 2 {
						m.unuse()
					}
					if round%4 == 3 {
						publish(t, s, "shop", map[string][]string{"items": {pick(m, plainFields...)}})
					}
					for range 5 {
						m.write()
						m.find(m.condition(field))
					}
					time.Sleep(5 * time.Second) // and what the indexer does then goes on beside the writes
					for range 12 {
						m.write()
						m.find(m.condition(pick(m, plainFields...)))
					}
					m.noteIndexes()
				}
				decide()
				verifyIndexes(t, s)
				if len(m.seen) < 2 {
					t.Errorf("only %v had an index: the test proves little", m.seen)
				}
			})
		})
	}
}

// manyDocs is a store and a model of what two users have in one collection.
type manyDocs struct {
	*testing.T
	store  *sqlite.Store
	random *rand.Rand
	app    string
	users  [2][]plainDoc // in order of insertion
	next   int
	seen   map[string]bool // fields that had an index
}

// plainDoc is a document without its times.
type plainDoc = map[string]any

// plainFields are those that queries name.
var plainFields = []string{"n", "text", "m.x", "mixed"}

func pick[T any](m *manyDocs, of ...T) T { return of[m.random.IntN(len(of))] }

func (m *manyDocs) scope(user int) storage.Scope {
	return storage.Scope{App: m.app, User: [...]string{"", "ann"}[user]}
}

// value is one that a field may have: in the first some are alike for longer than an
// index holds, and in the last all kinds are side by side.
func (m *manyDocs) value(field string) any {
	n := m.random.IntN(150)
	switch field {
	case "text":
		return pick(m, "", strings.Repeat("long ", storage.MaxIndexKey/5+1), "\"\\\x1e é") + fmt.Sprint("name ", n)
	case "mixed":
		return pick[any](m, nil, true, float64(n), fmt.Sprint(n), []any{float64(n % 9)}, map[string]any{"a": fmt.Sprint(n)})
	}
	return float64(n)
}

func at(doc plainDoc, field string) any {
	name, inner, nested := strings.Cut(field, ".")
	if nested {
		doc, _ = doc[name].(plainDoc)
		return at(doc, inner)
	}
	return doc[name]
}

func jsonOf(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // the values are all of JSON's
	}
	return b
}

// fill inserts documents until there are so many of one user, and some of the other.
func (m *manyDocs) fill(count int) {
	m.Helper()
	for user, count := range []int{count, count / 8} {
		for len(m.users[user]) < count {
			m.insert(user, min(500, count-len(m.users[user])))
		}
	}
}

func (m *manyDocs) insert(user, count int) {
	m.Helper()
	var docs []plainDoc
	for range count {
		m.next++
		doc := plainDoc{"id": fmt.Sprint(m.next), "n": m.value("n"), "text": m.value("text"), "m": plainDoc{"x": m.value("m.x")}}
		if m.random.IntN(4) > 0 {
			doc["mixed"] = m.value("mixed")
		}
		docs = append(docs, doc)
	}
	if err := m.store.Tx(m.Context(), m.scope(user), func(tx storage.Tx) error {
		for _, doc := range docs {
			if _, err := tx.Docs().Insert("items", jsonOf(doc)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		m.Fatal(err)
	}
	m.users[user] = append(m.users[user], docs...)
}

// plainQuery is a query with what it means.
type plainQuery struct {
	text  map[string]any
	match func(plainDoc) bool
}

func (m *manyDocs) condition(field string) plainQuery {
	if m.random.IntN(8) == 0 {
		other := pick(m, plainFields...)
		if other != field {
			a, b := m.condition(field), m.condition(other)
			return plainQuery{map[string]any{"$and": []any{a.text, b.text}}, func(d plainDoc) bool { return a.match(d) && b.match(d) }}
		}
	}
	value := m.value(field)
	switch n, isNumber := value.(float64); m.random.IntN(5) {
	case 0:
		if isNumber {
			return plainQuery{map[string]any{field: map[string]any{"$gte": n, "$lt": n + 3}}, func(d plainDoc) bool {
				v, ok := at(d, field).(float64)
				return ok && v >= n && v < n+3
			}}
		}
	case 1:
		if s, ok := value.(string); ok {
			return plainQuery{map[string]any{field: map[string]any{"$prefix": s}}, func(d plainDoc) bool {
				v, ok := at(d, field).(string)
				return ok && strings.HasPrefix(v, s)
			}}
		}
	case 2:
		other := m.value(field)
		return plainQuery{map[string]any{field: map[string]any{"$in": []any{value, other}}}, func(d plainDoc) bool {
			return reflect.DeepEqual(at(d, field), value) || reflect.DeepEqual(at(d, field), other)
		}}
	}
	return plainQuery{map[string]any{field: map[string]any{"$eq": value}}, func(d plainDoc) bool { return reflect.DeepEqual(at(d, field), value) }}
}

// scan asks for an index of a field, without a look at what it finds.
func (m *manyDocs) scan(field string) {
	m.Helper()
	q := map[string]any{field: m.value(field)}
	if _, err := m.store.Find(m.Context(), m.scope(0), "items", jsonOf(q), storage.FindOptions{}); err != nil {
		m.Fatal(err)
	}
}

// find compares a page of the matches, and now and then their number.
func (m *manyDocs) find(q plainQuery) {
	m.Helper()
	user := min(m.random.IntN(6), 1) ^ 1
	opt := storage.FindOptions{Limit: pick(m, 0, 0, 0, 1, 20, 100), Offset: pick(m, 0, 0, 0, 1, 70),
		Sort: pick(m, "", "", "", "n", "text", "m.x", "mixed"), Desc: m.random.IntN(2) == 0}
	if m.random.IntN(6) == 0 {
		q = plainQuery{map[string]any{}, func(plainDoc) bool { return true }}
	}
	var want []plainDoc
	for _, d := range m.users[user] {
		if q.match(d) {
			want = append(want, d)
		}
	}
	count := len(want)
	if opt.Sort != "" {
		slices.SortStableFunc(want, func(a, b plainDoc) int { return comparePlain(at(a, opt.Sort), at(b, opt.Sort)) })
	}
	if opt.Desc {
		slices.Reverse(want)
	}
	want = want[min(opt.Offset, len(want)):]
	want = want[:min(cmp.Or(opt.Limit, len(want)), len(want))]

	found, err := m.store.Find(m.Context(), m.scope(user), "items", jsonOf(q.text), opt)
	if err != nil {
		m.Fatal(err)
	}
	if diff := gocmp.Diff(m.ids(want), m.storedIDs(found)); diff != "" {
		m.Fatalf("user %d: %s %+v: -want +got\n%s", user, jsonOf(q.text), opt, diff)
	}
	if m.random.IntN(4) > 0 {
		return
	}
	if err := m.store.View(m.Context(), m.scope(user), func(tx storage.Tx) error {
		n, err := tx.Docs().Count("items", jsonOf(q.text))
		if err == nil && n != count {
			err = fmt.Errorf("%d match, want %d", n, count)
		}
		return err
	}); err != nil {
		m.Fatalf("%s: %v", jsonOf(q.text), err)
	}
}

func (m *manyDocs) ids(docs []plainDoc) []string {
	ids := []string{}
	for _, d := range docs {
		ids = append(ids, d["id"].(string))
	}
	return ids
}

func (m *manyDocs) storedIDs(docs []json.RawMessage) []string {
	ids := []string{}
	for _, body := range docs {
		var d struct{ ID string }
		if err := json.Unmarshal(body, &d); err != nil {
			m.Fatal(err)
		}
		ids = append(ids, d.ID)
	}
	return ids
}

// comparePlain is the order of a sort.
func comparePlain(a, b any) int {
	rank := func(v any) int {
		return slices.Index([]string{"<nil>", "bool", "float64", "string", "[]interface {}", "map[string]interface {}"}, fmt.Sprintf("%T", v))
	}
	if c := cmp.Compare(rank(a), rank(b)); c != 0 {
		return c
	}
	switch a := a.(type) {
	case float64:
		return cmp.Compare(a, b.(float64))
	case string:
		return strings.Compare(a, b.(string))
	}
	return 0
}

// write changes or removes some documents of one user in one of the ways that there are.
func (m *manyDocs) write() {
	m.Helper()
	user := m.random.IntN(2)
	q := m.condition(pick(m, plainFields...))
	var write func(storage.ChunkedDocs) (int, error)
	want := 0
	switch m.random.IntN(12) {
	case 0:
		want, m.users[user] = len(m.users[user]), nil
		write = func(d storage.ChunkedDocs) (int, error) { return d.Delete("items", json.RawMessage(`{}`)) }
	case 1:
		keep := max(0, len(m.users[user])-m.random.IntN(300))
		want, m.users[user] = len(m.users[user])-keep, m.users[user][len(m.users[user])-keep:]
		write = func(d storage.ChunkedDocs) (int, error) { return d.DeleteOldest("items", keep) }
	case 2, 3, 4:
		want = len(m.users[user])
		m.users[user] = slices.DeleteFunc(m.users[user], q.match)
		want -= len(m.users[user])
		write = func(d storage.ChunkedDocs) (int, error) { return d.Delete("items", jsonOf(q.text)) }
	case 5, 6:
		m.insert(user, 1+m.random.IntN(40))
		return
	default:
		field := pick(m, plainFields...)
		value := m.value(field)
		for _, d := range m.users[user] {
			if !q.match(d) {
				continue
			}
			want++
			if field == "m.x" {
				d["m"] = plainDoc{"x": value}
			} else {
				d[field] = value
			}
		}
		write = func(d storage.ChunkedDocs) (int, error) {
			return d.Update("items", jsonOf(q.text), jsonOf(map[string]any{"$set": map[string]any{field: value}}))
		}
	}
	n := 0
	var err error
	if m.random.IntN(2) == 0 {
		n, err = write(m.store.InChunks(m.Context(), m.scope(user)))
	} else {
		err = m.store.Tx(m.Context(), m.scope(user), func(tx storage.Tx) (err error) {
			n, err = write(tx.Docs())
			return err
		})
	}
	if err != nil || n != want {
		m.Fatalf("user %d: %s: %d written, %v, want %d", user, jsonOf(q.text), n, err, want)
	}
}

// unuse has the indexes that have made themselves dropped, as after a week.
func (m *manyDocs) unuse() {
	m.Helper()
	if err := m.store.Write(context.Background(), func(q storage.SQL) error {
		_, err := q.Exec("UPDATE indexes SET used_at = 1 WHERE automatic = 1")
		return err
	}); err != nil {
		m.Fatal(err)
	}
	time.Sleep(sqlite.SweepInterval)
}

func (m *manyDocs) noteIndexes() {
	m.Helper()
	synctest.Wait()
	all, err := m.store.Indexes(m.Context(), m.app)
	if err != nil {
		m.Fatal(err)
	}
	for _, c := range all {
		for _, x := range c.Indexes {
			m.seen[x.Field] = true
		}
	}
}
