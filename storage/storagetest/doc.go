// Package storagetest is the suite that every engine of package storage passes.
// An engine's own tests call [Run] with a function that makes empty data.
//
//	type dataFile struct{ path string }
//
//	func (f dataFile) Open(tb testing.TB, q storage.Quotas) storage.Store {
//		s, err := sqlite.Open(tb.Context(), f.path, sqlite.Options{Quotas: q})
//		if err != nil {
//			tb.Fatal(err)
//		}
//		return s
//	}
//
//	func TestConformance(t *testing.T) {
//		storagetest.Run(t, func(tb testing.TB) storagetest.Engine {
//			return dataFile{filepath.Join(tb.TempDir(), "data.db")}
//		})
//	}
//
// What more can be done with an engine's data, such as to open it twice, the
// suite learns from the methods that the [Engine] has, and never from its name.
package storagetest
