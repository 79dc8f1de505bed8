package store

import (
	"encoding/json"
	"time"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store/internal/db"
)

// Trigger is what began a run.
type Trigger struct {
	Kind string // such as api
	By   string // who
	// Detail is what else the kind knows, as a JSON object; nil for nothing.
	Detail json.RawMessage
}

// ChildKeys is what the idempotency keys of runs that runs start begin with; a caller's own may not.
const ChildKeys = "job.run/"

// NewRun is a run to be submitted.
type NewRun struct {
	ID       string // see [job.NewRunID]
	Team     string
	Job      string
	Version  int
	Input    json.RawMessage // defaults applied; kept byte by byte
	Trigger  Trigger
	Labels   map[string]string
	Priority int // 1 first … 5 last; 0 is 3
	// IdempotencyKey is unique in the team; "" makes a run of every submit.
	IdempotencyKey string
	// RequestHash is of the request's route and body: the same key with another hash is refused.
	RequestHash string
	// Vars are the team's variables that the job names, as a JSON object kept byte by byte; nil for none.
	Vars json.RawMessage
	// Started keeps the run from [Store.Unstarted]: who submits it starts its workflow.
	Started bool
}

// Run is one execution of a version. Times are UTC, the zero time is "not yet".
type Run struct {
	ID       string
	Team     string
	Job      string
	Version  int
	Status   job.Status
	Rev      int64
	Trigger  Trigger
	Labels   map[string]string
	Priority int
	Input    json.RawMessage // nil in lists
	Vars     json.RawMessage // nil in lists, and where the job names none
	// Output is nil where there is none, it is elsewhere (OutputKey), or in lists.
	Output json.RawMessage
	// OutputKey is the output's object, where it is too large to be inline; "" in lists.
	OutputKey string
	Error     *job.Failure
	// Cleanup says how compensations and `finally` went: succeeded or failed, "" where there was nothing to do.
	Cleanup job.Status
	// IdempotencyKey and RequestHash are "" in lists.
	IdempotencyKey string
	RequestHash    string
	// WorkflowStartedAt is zero while the run only is a row: the sweep starts its workflow.
	WorkflowStartedAt time.Time
	CreatedAt         time.Time
	StartedAt         time.Time
	EndedAt           time.Time
}

// Step is the state of one step of a run.
type Step struct {
	Run        string
	ID         string
	Team       string
	Position   int // in the file, from 0
	Status     job.Status
	Reason     job.Reason
	Attempts   int
	Output     json.RawMessage // nil in lists, and where OutputKey names its object
	OutputKey  string          // "" in lists
	Error      *job.Failure
	LogKey     string // the log object of its last execution
	LogRecords int
	LogSHA256  string
	Items      *ItemCounts // nil: the step has none
	Rev        int64
	StartedAt  time.Time
	EndedAt    time.Time
}

// ItemCounts are how the items of a step stand.
type ItemCounts struct{ Total, Succeeded, Failed int }

func toRun(row db.Run) (Run, error) {
	run, err := toListedRun(db.ListRunsRow{
		ID: row.ID, Team: row.Team, Job: row.Job, Version: row.Version, Status: row.Status, Rev: row.Rev,
		TriggerKind: row.TriggerKind, TriggerBy: row.TriggerBy, TriggerDetail: row.TriggerDetail,
		Labels: row.Labels, Priority: row.Priority, Error: row.Error, Cleanup: row.Cleanup, WorkflowStartedAt: row.WorkflowStartedAt,
		CreatedAt: row.CreatedAt, StartedAt: row.StartedAt, EndedAt: row.EndedAt,
	})
	run.Input, run.Vars, run.Output, run.OutputKey = row.Input, row.Vars, row.Output, value(row.OutputKey)
	run.IdempotencyKey, run.RequestHash = value(row.IdempotencyKey), value(row.RequestHash)
	return run, err
}

func toListedRun(row db.ListRunsRow) (Run, error) {
	labels, err := decodeLabels(row.Labels)
	if err != nil {
		return Run{}, err
	}
	failure, err := decodeFailure(row.Error)
	return Run{
		ID: row.ID, Team: row.Team, Job: row.Job, Version: int(row.Version),
		Status: job.Status(row.Status), Rev: row.Rev,
		Trigger: Trigger{Kind: row.TriggerKind, By: row.TriggerBy, Detail: row.TriggerDetail},
		Labels:  labels, Priority: int(row.Priority), Error: failure, Cleanup: job.Status(value(row.Cleanup)),
		WorkflowStartedAt: instant(row.WorkflowStartedAt), CreatedAt: row.CreatedAt.UTC(),
		StartedAt: instant(row.StartedAt), EndedAt: instant(row.EndedAt),
	}, err
}

// toRuns converts rows of any query that has a list's columns.
func toRuns[R any](rows []R, convert func(R) (Run, error)) ([]Run, error) {
	runs := make([]Run, len(rows))
	for i, row := range rows {
		run, err := convert(row)
		if err != nil {
			return nil, err
		}
		runs[i] = run
	}
	return runs, nil
}

func toStep(row db.Step) (Step, error) {
	failure, err := decodeFailure(row.Error)
	return Step{
		Run: row.Run, ID: row.Step, Team: row.Team, Position: int(row.Position),
		Status: job.Status(row.Status), Reason: job.Reason(value(row.Reason)), Attempts: int(row.Attempts),
		Output: row.Output, OutputKey: value(row.OutputKey), Error: failure,
		LogKey: value(row.LogKey), LogRecords: int(row.LogRecords), LogSHA256: value(row.LogSha256),
		Items: itemCounts(row.ItemsTotal, row.ItemsSucceeded, row.ItemsFailed),
		Rev:   row.Rev, StartedAt: instant(row.StartedAt), EndedAt: instant(row.EndedAt),
	}, err
}

func itemCounts(total, succeeded, failed *int32) *ItemCounts {
	if total == nil {
		return nil
	}
	return &ItemCounts{Total: int(*total), Succeeded: int(value(succeeded)), Failed: int(value(failed))}
}
