// Package storagetest is the suite that every engine of package storage passes.
// An engine's own tests call [Run] with a function that opens an empty store.
//
//	func TestConformance(t *testing.T) {
//		storagetest.Run(t, func(tb testing.TB) storage.Store {
//			s, err := sqlite.Open(tb.Context(), filepath.Join(tb.TempDir(), "data.db"), sqlite.Options{})
//			if err != nil {
//				tb.Fatal(err)
//			}
//			return s
//		})
//	}
package storagetest
