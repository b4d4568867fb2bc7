package sqlite

// AcknowledgeEarly makes a store answer its callers before the commit: the
// mistake that the crash test is there to find.
func AcknowledgeEarly(s *Store) {
	s.writer.beforeCommit = func(batch []*request) []*request {
		answer(batch, func(r *request) error { return r.err })
		return nil
	}
}
