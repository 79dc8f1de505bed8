package workflows

import (
	"encoding/json"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
)

// recorder writes what a run has come to into its row, one record at a time and
// in order, beside the run: what changes while a record is under way goes into
// the next one. Its fields change in workflow code only.
type recorder struct {
	run     activities.Run
	started time.Time
	rev     int64
	steps   map[string]*activities.StepRecord
	// changed are the steps to be recorded next, in order of their change.
	changed []string
	final   *activities.RunRecord
	// recorded is what the row said after the last record.
	recorded activities.Recorded
	// pause is the least time between two records of progress, at is when the last one was made.
	pause time.Duration
	at    time.Time
	done  bool
	err   error
}

// newRecorder starts recording; the first record says that the run is running, and names every step.
func newRecorder(ctx workflow.Context, in RunInput, steps []job.Step, started time.Time) *recorder {
	rec := &recorder{
		run: in.Run, started: started, steps: make(map[string]*activities.StepRecord, len(steps)),
		pause: in.RecordPause, at: started,
	}
	for i := range steps {
		rec.steps[steps[i].ID] = &activities.StepRecord{ID: steps[i].ID, Position: i, Status: job.StatusPending}
		rec.changed = append(rec.changed, steps[i].ID)
	}
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	workflow.Go(ctx, rec.loop)
	return rec
}

func (rec *recorder) loop(ctx workflow.Context) {
	for !rec.done {
		if err := rec.gather(ctx); err != nil {
			rec.err, rec.done = err, true
			return
		}
		rec.at = workflow.Now(ctx)
		record := rec.take()
		rec.recorded, rec.err = write(ctx, record)
		rec.done = rec.err != nil || record.Status.Ended()
	}
}

// gather waits for something to record. What changes soon after a record, or
// after the beginning, waits for more; a run's end never waits.
func (rec *recorder) gather(ctx workflow.Context) error {
	if err := workflow.Await(ctx, func() bool { return len(rec.changed) > 0 || rec.final != nil }); err != nil {
		return err
	}
	rest := rec.pause - workflow.Now(ctx).Sub(rec.at)
	if rec.final != nil || rest <= 0 {
		return nil
	}
	_, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout: rest, TimerOptions: workflow.TimerOptions{Summary: "record"},
	}, func() bool { return rec.final != nil })
	return err
}

// take returns the next record: everything that changed since the one before.
func (rec *recorder) take() activities.RunRecord {
	record := activities.RunRecord{Run: rec.run, Status: job.StatusRunning, StartedAt: rec.started}
	if rec.final != nil {
		record = *rec.final
	}
	rec.rev++
	record.Rev = rec.rev
	for _, id := range rec.changed {
		record.Steps = append(record.Steps, *rec.steps[id])
		rec.steps[id].Output = nil // a step that has one has ended: it is not recorded again
	}
	rec.changed = nil
	return record
}

// write tries once in this worker, then goes on trying as a regular activity.
func write(ctx workflow.Context, record activities.RunRecord) (recorded activities.Recorded, err error) {
	local := workflow.WithLocalActivityOptions(ctx, recordOnce())
	if err = workflow.ExecuteLocalActivity(local, activities.Record, record).Get(ctx, &recorded); err == nil {
		return recorded, nil
	}
	regular := workflow.WithActivityOptions(ctx, recordUntilDone())
	err = workflow.ExecuteActivity(regular, activities.Record, record).Get(ctx, &recorded)
	return recorded, err
}

// begin notes that a step's first attempt is being started.
func (rec *recorder) begin(id string, now time.Time) {
	step := rec.change(id)
	step.Status, step.Attempts, step.StartedAt = job.StatusRunning, 1, now.UTC()
}

// end notes a step's end.
func (rec *recorder) end(id string, state job.StepState, failure *job.Failure, now time.Time) {
	step := rec.change(id)
	step.Status, step.Reason, step.Error, step.EndedAt = state.Status, state.Reason, failure, now.UTC()
}

// attempt notes which attempt was a step's last, and its log. The step's end follows.
func (rec *recorder) attempt(id string, attempt int, log activities.Log) {
	rec.steps[id].Attempts, rec.steps[id].Log = attempt, log
}

// output notes a step's output. The step's end follows.
func (rec *recorder) output(id string, output json.RawMessage) { rec.steps[id].Output = output }

// failure is why a step failed; nil when it didn't.
func (rec *recorder) failure(id string) *job.Failure { return rec.steps[id].Error }

// change returns a step's state to be changed; it goes into the next record.
func (rec *recorder) change(id string) *activities.StepRecord {
	if !slices.Contains(rec.changed, id) {
		rec.changed = append(rec.changed, id)
	}
	return rec.steps[id]
}

// finish writes the run's end and returns what the row says then: another end,
// if one was written before this workflow task was tried again and saw more.
func (rec *recorder) finish(ctx workflow.Context, outcome job.Status, output json.RawMessage, failure *job.Failure, ended time.Time) (activities.Recorded, error) {
	rec.final = &activities.RunRecord{
		Run: rec.run, Status: outcome, StartedAt: rec.started, EndedAt: ended, Output: output, Error: failure,
	}
	if err := workflow.Await(ctx, func() bool { return rec.done }); err != nil {
		return activities.Recorded{}, err
	}
	return rec.recorded, rec.err
}
