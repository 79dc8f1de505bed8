package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/fairlead/fairlead/gateway/api"
	"github.com/fairlead/fairlead/internal/joblog"
	"github.com/fairlead/fairlead/internal/report"
)

const (
	linesType  = "application/x-ndjson"
	eventsType = "text/event-stream"
)

// GetRunLogs returns a page of a run's log, all of it as lines, or follows it.
func (s *server) GetRunLogs(ctx context.Context, request api.GetRunLogsRequestObject) (api.GetRunLogsResponseObject, error) {
	params := request.Params
	filter := joblog.Filter{
		Step: value(params.Step), Item: value(params.Item), Attempt: int(value(params.Attempt)), Level: string(value(params.Level)),
		Query: value(params.Q), After: value(params.After),
	}
	switch accepted(ctx, jsonType, linesType, eventsType) {
	case linesType:
		return logStream{s.streamLines(ctx, request.Run, filter)}, nil
	case eventsType:
		if last := value(params.LastEventID); last != "" {
			filter.After = last
		}
		return logStream{s.streamEvents(ctx, request.Run, filter)}, nil
	}
	records, next, err := s.Logs.Page(ctx, request.Run, filter, int(value(params.Limit)))
	if err != nil {
		return nil, err
	}
	items := make([]api.LogRecord, len(records))
	for i, record := range records {
		items[i] = toRecord(record)
	}
	return api.GetRunLogs200JSONResponse{Items: items, Next: next}, nil
}

func toRecord(record joblog.Record) api.LogRecord {
	return api.LogRecord{
		Ts: record.Time, Level: record.Level, Msg: record.Message, Step: record.Step, Item: record.Item,
		Attempt: record.Attempt, Execution: record.Execution, Seq: int64(record.Seq), Fields: record.Fields,
	}
}

// logStream is an answer that is written as it comes.
type logStream struct {
	run func(http.ResponseWriter) error
}

// VisitGetRunLogsResponse writes the answer.
func (l logStream) VisitGetRunLogsResponse(w http.ResponseWriter) error { return l.run(w) }

// streamLines writes a run's log as it is now, one record a line.
func (s *server) streamLines(ctx context.Context, run string, filter joblog.Filter) func(http.ResponseWriter) error {
	return func(w http.ResponseWriter) error {
		out := newStream(w, linesType)
		err := s.Logs.Logs(ctx, run, filter, func(entry report.Entry) error {
			line, err := json.Marshal(entry)
			if err != nil {
				return fmt.Errorf("encode a record: %w", err)
			}
			return out.write(append(line, '\n'))
		})
		if err != nil {
			return err
		}
		return out.flush()
	}
}
