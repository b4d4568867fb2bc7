package postgres

import "context"

// contents lets go of content that no version has referred to for a while. The row's own
// time is looked at once more where it is removed: whoever has stored the same content
// meanwhile has made it later.
func (w *sweeper) contents(ctx context.Context) error {
	const old = "touched_at <= (SELECT " + clock + ") - $1 AND NOT EXISTS (SELECT 1 FROM files f WHERE f.hash = contents.hash)"
	grace := contentGrace.Milliseconds()
	found, err := w.find(ctx, "SELECT hash FROM contents WHERE "+old+" LIMIT 1", grace)
	if err != nil || len(found) == 0 {
		return err
	}
	// In the turn of the catalogue's changes, so that no version is published meanwhile
	// that refers to it.
	return w.removeRows(ctx, "", sweepRows, `WITH gone AS (
			DELETE FROM contents WHERE `+old+` AND (hash, encoding) IN (SELECT hash, encoding FROM contents WHERE `+old+` LIMIT $2) RETURNING body)
		INSERT INTO loose_bodies (id, sweep_at) SELECT body, `+letGoUntil+` FROM gone`, grace)
}

// discard has a body swept that was given up, unless it is named by now. It waits for
// nothing: the caller's deadline may have passed.
func (w *sweeper) discard(id string) {
	w.mu.Lock()
	w.discarded = append(w.discarded, id)
	w.mu.Unlock()
	w.now()
}

// bodies removes the bodies that nothing names and nobody reads. A body is marked
// first, and taken off the list last: from the mark on no upload can go on with it, and
// what a crash leaves is found again.
func (w *sweeper) bodies(ctx context.Context) error {
	s := w.store
	w.mu.Lock()
	discarded := w.discarded
	w.discarded = nil
	w.mu.Unlock()
	if len(discarded) > 0 {
		if _, err := s.exec(ctx, "sweep", "UPDATE loose_bodies SET sweep_at = 0 WHERE id = ANY($1) AND sweep_at > 0", discarded); err != nil {
			return err // they go when their upload would have been abandoned
		}
	}
	if _, err := s.exec(ctx, "sweep", "UPDATE loose_bodies SET sweep_at = 0 WHERE sweep_at > 0 AND sweep_at <= (SELECT "+clock+")"); err != nil {
		return err
	}
	ids, err := w.find(ctx, "SELECT id FROM loose_bodies WHERE sweep_at = 0")
	if err != nil {
		return err
	}
	for _, id := range ids {
		err := w.each(ctx, sweepChunks, func(limit int) (int, error) {
			n, err := s.exec(ctx, "sweep", "DELETE FROM chunks WHERE body = $1 AND n IN (SELECT n FROM chunks WHERE body = $1 ORDER BY n LIMIT $2)", id, limit)
			return int(n), err
		})
		if err == nil {
			_, err = s.exec(ctx, "sweep", "DELETE FROM loose_bodies WHERE id = $1 AND sweep_at = 0", id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
