package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
)

// maxRecordItems bounds the items of one record: some 400 bytes each, and 3 KB
// with a long failure. The server takes 2 MB, and what is larger lies in S3.
const maxRecordItems = 1000

// recorder writes what a run has come to into its row, one record at a time and
// in order, beside the run: what changes while a record is under way goes into
// the next one. Its fields change in workflow code only.
type recorder struct {
	run     activities.Run
	started time.Time
	rev     int64
	// status is the run's while it goes on.
	status func() job.Status
	rows
	final *activities.RunRecord
	// recorded is what the row said after the last record.
	recorded activities.Recorded
	// pause is the least time between two records of progress, at is when the last one was made.
	pause time.Duration
	at    time.Time
	done  bool
	err   error
}

// newRecorder starts recording; the first record says that the run is running, and names every step.
func newRecorder(ctx workflow.Context, in RunInput, def *job.Definition, status func() job.Status) *recorder {
	started := workflow.Now(ctx).UTC()
	rec := &recorder{
		run: in.Run, started: started, status: status, rows: newRows(def),
		pause: in.RecordPause, at: started,
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
	if err := workflow.Await(ctx, func() bool { return rec.changed() || rec.final != nil }); err != nil {
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

// take returns the next record: what changed since the one before. The end is
// the last one, when all items fit.
func (rec *recorder) take() activities.RunRecord {
	record := activities.RunRecord{Run: rec.run, StartedAt: rec.started}
	if rec.final != nil && len(rec.changedItems) <= maxRecordItems {
		record = *rec.final
	} else {
		record.Status = rec.status()
	}
	rec.rev++
	record.Rev = rec.rev
	rec.fill(&record)
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

// finish writes the run's end and returns what the row says then: another end,
// if one was written before this workflow task was tried again and saw more.
func (rec *recorder) finish(ctx workflow.Context, end activities.RunRecord) (activities.Recorded, error) {
	rec.final = &end
	if err := workflow.Await(ctx, func() bool { return rec.done }); err != nil {
		return activities.Recorded{}, err
	}
	return rec.recorded, rec.err
}
