// Package record writes what a run has come to into its row. Outputs too
// large for a row go to S3, under keys that the row then names.
package record

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

const (
	// maxTold is how many failures of steps and items one record tells: telling more would take longer than a record may.
	maxTold = 100
	// maxPutting is how many objects one record puts at once.
	maxPutting = 16
)

// maxInline is the size in bytes up to which an output lies in its row: what a run's answer inlines (DESIGN.md, section 5).
const maxInline = 128 << 10

// Rows are the rows of runs and steps.
type Rows interface {
	// Record never changes a row for a smaller rev, nor an ended one to another end, so that repeats are harmless.
	Record(ctx context.Context, record store.RunRecord) error
	// Outcome is a run's status as its row has it, and why it ended badly.
	Outcome(ctx context.Context, run string) (job.Status, *job.Failure, error)
}

// Objects is where large outputs are kept.
type Objects interface {
	// Put stores body under key; a key that is there already is left as it is.
	Put(ctx context.Context, key string, body []byte, contentType string) error
}

// Log is the log of one attempt of a step.
type Log interface {
	Log(level slog.Level, message string, attrs ...slog.Attr)
	// Close keeps the log and names its object.
	Close(ctx context.Context) (activities.Log, error)
}

// Begin opens the log of an attempt; item is "" where the step has none.
type Begin func(run activities.Run, step, item string, attempt int) Log

// Recorder is the activity [activities.Record].
type Recorder struct {
	rows    Rows
	objects Objects
	begin   Begin
}

// New returns a recorder.
func New(rows Rows, objects Objects, begin Begin) *Recorder {
	return &Recorder{rows: rows, objects: objects, begin: begin}
}

// Record writes a run's row and those of the steps that changed. Large outputs
// are in S3 before the row says so. It returns what the row says then.
func (r *Recorder) Record(ctx context.Context, in activities.RunRecord) (activities.Recorded, error) {
	record, err := r.row(ctx, in)
	if err != nil {
		return activities.Recorded{}, err
	}
	if err := r.rows.Record(ctx, record); err != nil || !in.Status.Ended() {
		return activities.Recorded{Status: in.Status}, err
	}
	status, failure, err := r.rows.Outcome(ctx, in.Run.ID)
	return activities.Recorded{Status: status, Error: failure}, err
}

// row is a record as the store takes it. Its objects are put several at a time.
func (r *Recorder) row(ctx context.Context, in activities.RunRecord) (store.RunRecord, error) {
	record := store.RunRecord{
		Run: in.Run.ID, Rev: in.Rev, Status: in.Status, StartedAt: in.StartedAt, EndedAt: in.EndedAt,
		Error: in.Error, Cleanup: in.Cleanup,
		Steps: make([]store.StepRecord, len(in.Steps)), Items: make([]store.ItemRecord, len(in.Items)),
		Approvals: make([]store.ApprovalRecord, len(in.Approvals)),
	}
	puts, within := errgroup.WithContext(ctx)
	puts.SetLimit(maxPutting)
	puts.Go(func() (err error) {
		record.Output, record.OutputKey, err = r.place(within, in.Run, "_output", in.Output)
		return err
	})
	told := 0
	tells := func(untold bool) bool {
		if untold {
			told++
		}
		return untold && told <= maxTold
	}
	for i, step := range in.Steps {
		tell := tells(untold(step.ID, "", step.Status, step.Error, step.Log))
		puts.Go(func() (err error) {
			record.Steps[i], err = r.step(within, in.Run, step, tell)
			return err
		})
	}
	for i, item := range in.Items {
		tell := tells(untold(item.Step, item.Key, item.Status, item.Error, item.Log))
		puts.Go(func() error {
			record.Items[i] = r.item(within, in.Run, item, tell)
			return nil
		})
	}
	for i, approval := range in.Approvals {
		record.Approvals[i] = store.ApprovalRecord(approval)
	}
	return record, puts.Wait()
}

func (r *Recorder) step(ctx context.Context, run activities.Run, step activities.StepRecord, tell bool) (store.StepRecord, error) {
	if tell {
		step.Log = r.tell(ctx, run, step.ID, "", step.Attempts, step.Error)
	}
	output, key, err := r.place(ctx, run, step.ID, step.Output)
	return store.StepRecord{
		ID: step.ID, Position: step.Position, Status: step.Status, Reason: step.Reason, Attempts: step.Attempts,
		Output: output, OutputKey: key, Error: step.Error,
		LogKey: step.Log.Key, LogRecords: step.Log.Records, LogSHA256: step.Log.SHA256,
		Items: (*store.ItemCounts)(step.Items), StartedAt: step.StartedAt, EndedAt: step.EndedAt,
	}, err
}

func (r *Recorder) item(ctx context.Context, run activities.Run, item activities.ItemRecord, tell bool) store.ItemRecord {
	if tell {
		item.Log = r.tell(ctx, run, item.Step, item.Key, item.Attempts, item.Error)
	}
	return store.ItemRecord{
		Step: item.Step, Key: item.Key, Index: item.Index, Status: item.Status, Reason: item.Reason,
		Attempts: item.Attempts, Error: item.Error,
		LogKey: item.Log.Key, LogRecords: item.Log.Records, LogSHA256: item.Log.SHA256,
		StartedAt: item.StartedAt, EndedAt: item.EndedAt,
	}
}

// untold reports whether no log says a failure. That of a group is told where it
// happened, in one of its steps, and that of a step's items there.
func untold(step, item string, status job.Status, failure *job.Failure, log activities.Log) bool {
	if status != job.StatusFailed && status != job.StatusTimedOut || failure == nil || log.Key != "" {
		return false
	}
	ofStep := failure.Step == "" || failure.Step == step
	ofItem := failure.Item == "" || failure.Item == item || failure.Code == string(job.CodeItemsFailed)
	return ofStep && ofItem
}

// tell logs a failure that no attempt could: its worker was lost, an expression
// failed before the first, or what failed is no call. Without the log the row still says it.
func (r *Recorder) tell(ctx context.Context, run activities.Run, step, item string, attempts int, failure *job.Failure) activities.Log {
	log := r.begin(run, step, item, max(attempts, 1))
	log.Log(slog.LevelError, "failed: "+failure.Code+": "+failure.Message)
	kept, err := log.Close(ctx)
	if err != nil {
		return activities.Log{}
	}
	return kept
}

// place returns an output as its row holds it: itself, or the key of its object.
func (r *Recorder) place(ctx context.Context, run activities.Run, name string, output json.RawMessage) (json.RawMessage, string, error) {
	if len(output) <= maxInline {
		return output, "", nil
	}
	// The hash keeps apart the outputs of a step that was done twice: a key's object never changes.
	sum := sha256.Sum256(output)
	key := "values/team=" + run.Team + "/run=" + run.ID + "/" + name + "-" + hex.EncodeToString(sum[:]) + ".json"
	if err := r.objects.Put(ctx, key, output, "application/json"); err != nil {
		return nil, "", err
	}
	return nil, key, nil
}
