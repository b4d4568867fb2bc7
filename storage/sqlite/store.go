package sqlite

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/fazt-sh/fazt/storage"
)

var _ storage.Store = (*Store)(nil)

// Options configures a [Store]. The zero value is ready to use.
type Options struct {
	// Logger gets what no caller is told: commits that failed, panics in
	// transactions, sweeps that failed. Default: nil, which discards it.
	Logger *slog.Logger

	// Quotas bound what each app stores through this Store. Other processes on
	// the same file go by their own.
	Quotas storage.Quotas
}

// Store is an open data file. It implements [storage.Store].
type Store struct {
	path      string
	logger    *slog.Logger
	writer    *writer
	snapshots *snapshots
	readers   *readers // for apps' data
	streams   *readers // for the chunks of bodies, which may be read slowly and by many
	system    *readers // for everything else: an app's long scans never hold up a file or a session
	watch     *watch
	reading   pins          // bodies that are being read
	queries   chan struct{} // an element for each query of an operator's that is under way
	quotas    storage.Quotas
	sweeper   *sweeper
	vacuum    *vacuum
	indexer   *indexer

	searched func()                           // if a test has set it, called after a search for matches
	free     func() (bytes int64, known bool) // how much room the disk has, unless a test says so

	closeOnce sync.Once
	closeErr  error
}

// Open opens the data file at path, and makes it, with its directory, if there
// is none. The file is for its owner alone (mode 0600, a new directory 0700).
//
// A file that is not a fazt data file, that cannot be written or that a newer
// fazt has written is refused with a [storage.Error] and left as it is. An
// older one is brought up to date.
func Open(ctx context.Context, path string, opt Options) (*Store, error) {
	logger := opt.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	quotas, err := opt.Quotas.WithDefaults()
	if err != nil {
		return nil, err
	}
	path, err = prepareFile(path)
	if err != nil {
		return nil, err
	}
	c, err := openWriter(ctx, path)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, logger: logger, quotas: quotas, snapshots: newSnapshots(),
		queries: make(chan struct{}, maxQueries),
		free:    func() (int64, bool) { return freeBytes(filepath.Dir(path)) }}
	if s.writer, err = newWriter(c, path, s.snapshots, logger, quotas); err != nil {
		c.close()
		return nil, wrap("open", err)
	}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(wrap("open", err), s.Close())
	}
	return s, nil
}

// start brings the schema up to date and opens the rest of the connections.
func (s *Store) start(ctx context.Context) (err error) {
	if err := s.migrate(ctx, "open", module, schema); err != nil {
		return err
	}
	if s.readers, err = openReaders(s.path, readerCache, s.snapshots); err != nil {
		return err
	}
	s.readers.demand = s.writer.demand
	if s.streams, err = openReaders(s.path, streamCache, s.snapshots); err != nil {
		return err
	}
	if s.system, err = openReaders(s.path, systemCache, s.snapshots); err != nil {
		return err
	}
	if s.watch, err = openWatch(s.path, s.logger); err != nil {
		return err
	}
	s.vacuum = startVacuum(s)
	s.indexer = startIndexer(s)
	s.sweeper = startSweeper(s)
	s.writer.cleared = s.sweeper.now
	return nil
}

// Close waits for accepted writes and for reads that are under way, and
// releases the file. Later calls return what the first did.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		var errs []error
		if s.sweeper != nil {
			s.sweeper.stop()
			s.vacuum.stop()
		}
		if s.indexer != nil {
			s.indexer.stop()
		}
		s.writer.close()
		if s.watch != nil {
			errs = append(errs, s.watch.close())
		}
		for _, r := range []*readers{s.readers, s.streams, s.system} {
			if r != nil {
				errs = append(errs, r.close())
			}
		}
		errs = append(errs, s.writer.checkpoints.close())
		// The last connection to close folds the log into the data file, so it
		// must be one that can write.
		if s.sweeper != nil {
			// If this is the last connection, the file needs no log from then on, and
			// says so: a copy of it is known to be whole.
			s.writer.conn.queryRow("PRAGMA journal_mode = DELETE")
		}
		errs = append(errs, s.writer.conn.close())
		s.closeErr = wrap("close", errors.Join(errs...))
	})
	return s.closeErr
}
