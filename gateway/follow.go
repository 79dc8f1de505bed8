package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/fairlead/fairlead/gateway/problem"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/joblog"
	"github.com/fairlead/fairlead/internal/report"
)

const (
	// firstSign is when a caller who has heard nothing yet is told that the stream is open.
	firstSign = 500 * time.Millisecond
	// keepAlive is how often a silent stream has a comment, so that no proxy closes it.
	keepAlive = 15 * time.Second
)

// The events of a log that is followed.
const (
	eventLog     = "log"
	eventWaiting = "waiting"
	eventEnd     = "end"
	eventError   = "error"
)

// runState is the data of the events that tell how the run stands.
type runState struct {
	Run    string     `json:"run"`
	Status job.Status `json:"status"`
}

// state sends how the run stands.
func (s *stream) state(event, run string, status job.Status) error {
	data, err := json.Marshal(runState{Run: run, Status: status})
	if err != nil {
		return fmt.Errorf("encode how the run stands: %w", err)
	}
	return s.event(event, "", data)
}

// streamEvents follows a run's log to the run's end.
func (s *server) streamEvents(ctx context.Context, run string, filter joblog.Filter) func(http.ResponseWriter) error {
	return func(w http.ResponseWriter) error {
		caller := ctx
		ctx, cancel := s.untilDrained(caller)
		defer cancel()
		out := newStream(w, eventsType)
		stop := keepOpen(ctx, out)
		err := s.follow(ctx, run, filter, out)
		stop()
		switch {
		case err != nil && ctx.Err() != nil && caller.Err() == nil && !out.hasBegun():
			return job.Wrap(job.CodeUnavailable, err, "this gateway is stopping: try again, another one answers")
		case err == nil, ctx.Err() != nil: // a caller who is cut off by a drain comes back with the last ID
			return nil
		case !out.hasBegun():
			return err
		}
		return s.tell(ctx, out, err)
	}
}

// follow sends every record, what the run asks people in between, then the end.
func (s *server) follow(ctx context.Context, run string, filter joblog.Filter, out *stream) error {
	err := s.Logs.Follow(ctx, run, filter, func(entry report.Entry) error {
		data, err := json.Marshal(entry)
		if err != nil {
			return fmt.Errorf("encode a record: %w", err)
		}
		return out.event(eventLog, entry.Position(), data)
	}, func(status job.Status) error { return out.state(eventWaiting, run, status) })
	if err != nil {
		return err
	}
	state, err := s.Runs.RunState(ctx, run)
	if err != nil {
		return err
	}
	return out.state(eventEnd, run, state.Status)
}

// tell sends an error as the last event of a stream that has begun.
func (s *server) tell(ctx context.Context, out *stream, failed error) error {
	if job.CodeOf(failed) == job.CodeInternal {
		return failed // most likely the caller has gone
	}
	data, err := json.Marshal(problem.Of(failed, "", out.w.Header().Get(requestHeader)))
	if err != nil {
		return errors.Join(failed, err)
	}
	s.Log.WarnContext(ctx, "a log can't be followed", "request_id", out.w.Header().Get(requestHeader), "error", failed)
	return out.event(eventError, "", data)
}

// untilDrained is a context that ends with its parent and when the gateway drains.
func (s *server) untilDrained(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	if s.Draining == nil {
		return ctx, cancel
	}
	go func() {
		select {
		case <-s.Draining:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// keepOpen sends comments until it is stopped; the returned function waits until none is being sent.
func keepOpen(ctx context.Context, out *stream) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for pause := firstSign; ; pause = keepAlive {
			timer := time.NewTimer(pause)
			select {
			case <-ctx.Done():
				timer.Stop()
				return
			case <-timer.C:
			}
			if out.write([]byte(": open\n\n")) != nil || out.flush() != nil {
				return
			}
		}
	}()
	return func() { cancel(); <-done }
}
