// Package record writes what a run has come to into its row. Outputs too
// large for a row go to S3, under keys that the row then names.
package record

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
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

// Begin opens the log of an attempt.
type Begin func(run activities.Run, step string, attempt int) Log

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

// row is a record as the store takes it.
func (r *Recorder) row(ctx context.Context, in activities.RunRecord) (store.RunRecord, error) {
	output, key, err := r.place(ctx, in.Run, "_output", in.Output)
	if err != nil {
		return store.RunRecord{}, err
	}
	record := store.RunRecord{
		Run: in.Run.ID, Rev: in.Rev, Status: in.Status, StartedAt: in.StartedAt, EndedAt: in.EndedAt,
		Output: output, OutputKey: key, Error: in.Error,
		Steps: make([]store.StepRecord, len(in.Steps)),
	}
	for i, step := range in.Steps {
		if step.Status == job.StatusFailed && step.Error != nil && step.Log.Key == "" {
			step.Log = r.tell(ctx, in.Run, step)
		}
		output, key, err := r.place(ctx, in.Run, step.ID, step.Output)
		if err != nil {
			return store.RunRecord{}, err
		}
		record.Steps[i] = store.StepRecord{
			ID: step.ID, Position: step.Position, Status: step.Status, Reason: step.Reason, Attempts: step.Attempts,
			Output: output, OutputKey: key, Error: step.Error,
			LogKey: step.Log.Key, LogRecords: step.Log.Records, LogSHA256: step.Log.SHA256,
			StartedAt: step.StartedAt, EndedAt: step.EndedAt,
		}
	}
	return record, nil
}

// tell logs a failure that no attempt could: its worker was lost, or an
// expression of the step failed before the first. Without the log the row still says it.
func (r *Recorder) tell(ctx context.Context, run activities.Run, step activities.StepRecord) activities.Log {
	log := r.begin(run, step.ID, max(step.Attempts, 1))
	log.Log(slog.LevelError, "failed: "+step.Error.Code+": "+step.Error.Message)
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
