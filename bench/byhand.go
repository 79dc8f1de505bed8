package main

import (
	"encoding/json"
	"strconv"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
)

// handWorkflow is a case's job as one would write it in Go with the same
// activities: the same calls with the same inputs and results, and the same rows
// kept up to date beside them.
const handWorkflow = "by-hand"

// handInput is the input of the workflow by hand.
type handInput struct {
	Run      activities.Run
	Target   string
	Steps    int
	Parallel bool
	// Pause is the least time between two records.
	Pause time.Duration
}

func byHand(ctx workflow.Context, in handInput) error {
	scope, err := json.Marshal(map[string]any{"input": map[string]any{"target": in.Target}})
	if err != nil {
		return err
	}
	timeout, stop := workflow.WithCancel(ctx)
	workflow.NewTimer(timeout, job.DefaultRunTimeout.Std())
	rows := newHandRows(in)
	workflow.Go(ctx, rows.keep)
	var calls []workflow.Future
	for i := range in.Steps {
		id := "s" + strconv.Itoa(i)
		options := workflow.ActivityOptions{
			TaskQueue: activities.QueueRuns, StartToCloseTimeout: 10 * time.Minute, HeartbeatTimeout: 30 * time.Second,
			WaitForCancellation: true, Summary: id, RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 3},
		}
		rows.begin(ctx, i)
		calls = append(calls, workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), activities.HTTP, &activities.Step{
			Run: in.Run, Step: id, With: json.RawMessage(`{"url":"${input.target}"}`), Scope: scope,
			Token: job.Token(in.Run.ID, id, "", ""), Timeout: options.StartToCloseTimeout,
		}))
		if !in.Parallel {
			if err := rows.end(ctx, i, calls[i]); err != nil {
				return err
			}
		}
	}
	if in.Parallel {
		for i, call := range calls {
			if err := rows.end(ctx, i, call); err != nil {
				return err
			}
		}
	}
	stop()
	return rows.finish(ctx)
}

// handRows are the rows of the workflow by hand.
type handRows struct {
	run     activities.Run
	pause   time.Duration
	rev     int64
	steps   []activities.StepRecord
	changed map[int]bool
	over    bool
	kept    bool
}

func newHandRows(in handInput) *handRows {
	rows := &handRows{run: in.Run, pause: in.Pause, changed: map[int]bool{}, steps: make([]activities.StepRecord, in.Steps)}
	for i := range rows.steps {
		rows.steps[i] = activities.StepRecord{ID: "s" + strconv.Itoa(i), Position: i, Status: job.StatusPending}
		rows.changed[i] = true
	}
	return rows
}

func (r *handRows) begin(ctx workflow.Context, i int) {
	r.steps[i].Status, r.steps[i].Attempts, r.steps[i].StartedAt = job.StatusRunning, 1, workflow.Now(ctx)
	r.changed[i] = true
}

// end waits for a step's call and takes its result.
func (r *handRows) end(ctx workflow.Context, i int, call workflow.Future) error {
	var result activities.StepResult
	if err := call.Get(ctx, &result); err != nil {
		return err
	}
	step := &r.steps[i]
	step.Status, step.Attempts, step.Output, step.Log, step.EndedAt = job.StatusSucceeded, result.Attempt, result.Output, result.Log, workflow.Now(ctx)
	r.changed[i] = true
	return nil
}

// keep writes what changed, now and then, and the end.
func (r *handRows) keep(ctx workflow.Context) {
	for !r.kept {
		if _, err := workflow.AwaitWithTimeout(ctx, r.pause, func() bool { return r.over }); err != nil {
			return
		}
		r.rev++
		record := activities.RunRecord{Run: r.run, Rev: r.rev, Status: job.StatusRunning}
		if r.over {
			record.Status = job.StatusSucceeded
		}
		record.Steps = make([]activities.StepRecord, 0, len(r.changed))
		for i := range r.steps {
			if r.changed[i] {
				record.Steps = append(record.Steps, r.steps[i])
			}
		}
		r.changed = map[int]bool{}
		local := workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{ScheduleToCloseTimeout: time.Minute})
		if err := workflow.ExecuteLocalActivity(local, activities.Record, record).Get(ctx, nil); err != nil {
			return
		}
		r.kept = record.Status.Ended()
	}
}

func (r *handRows) finish(ctx workflow.Context) error {
	r.over = true
	return workflow.Await(ctx, func() bool { return r.kept })
}

// recordPause is Fairlead's own.
const recordPause = 500 * time.Millisecond
