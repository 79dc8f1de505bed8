package store

import (
	"encoding/base64"
	"strings"

	"github.com/fairlead/fairlead/internal/job"
)

// Pages have DefaultLimit items where no limit is asked for (0 or less), and MaxLimit at most.
const (
	DefaultLimit = 50
	MaxLimit     = 500
)

// Page is one page of a list. Next is the cursor of the page after it, "" for the last one.
type Page[T any] struct {
	Items []T
	Next  string
}

// The lists that cursors belong to: one of another list is refused.
const (
	listRuns      = "runs"
	listJobs      = "jobs"
	listVersions  = "versions"
	listItems     = "items"
	listApprovals = "approvals"
	listVariables = "variables"
)

func encodeCursor(list, after string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(list + ":" + after))
}

// decodeCursor returns what encodeCursor was given; "" for "". CodeMalformed otherwise.
func decodeCursor(list, cursor string) (string, error) {
	if cursor == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	after, ok := strings.CutPrefix(string(raw), list+":")
	if err != nil || !ok || strings.ContainsRune(after, 0) {
		return "", errCursor()
	}
	return after, nil
}

func errCursor() error {
	return job.Errorf(job.CodeMalformed, "the cursor is none of this list: begin again without one")
}

func pageLimit(limit int) int {
	if limit <= 0 {
		return DefaultLimit
	}
	return min(limit, MaxLimit)
}

// page cuts one more item than the limit off, which only says that there is a next page.
func page[T any](list string, items []T, limit int, key func(T) string) Page[T] {
	if len(items) <= limit {
		return Page[T]{Items: items}
	}
	items = items[:limit]
	return Page[T]{Items: items, Next: encodeCursor(list, key(items[limit-1]))}
}
