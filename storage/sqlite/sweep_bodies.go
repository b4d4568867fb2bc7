package sqlite

import (
	"time"

	"github.com/fazt-sh/fazt/storage"
)

// contents lets go of content that no version has referred to for a while.
func (w *sweeper) contents() error {
	const loose = `SELECT id FROM contents WHERE touched_at <= ?
		AND NOT EXISTS (SELECT 1 FROM files WHERE files.hash = contents.hash) LIMIT ?`
	old := time.Now().Add(-contentGrace).UnixMilli()
	ids, err := w.find(loose, old, 1)
	if err != nil || len(ids) == 0 {
		return err
	}
	return w.each("DELETE FROM contents WHERE id IN ("+loose+")", old, sweepRows)
}

// discard has the sweeper take a body that was given up, unless it is named by
// now. It waits for nothing: the caller's deadline may have passed.
func (w *sweeper) discard(id int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.discarded = append(w.discarded, id)
	w.now()
}

// bodies removes the bodies that nothing names and nobody reads. A body is
// marked first, and taken off the list last: from the mark on no upload can go
// on with it, and what a crash leaves is found again.
func (w *sweeper) bodies() error {
	const mark = "UPDATE loose_bodies SET sweep_at = 0 WHERE id = ? AND sweep_at BETWEEN 1 AND ?"
	w.mu.Lock()
	discarded := w.discarded
	w.discarded = nil
	w.mu.Unlock()
	for _, id := range discarded {
		if err := w.each(mark, id, int64(1)<<62); err != nil {
			return err
		}
	}
	now := time.Now().UnixMilli()
	ids, err := w.find("SELECT id FROM loose_bodies WHERE sweep_at <= ?", now)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if w.store.reading.has(id.(int64)) {
			continue
		}
		err := w.each(mark, id, now)
		if err == nil {
			err = w.each(`DELETE FROM chunks WHERE (content, n) IN (
				SELECT c.content, c.n FROM loose_bodies l JOIN chunks c ON c.content = l.id
				WHERE l.id = ? AND l.sweep_at = 0 LIMIT ?)`, id, sweepChunks)
		}
		if err == nil {
			err = w.each("DELETE FROM loose_bodies WHERE id = ? AND sweep_at = 0", id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// removeRest removes what a removed app has besides keys and documents.
func (w *sweeper) removeRest(app any) error {
	err := w.each(`DELETE FROM blobs WHERE (app, user, path) IN (
		SELECT app, user, path FROM blobs WHERE app = ? LIMIT ?)`, app, sweepChunks)
	if err == nil {
		err = w.each("DELETE FROM logs WHERE id IN (SELECT id FROM logs WHERE app = ? LIMIT ?)", app, sweepRows)
	}
	if err == nil {
		err = w.each("DELETE FROM env_vars WHERE app = ?", app)
	}
	if err == nil {
		err = w.each("DELETE FROM usage WHERE app = ?", app)
	}
	return err
}

// logged remembers whose logs have grown.
func (w *sweeper) logged(lines []storage.LogLine) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.printed == nil {
		w.printed = make(map[string]bool)
	}
	for _, l := range lines {
		w.printed[l.App] = true
	}
}

// logs removes old lines, and those beyond what an app may keep. Ids follow
// time, so the oldest line tells whether there is anything old.
func (w *sweeper) logs() error {
	old := time.Now().Add(-storage.LogAge).UnixMilli()
	ids, err := w.find("SELECT id FROM (SELECT id, at FROM logs ORDER BY id LIMIT 1) WHERE at <= ?", old)
	if err == nil && len(ids) > 0 {
		err = w.each("DELETE FROM logs WHERE id IN (SELECT id FROM logs ORDER BY id LIMIT ?) AND at <= ?", sweepRows, old)
	}
	if err != nil {
		return err
	}
	w.mu.Lock()
	printed := w.printed
	w.printed = nil
	w.mu.Unlock()
	for app := range printed {
		ids, err := w.find("SELECT id FROM logs WHERE app = ? ORDER BY id DESC LIMIT 1 OFFSET ?", app, storage.LogLines)
		if err == nil && len(ids) > 0 {
			err = w.each("DELETE FROM logs WHERE id IN (SELECT id FROM logs WHERE app = ? AND id <= ? LIMIT ?)", app, ids[0], sweepRows)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
