package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/fairlead/fairlead/gateway/api"
	"github.com/fairlead/fairlead/gateway/contract"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

// ListSteps lists all steps of a run's job, those that it hasn't come to among
// them, and behind them the compensations that were begun.
func (s *server) ListSteps(ctx context.Context, request api.ListStepsRequestObject) (api.ListStepsResponseObject, error) {
	declared, err := s.declared(ctx, request.Run)
	if err != nil {
		return nil, err
	}
	steps, err := s.Runs.Steps(ctx, request.Run)
	if err != nil {
		return nil, err
	}
	begun := make(map[string]store.Step, len(steps))
	for _, step := range steps {
		begun[step.ID] = step
	}
	items := make([]api.Step, 0, max(len(declared), len(steps)))
	for _, id := range declared {
		if found, ok := begun[id]; ok {
			items = append(items, toStep(found, nil))
			delete(begun, id)
		} else {
			items = append(items, pending(id))
		}
	}
	for _, step := range steps {
		if _, more := begun[step.ID]; more {
			items = append(items, toStep(step, nil))
		}
	}
	return api.ListSteps200JSONResponse{Items: items}, nil
}

// GetStep returns one step with its output.
func (s *server) GetStep(ctx context.Context, request api.GetStepRequestObject) (api.GetStepResponseObject, error) {
	step, err := s.Runs.Step(ctx, request.Run, request.Step)
	if job.CodeOf(err) == job.CodeNotFound {
		if err := s.requireStep(ctx, request.Run, request.Step); err != nil {
			return nil, err
		}
		return api.GetStep200JSONResponse(pending(request.Step)), nil
	}
	if err != nil {
		return nil, err
	}
	output, err := s.stepOutput(ctx, step)
	if err != nil {
		return nil, err
	}
	return api.GetStep200JSONResponse(toStep(step, output)), nil
}

// ListItems lists the items of a step that have begun.
func (s *server) ListItems(ctx context.Context, request api.ListItemsRequestObject) (api.ListItemsResponseObject, error) {
	var statuses []job.Status
	for _, status := range value(request.Params.Status) {
		statuses = append(statuses, job.Status(status))
	}
	page, err := s.Runs.Items(ctx, request.Run, request.Step, statuses, pageLimit(request.Params.Limit), value(request.Params.Cursor))
	if err != nil {
		return nil, err
	}
	if len(page.Items) == 0 { // an empty list is no answer for a name that is none
		if err := s.requireBegunOrDeclared(ctx, request.Run, request.Step); err != nil {
			return nil, err
		}
	}
	items := make([]api.Item, len(page.Items))
	for i, item := range page.Items {
		items[i] = api.Item{
			Key: item.Key, Index: item.Index, Status: api.StepStatus(item.Status), Reason: string(item.Reason), Attempts: item.Attempts,
			Error: toFailure(item.Error), StartedAt: optionalTime(item.StartedAt), EndedAt: optionalTime(item.EndedAt),
		}
	}
	return api.ListItems200JSONResponse{Items: items, Next: page.Next}, nil
}

// requireBegunOrDeclared is CodeNotFound when a run has no step of that name, and no compensation.
func (s *server) requireBegunOrDeclared(ctx context.Context, run, id string) error {
	begun, err := s.Runs.HasStep(ctx, run, id)
	if begun || err != nil {
		return err
	}
	return s.requireStep(ctx, run, id)
}

// requireStep is CodeNotFound when the run's job has no step of that name.
func (s *server) requireStep(ctx context.Context, run, id string) error {
	declared, err := s.declared(ctx, run)
	if err != nil {
		return err
	}
	if !slices.Contains(declared, id) {
		return job.Errorf(job.CodeNotFound, "run %q has no step %q", run, contract.Shorten(id))
	}
	return nil
}

// declared are the IDs of all steps of a run's definition: a group before its steps, `finally` last.
func (s *server) declared(ctx context.Context, id string) ([]string, error) {
	run, err := s.Runs.RunState(ctx, id)
	if err != nil {
		return nil, err
	}
	version, err := s.Jobs.Job(ctx, run.Team, run.Job, run.Version)
	if err != nil {
		return nil, err
	}
	program, err := s.program(version)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, step := range slices.Concat(program.Definition.Steps, program.Definition.Finally) {
		ids = append(ids, step.ID)
		for _, inner := range step.Steps {
			ids = append(ids, inner.ID)
		}
	}
	return ids, nil
}

func pending(id string) api.Step { return api.Step{Id: id, Status: api.StepPending} }

// stepOutput is a step's output, from its row or from the object that the row names.
func (s *server) stepOutput(ctx context.Context, step store.Step) (raw json.RawMessage, err error) {
	if step.OutputKey == "" {
		return step.Output, nil
	}
	object, err := s.open(ctx, step.OutputKey)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, object.Close()) }()
	raw, err = io.ReadAll(io.LimitReader(object, job.MaxOutput+1))
	switch {
	case err != nil:
		return nil, job.Wrap(job.CodeUnavailable, err, "the output can't be read now: try again")
	case len(raw) > job.MaxOutput: // none is recorded
		return nil, job.Errorf(job.CodeTooLarge, "the step's output has more than %d bytes, the most that a step's answer holds", job.MaxOutput)
	}
	return raw, nil
}

func toStep(step store.Step, output json.RawMessage) api.Step {
	return api.Step{
		Id: step.ID, Status: api.StepStatus(step.Status), Reason: string(step.Reason), Attempts: step.Attempts, Output: output,
		Items: toCounts(step.Items), Error: toFailure(step.Error), StartedAt: optionalTime(step.StartedAt), EndedAt: optionalTime(step.EndedAt),
	}
}

func toCounts(counts *store.ItemCounts) *api.ItemCounts {
	if counts == nil {
		return nil
	}
	return &api.ItemCounts{Total: counts.Total, Succeeded: counts.Succeeded, Failed: counts.Failed}
}
