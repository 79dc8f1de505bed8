package store

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store/internal/db"
)

// Item is the state of one item of a step; the zero time is "not yet".
type Item struct {
	Run, Step, Key string
	Index          int // its place in the list, from 0
	Status         job.Status
	Reason         job.Reason
	Attempts       int
	Error          *job.Failure
	LogKey         string // the log object of its last execution
	LogRecords     int
	LogSHA256      string
	StartedAt      time.Time
	EndedAt        time.Time
}

// Items lists the items of a step that have begun, in the order of its list; only
// those of the statuses, unless there are none. CodeMalformed: the cursor is none of this list.
func (s *Store) Items(ctx context.Context, run, step string, statuses []job.Status, limit int, cursor string) (Page[Item], error) {
	position, key, err := decodeItemCursor(cursor)
	if err != nil {
		return Page[Item]{}, err
	}
	limit = pageLimit(limit)
	rows, err := s.queries.ListItems(ctx, db.ListItemsParams{
		Run: run, Step: step, Statuses: texts(statuses), AfterPosition: position, AfterItem: key, Max: int32(limit) + 1, //nolint:gosec // at most MaxLimit
	})
	if err != nil {
		return Page[Item]{}, failed("list items", err)
	}
	items := make([]Item, len(rows))
	for i, row := range rows {
		failure, err := decodeFailure(row.Error)
		if err != nil {
			return Page[Item]{}, err
		}
		items[i] = Item{
			Run: row.Run, Step: row.Step, Key: row.Item, Index: int(row.Position),
			Status: job.Status(row.Status), Reason: job.Reason(value(row.Reason)), Attempts: int(row.Attempts), Error: failure,
			LogKey: value(row.LogKey), LogRecords: int(row.LogRecords), LogSHA256: value(row.LogSha256),
			StartedAt: instant(row.StartedAt), EndedAt: instant(row.EndedAt),
		}
	}
	return page(listItems, items, limit, func(i Item) string { return strconv.Itoa(i.Index) + ":" + i.Key }), nil
}

// decodeItemCursor returns the place behind which a page begins, -1 for the first page.
func decodeItemCursor(cursor string) (position int32, key string, err error) {
	after, err := decodeCursor(listItems, cursor)
	if err != nil || after == "" {
		return -1, "", err
	}
	number, key, _ := strings.Cut(after, ":")
	parsed, err := strconv.ParseInt(number, 10, 32)
	if err != nil {
		return 0, "", errCursor()
	}
	return int32(parsed), key, nil
}
