package workflows_test

import (
	"context"
	"encoding/json"
	"log/slog"
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

	mu      sync.Mutex
	calls   []activities.Step
	records []activities.RunRecord
	// endings are what the Notify children got that were started.
	endings []activities.Ending
	// http answers a step's call; nil succeeds with null.
	http func(ctx context.Context, in activities.Step) (any, error)
	// record answers an attempt to write a row, numbered from 1; nil succeeds.
	record func(try int) error
	tries  int
	// pause is the run's RecordPause.
	pause time.Duration
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
	b.RegisterWorkflowWithOptions(workflows.Run, workflow.RegisterOptions{Name: workflows.TypeRun})
	b.RegisterWorkflowWithOptions(workflows.Notify, workflow.RegisterOptions{Name: workflows.TypeNotify})
	b.RegisterWorkflowWithOptions(workflows.Upkeep, workflow.RegisterOptions{Name: workflows.TypeUpkeep})
	b.SetOnChildWorkflowStartedListener(func(_ *workflow.Info, _ workflow.Context, args converter.EncodedValues) {
		var ending activities.Ending
		require.NoError(t, args.Get(&ending))
		b.endings = append(b.endings, ending)
	})
	b.register(activities.HTTP, b.doHTTP)
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

func (b *bench) doHTTP(ctx context.Context, in activities.Step) (activities.StepResult, error) {
	b.mu.Lock()
	b.calls = append(b.calls, in)
	answer := b.http
	b.mu.Unlock()
	attempt := int(activity.GetInfo(ctx).Attempt)
	result := activities.StepResult{Output: json.RawMessage("null"), Attempt: attempt, Log: activities.Log{Key: in.Step}}
	if answer == nil {
		return result, nil
	}
	output, err := answer(ctx, in)
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
		Run:        activities.Run{ID: "run_1", Team: "default", Job: versions[0].Definition.Name, Version: 7, CreatedAt: b.Now()},
		Definition: versions[0].Canonical, Input: json.RawMessage(input), Trigger: "api", RecordPause: b.pause,
	})
	require.True(b.t, b.IsWorkflowCompleted())
	require.NotEmpty(b.t, b.records)
	return b.records[len(b.records)-1]
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

// order is the order in which steps were called.
func (b *bench) order() []string {
	var ids []string
	for _, call := range b.calls {
		ids = append(ids, call.Step)
	}
	return ids
}

// refuse is an attempt's failure, as the step activity reports it.
func refuse(failure job.Failure, after time.Duration) error {
	return temporal.NewApplicationErrorWithOptions(failure.Message, failure.Code, temporal.ApplicationErrorOptions{
		NonRetryable: !failure.Retryable, NextRetryDelay: after,
		Details: []any{activities.StepFailure{Failure: failure, Attempt: 1, Log: activities.Log{Key: "failed"}}},
	})
}
