package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/fairlead/fairlead/gateway/api"
	"github.com/fairlead/fairlead/gateway/contract"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

// maxInline is the most bytes of an input or output that a run has in itself.
const maxInline = 128 << 10

// ListRuns lists a team's runs.
func (s *server) ListRuns(ctx context.Context, request api.ListRunsRequestObject) (api.ListRunsResponseObject, error) {
	filter, err := runFilter(request.Params)
	if err != nil {
		return nil, err
	}
	page, err := s.Runs.Runs(ctx, request.Team, filter, pageLimit(request.Params.Limit), value(request.Params.Cursor))
	if err != nil {
		return nil, err
	}
	items := make([]api.Run, len(page.Items))
	for i, run := range page.Items {
		items[i] = toRun(run)
	}
	return api.ListRuns200JSONResponse{Items: items, Next: page.Next}, nil
}

func runFilter(params api.ListRunsParams) (store.Filter, error) {
	filter := store.Filter{
		Job: value(params.Job), Trigger: string(value(params.Trigger)), Parent: value(params.Parent), Version: int(value(params.Version)),
		Since: value(params.Since), Until: value(params.Until), Query: value(params.Q),
	}
	for _, status := range value(params.Status) {
		filter.Status = append(filter.Status, job.Status(status))
	}
	for _, label := range value(params.Label) {
		key, wanted, _ := strings.Cut(label, "=")
		if other, twice := filter.Labels[key]; twice && other != wanted {
			return store.Filter{}, malformed([]job.Field{{Pointer: "/query/label", Message: "a label has one value: `" + contract.Shorten(key) + "` is given with two"}})
		}
		if filter.Labels == nil {
			filter.Labels = map[string]string{}
		}
		filter.Labels[key] = wanted
	}
	return filter, nil
}

// GetRun returns one run.
func (s *server) GetRun(ctx context.Context, request api.GetRunRequestObject) (api.GetRunResponseObject, error) {
	run, err := s.Runs.Run(ctx, request.Run)
	if err != nil {
		return nil, err
	}
	return api.GetRun200JSONResponse(toRun(run)), nil
}

// GetRunInput returns a run's input as it is kept.
func (s *server) GetRunInput(ctx context.Context, request api.GetRunInputRequestObject) (api.GetRunInputResponseObject, error) {
	run, err := s.Runs.Run(ctx, request.Run)
	if err != nil {
		return nil, err
	}
	return rawJSON{bytes.NewReader(run.Input)}, nil
}

// GetRunOutput returns a run's output as it is kept.
func (s *server) GetRunOutput(ctx context.Context, request api.GetRunOutputRequestObject) (api.GetRunOutputResponseObject, error) {
	run, err := s.Runs.Run(ctx, request.Run)
	switch {
	case err != nil:
		return nil, err
	case !run.Status.Ended():
		return nil, job.Errorf(job.CodeConflict, "the run is still %s: it has an output when it has succeeded", run.Status)
	case run.OutputKey == "" && run.Output == nil && run.Status == job.StatusSucceeded:
		return nil, job.Errorf(job.CodeNotFound, "the run has no output: its job declares none")
	case run.OutputKey == "" && run.Output == nil:
		return nil, job.Errorf(job.CodeNotFound, "the run has no output: it ended %s", run.Status)
	}
	if run.OutputKey == "" {
		return rawJSON{bytes.NewReader(run.Output)}, nil
	}
	object, err := s.open(ctx, run.OutputKey)
	if err != nil {
		return nil, err
	}
	return storedJSON{object}, nil
}

// open opens the object of a large output; the caller closes it.
func (s *server) open(ctx context.Context, key string) (io.ReadCloser, error) {
	object, err := s.Objects.Get(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, job.Wrap(job.CodeNotFound, err, "the output is no longer kept")
	}
	if err != nil {
		return nil, job.Wrap(job.CodeUnavailable, err, "the store of large outputs is away: try again")
	}
	return object, nil
}

func toRun(run store.Run) api.Run {
	answer := api.Run{
		Id: run.ID, Team: run.Team, Job: run.Job, Version: run.Version, Status: api.RunStatus(run.Status),
		Trigger: api.Trigger{Kind: api.TriggerKind(run.Trigger.Kind), By: run.Trigger.By, Parent: parentOf(run)},
		Labels:  labels(run.Labels), Priority: run.Priority, Error: toFailure(run.Error), Cleanup: api.Cleanup(run.Cleanup),
		CreatedAt: run.CreatedAt, StartedAt: optionalTime(run.StartedAt), EndedAt: optionalTime(run.EndedAt),
	}
	answer.Input = run.Input
	if len(run.Input) > maxInline {
		answer.Input, answer.InputUrl = nil, "/v1/runs/"+run.ID+"/input"
	}
	answer.Output = run.Output
	if len(run.Output) > maxInline || run.OutputKey != "" {
		answer.Output, answer.OutputUrl = nil, "/v1/runs/"+run.ID+"/output"
	}
	return answer
}

// parentOf is the run that started a run, "" where none did.
func parentOf(run store.Run) string {
	var detail struct {
		Parent string `json:"parent"`
	}
	if len(run.Trigger.Detail) > 0 && json.Unmarshal(run.Trigger.Detail, &detail) != nil {
		return ""
	}
	return detail.Parent
}

func toFailure(failure *job.Failure) *api.Failure {
	if failure == nil {
		return nil
	}
	return &api.Failure{
		Code: failure.Code, Message: failure.Message, Status: failure.Status, Type: failure.Type,
		Step: failure.Step, Item: failure.Item, Retryable: failure.Retryable,
	}
}

// optionalTime is nil for the zero time.
func optionalTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
