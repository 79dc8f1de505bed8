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
// the next one. It goes on when the run has nothing else to do, and in the run's
// coroutine: the SDK wakes each one for everything that happens.
type recorder struct {
	ctx     workflow.Context
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
	// due says whether it can go on, with next.
	due  func() bool
	next func()
	done bool
	err  error
}

// newRecorder starts recording; the first record says that the run is running, and names every step.
func newRecorder(ctx workflow.Context, in RunInput, def *job.Definition, status func() job.Status) *recorder {
	started := workflow.Now(ctx).UTC()
	rec := &recorder{
		run: in.Run, started: started, status: status, rows: newRows(def),
		pause: in.RecordPause, at: started,
	}
	rec.ctx, _ = workflow.NewDisconnectedContext(ctx)
	rec.after(rec.wanted, rec.gather)
	return rec
}

// advance goes on as far as it can.
func (rec *recorder) advance() {
	for rec.due() {
		rec.next()
	}
}

// after goes on with next when it is due.
func (rec *recorder) after(due func() bool, next func()) { rec.due, rec.next = due, next }

// wanted reports whether there is something to record.
func (rec *recorder) wanted() bool { return rec.changed() || rec.final != nil }

// gather lets what changes soon after a record, or after the beginning, wait for
// more; a run's end never waits.
func (rec *recorder) gather() {
	rest := rec.pause - workflow.Now(rec.ctx).Sub(rec.at)
	if rec.final != nil || rest <= 0 {
		rec.write()
		return
	}
	timer := workflow.NewTimerWithOptions(rec.ctx, rest, workflow.TimerOptions{Summary: "record"})
	rec.after(func() bool { return timer.IsReady() || rec.final != nil }, rec.write)
}

// write tries once in this worker, then goes on trying as a regular activity.
func (rec *recorder) write() {
	rec.at = workflow.Now(rec.ctx)
	record := rec.take()
	local := workflow.ExecuteLocalActivity(workflow.WithLocalActivityOptions(rec.ctx, recordOnce()), activities.Record, record)
	rec.after(local.IsReady, func() {
		if rec.wrote(local, record) == nil {
			return
		}
		regular := workflow.ExecuteActivity(workflow.WithActivityOptions(rec.ctx, recordUntilDone()), activities.Record, record)
		rec.after(regular.IsReady, func() {
			if rec.err = rec.wrote(regular, record); rec.err != nil {
				rec.stop()
			}
		})
	})
}

// wrote takes over what the row says after a record that was written.
func (rec *recorder) wrote(f workflow.Future, record activities.RunRecord) error {
	var recorded activities.Recorded
	if err := f.Get(rec.ctx, &recorded); err != nil {
		return err
	}
	rec.recorded = recorded
	if record.Status.Ended() {
		rec.stop()
	} else {
		rec.after(rec.wanted, rec.gather)
	}
	return nil
}

// stop ends recording.
func (rec *recorder) stop() {
	rec.done = true
	rec.after(func() bool { return false }, nil)
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
