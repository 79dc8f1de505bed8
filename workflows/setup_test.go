package workflows_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	tlog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/workflows"
)

// bench is a test environment whose activities are scripted and remembered.
type bench struct {
	*testsuite.TestWorkflowEnvironment
	t *testing.T

	mu, turn sync.Mutex
	calls    []activities.Step
	records  []activities.RunRecord
	// endings are what the Notify children got that were started.
	endings []activities.Ending
	// http answers a step's call, of whatever action, one at a time; nil succeeds with null.
	http func(ctx context.Context, in activities.Step) (any, error)
	// record answers an attempt to write a row, numbered from 1; nil succeeds.
	record func(try int) error
	tries  int
	// pause is the run's RecordPause.
	pause time.Duration
	// vars are the team's variables.
	vars json.RawMessage
	// silent is the run's Silent.
	silent bool
	// row is the end that the run's row has already; nil: none.
	row *activities.Recorded
}

func setup(t *testing.T) *bench {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(tlog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	b := &bench{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), t: t}
	b.SetTestTimeout(time.Minute)
	b.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: time.Minute}) // a busy machine is no deadlock
	b.RegisterWorkflowWithOptions(workflows.NewRun(), workflow.RegisterOptions{Name: workflows.TypeRun})
	b.RegisterWorkflowWithOptions(workflows.Notify, workflow.RegisterOptions{Name: workflows.TypeNotify})
	b.RegisterWorkflowWithOptions(workflows.Upkeep, workflow.RegisterOptions{Name: workflows.TypeUpkeep})
	b.SetOnChildWorkflowStartedListener(func(info *workflow.Info, _ workflow.Context, args converter.EncodedValues) {
		if info.WorkflowType.Name != workflows.TypeNotify {
			return
		}
		var ending activities.Ending
		require.NoError(t, args.Get(&ending))
		b.endings = append(b.endings, ending)
	})
	b.register(activities.HTTP, b.call)
	b.register(activities.JobRun, b.call)
	b.register(activities.Record, b.doRecord)
	b.register(activities.PrepareNotifications, func(context.Context, activities.Ending) (activities.Deliveries, error) {
		return activities.Deliveries{IDs: []string{"d1"}}, nil
	})
	b.register(activities.SendNotification, func(context.Context, activities.Delivery) error { return nil })
	return b
}

func (b *bench) register(name string, f any) {
	b.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
}

func (b *bench) call(ctx context.Context, in activities.Step) (activities.StepResult, error) {
	b.mu.Lock()
	b.calls = append(b.calls, in)
	answer := b.http
	b.mu.Unlock()
	attempt := int(activity.GetInfo(ctx).Attempt)
	result := activities.StepResult{Output: json.RawMessage("null"), Attempt: attempt, Log: activities.Log{Key: in.Step}}
	if answer == nil {
		return result, nil
	}
	b.turn.Lock()
	output, err := answer(ctx, in)
	b.turn.Unlock()
	if err != nil {
		return activities.StepResult{}, err
	}
	result.Output, err = json.Marshal(output)
	return result, err
}

func (b *bench) doRecord(_ context.Context, in activities.RunRecord) (activities.Recorded, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tries++
	if b.record != nil {
		if err := b.record(b.tries); err != nil {
			return activities.Recorded{}, err
		}
	}
	b.records = append(b.records, in)
	if b.row != nil && in.Status.Ended() {
		return *b.row, nil
	}
	return activities.Recorded{Status: in.Status, Error: in.Error}, nil
}

// run executes the job file with an input and returns the last record.
func (b *bench) run(file, input string) activities.RunRecord {
	b.t.Helper()
	versions, err := job.Load([]byte(file))
	require.NoError(b.t, err)
	b.ExecuteWorkflow(workflows.TypeRun, workflows.RunInput{
		Run:        activities.Run{ID: "run_1", Team: "default", Job: versions[0].Definition.Name, Version: 7, CreatedAt: b.Now(), By: "ana"},
		Definition: versions[0].Canonical, Input: json.RawMessage(input), Trigger: "api", RecordPause: b.pause, Vars: b.vars, Silent: b.silent,
	})
	require.True(b.t, b.IsWorkflowCompleted())
	require.NotEmpty(b.t, b.records)
	return b.last("run_1")
}

// last is the last record of a run.
func (b *bench) last(run string) activities.RunRecord {
	b.t.Helper()
	for _, record := range slices.Backward(b.records) {
		if record.Run.ID == run {
			return record
		}
	}
	require.Fail(b.t, "no record of "+run)
	return activities.RunRecord{}
}

// steps merges the records into each step's last state.
func (b *bench) steps() map[string]activities.StepRecord {
	steps := map[string]activities.StepRecord{}
	for _, record := range b.records {
		for _, step := range record.Steps {
			steps[step.ID] = step
		}
	}
	return steps
}

// items merges the records into the last state of each item of a step, by key.
func (b *bench) items(step string) map[string]activities.ItemRecord {
	items := map[string]activities.ItemRecord{}
	for _, record := range b.records {
		for _, item := range record.Items {
			if item.Step == step {
				items[item.Key] = item
			}
		}
	}
	return items
}

// approvals merges the records into each approval's last state, by step and item.
func (b *bench) approvals() map[string]activities.ApprovalRecord {
	approvals := map[string]activities.ApprovalRecord{}
	for _, record := range b.records {
		for _, approval := range record.Approvals {
			approvals[strings.TrimSuffix(approval.Step+"/"+approval.Item, "/")] = approval
		}
	}
	return approvals
}

// order is the order in which steps were called, with the keys of items.
func (b *bench) order() []string {
	var ids []string
	for _, call := range b.calls {
		ids = append(ids, strings.TrimSuffix(call.Step+"/"+call.Item, "/"))
	}
	return ids
}

// scoped is the scope of the first call of a step.
func (b *bench) scoped(step string) string {
	for _, call := range b.calls {
		if call.Step == step {
			return string(call.Scope)
		}
	}
	return ""
}

// callOf is the call of a step for an item.
func (b *bench) callOf(t *testing.T, step, item string) activities.Step {
	t.Helper()
	for _, call := range b.calls {
		if call.Step == step && call.Item == item {
			return call
		}
	}
	require.Fail(t, "no call of "+step+" "+item)
	return activities.Step{}
}

// answer is how an update went.
type answer struct {
	accepted bool
	result   any
	err      error
}

// refused is the type of the error that the update was refused with.
func (a *answer) refused(t *testing.T) string {
	t.Helper()
	var application *temporal.ApplicationError
	require.ErrorAs(t, a.err, &application)
	require.False(t, a.accepted, "a refused update leaves no trace")
	return application.Type()
}

// send sends an update when the run has gone on for that long.
func (b *bench) send(after time.Duration, name, id string, arg any) *answer {
	a := &answer{}
	b.RegisterDelayedCallback(func() {
		b.UpdateWorkflow(name, id, &testsuite.TestUpdateCallback{
			OnAccept: func() { a.accepted = true },
			OnReject: func(err error) { a.err = err },
			OnComplete: func(result any, err error) {
				a.result, a.err = result, err
			},
		}, arg)
	}, after)
	return a
}

// refuse is an attempt's failure, as the step activity reports it.
func refuse(failure job.Failure, after time.Duration) error {
	return temporal.NewApplicationErrorWithOptions(failure.Message, failure.Code, temporal.ApplicationErrorOptions{
		NonRetryable: !failure.Retryable, NextRetryDelay: after,
		Details: []any{activities.StepFailure{Failure: failure, Attempt: 1, Log: activities.Log{Key: "failed"}}},
	})
}
