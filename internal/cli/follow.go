package cli

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/fairlead/fairlead/gateway/api"
)

const (
	// cuts is how many connections in a row may bring nothing before following gives
	// up: long enough for a gateway that is started again.
	cuts = 20
	// maxProblem bounds what is read of an answer that says no.
	maxProblem = 1 << 20
	// cutDelay is [Program].CutDelay where none is given.
	cutDelay = time.Second
)

// errAsked says that a run asks a person: following it would wait for them.
var errAsked = errors.New("the run waits for a person")

// follow gives every record of a run's log to yield, until the run has ended. A
// stream that is cut is taken up where it was. [errAsked] once the run asks a person.
func (a *App) follow(ctx context.Context, client *api.ClientWithResponses, run string, filter api.GetRunLogsParams, yield func(api.LogRecord) error) error {
	var broken error
	for barren := 0; barren < cuts; barren++ {
		stream := &stream{last: filter.LastEventID, yield: yield}
		err := stream.open(ctx, client, run, filter)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		_, refused := errors.AsType[*Refused](err)
		_, stop := errors.AsType[*stopped](err)
		if stream.ended || refused || stop {
			return err
		}
		if stream.progress {
			barren = 0
		}
		filter.LastEventID, broken = stream.last, err
		select {
		case <-time.After(cmp.Or(a.CutDelay, cutDelay)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fmt.Errorf("the log's stream breaks off again and again; the run goes on, see: %s get %s: %w", a.Name, run, broken)
}

// accept asks for one of the forms that a route can answer in.
func accept(kind string) api.RequestEditorFn {
	return func(_ context.Context, request *http.Request) error {
		request.Header.Set("Accept", kind)
		return nil
	}
}

// stopped is an error of the reader's own, not of the stream.
type stopped struct{ error }

// Unwrap returns the reader's error.
func (s *stopped) Unwrap() error { return s.error }

// stream reads one connection's events (https://html.spec.whatwg.org/multipage/server-sent-events.html).
type stream struct {
	yield    func(api.LogRecord) error
	last     *string // the id of the last event
	progress bool    // at least one event came
	ended    bool    // the event `end` came
}

// open reads one connection until it ends.
func (s *stream) open(ctx context.Context, client *api.ClientWithResponses, run string, filter api.GetRunLogsParams) error {
	response, err := client.GetRunLogs(ctx, run, &filter, accept("text/event-stream"))
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= http.StatusMultipleChoices {
		body, err := io.ReadAll(io.LimitReader(response.Body, maxProblem))
		if err != nil {
			return err
		}
		return refusal(response.StatusCode, response.Header.Get("Content-Type"), body)
	}
	return s.read(response.Body)
}

func (s *stream) read(body io.Reader) error {
	lines := bufio.NewReader(body)
	var event, id string
	var data strings.Builder
	for !s.ended {
		line, err := lines.ReadString('\n')
		if err != nil {
			return fmt.Errorf("log stream: %w", err)
		}
		name, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "event":
			event = value
		case "id":
			id = value
		case "data":
			data.WriteString(value)
		}
		if strings.TrimRight(line, "\r\n") != "" {
			continue
		}
		if err := s.dispatch(event, id, data.String()); err != nil {
			return err
		}
		event, id = "", ""
		data.Reset()
	}
	return nil
}

func (s *stream) dispatch(event, id, data string) error {
	if id != "" {
		s.last = &id
	}
	switch event {
	case "end":
		s.ended, s.progress = true, true
	case "waiting":
		return &stopped{errAsked}
	case "error":
		return interruption([]byte(data))
	case "log":
		s.progress = true
		var record api.LogRecord
		if err := json.Unmarshal([]byte(data), &record); err != nil {
			return fmt.Errorf("log record: %w", err)
		}
		if err := s.yield(record); err != nil {
			return &stopped{err}
		}
	}
	return nil
}

// interruption is why the gateway ended a stream before the run's end, from the problem
// that it sends. It is no [Refused]: another connection may bring the rest.
func interruption(data []byte) error {
	refused := &Refused{}
	if err := json.Unmarshal(data, &refused.Problem); err != nil || refused.Code == "" {
		return errors.New("log stream: the gateway ended it with an error")
	}
	return errors.New(refused.Error())
}
