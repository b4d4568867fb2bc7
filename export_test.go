package fazt

import (
	"net/url"
	"time"

	"github.com/fazt-sh/fazt/runtime"
)

// What the external tests need of the inside.

func ParseManifest(text []byte) error {
	_, err := parseManifest(text)
	return err
}

var (
	CleanName      = cleanName
	CleanPath      = cleanPath
	HasContentHash = hasContentHash
	ChooseEncoding = chooseEncoding
)

// CheckBatch reads the argument of a batch, as far as that needs no data.
func CheckBatch(text []byte) error {
	items, err := batchItems(runtime.Args{runtime.JSON(text)})
	for i, item := range items {
		if _, err := item.write(i); err != nil {
			return err
		}
	}
	return err
}

// ValidBlobLink reports whether a query is that of a signed URL.
func ValidBlobLink(rawQuery string) bool {
	_, ok := parseBlobLink(&url.URL{RawQuery: rawQuery}, "app", []byte("a key of the test's own"), time.Now())
	return ok
}

// HasStatus reports whether a code is in the table of statuses.
func HasStatus(code string) bool {
	_, ok := statuses[code]
	return ok
}

// WritesWaiting is how many wait for the writer.
func WritesWaiting(s *Server) int { return s.store.Stats().Depth }
