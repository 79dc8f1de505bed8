// Package workflows orders what a run does: which steps are ready, and with
// which options their activities are called. It is deterministic and does
// nothing itself.
//
// A run's workflow goes through these states:
//
//	running ──▶ ending ──▶ recorded ──▶ told
//	   │ steps start as their needs are satisfied
//	   └─ cancel, timeout, a step that failed with nothing left to do
package workflows

import (
	"encoding/json"
	"strconv"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
)

// The names of the workflow types. They stand in histories for ever.
const (
	TypeRun    = "Run"
	TypeNotify = "Notify"
	TypeUpkeep = "Upkeep"
)

// The names of the updates that a run takes from outside. A second call with the
// same update ID gets the answer of the first.
const (
	// UpdateDecide decides an approval: [Decision] → [activities.ApprovalRecord].
	UpdateDecide = "decide"
	// UpdateCallback brings a callback: [Callback] → nothing.
	UpdateCallback = "callback"
)

// Decision is a person's word on an approval.
type Decision struct {
	Step string `json:"step"`
	// Item is the key of the item, "" where there is none.
	Item     string `json:"item,omitempty"`
	Approved bool   `json:"approved"`
	Comment  string `json:"comment,omitempty"`
	// By is the caller's subject, Email and Groups what else the caller is known by.
	By     string   `json:"by"`
	Email  string   `json:"email,omitempty"`
	Groups []string `json:"groups,omitempty"`
}

// Callback is what was posted to a step's signed URL.
type Callback struct {
	Step string          `json:"step"`
	Item string          `json:"item,omitempty"`
	Body json.RawMessage `json:"body"`
}

// The types of the application errors that an update is refused with.
const (
	RefusedUnknown   = "not_found" // no such step or item, or it is no approval or callback
	RefusedForbidden = "forbidden" // not among those who may decide
	RefusedDecided   = "conflict"  // there is another decision or body already
	RefusedEarly     = "early"     // the approval is not asked for yet
	RefusedLate      = "gone"      // the step, or the run, is over
)

// UpkeepID is the workflow ID of the one Upkeep of a namespace.
const UpkeepID = "upkeep"

// RunInput is the input of Run. Everything a run depends on is in it: nothing is read again later.
type RunInput struct {
	Run activities.Run `json:"run"`
	// Definition is the canonical form of the job's version.
	Definition json.RawMessage `json:"definition"`
	// Input was checked against the definition's schema.
	Input json.RawMessage `json:"input"`
	// Trigger is what started the run: "api", or "job" for another run.
	Trigger string `json:"trigger"`
	// Vars are the team variables that the job names, as they were at submit; nil: none.
	Vars json.RawMessage `json:"vars,omitempty"`
	// Silent keeps the run's end from being told.
	Silent bool `json:"silent,omitempty"`
	// Priority is 1 (first) to 5 (last); 0 means 3.
	Priority int `json:"priority,omitempty"`
	// RecordPause is the least time between two records of the run's progress,
	// and until the first: a burst of short steps is one record, and nobody sees
	// a step's state later than that. 0, as runs of earlier builds have it, is none.
	RecordPause time.Duration `json:"recordPause,omitempty"`
}

// RunResult is what Run returns when the run succeeded.
type RunResult struct {
	Status job.Status      `json:"status"`
	Output json.RawMessage `json:"output,omitempty"`
}

// RunID is the workflow ID of a run. The team is in it because the payload
// codec and the operators see no more of a workflow than its ID and type.
func RunID(team, run string) string { return "run/" + team + "/" + run }

// NotifyID is the workflow ID of the Notify of a run's end.
func NotifyID(team, run string) string { return "notify/" + team + "/" + run }

var (
	attributeTeam    = temporal.NewSearchAttributeKeyKeyword("FairleadTeam")
	attributeJob     = temporal.NewSearchAttributeKeyKeyword("FairleadJob")
	attributeTrigger = temporal.NewSearchAttributeKeyKeyword("FairleadTrigger")
	attributeVersion = temporal.NewSearchAttributeKeyKeyword("FairleadVersion")
)

// StartOptions are the options that a run's workflow is started with. A second
// start of the same run finds the first one, running or ended.
func StartOptions(in RunInput) client.StartWorkflowOptions {
	version := strconv.Itoa(in.Run.Version)
	return client.StartWorkflowOptions{
		ID:                       RunID(in.Run.Team, in.Run.ID),
		TaskQueue:                activities.QueueRuns,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		Priority:                 priority(in),
		StaticSummary:            in.Run.Job + " v" + version,
		TypedSearchAttributes: temporal.NewSearchAttributes(
			attributeTeam.ValueSet(in.Run.Team),
			attributeJob.ValueSet(in.Run.Job),
			attributeTrigger.ValueSet(in.Trigger),
			attributeVersion.ValueSet(version),
		),
	}
}

// priority orders a team's work by the run's priority and shares the slots fairly between teams.
func priority(in RunInput) temporal.Priority {
	return temporal.Priority{PriorityKey: in.Priority, FairnessKey: in.Run.Team}
}

// How long the parts of a run that aren't the job's own may take.
const (
	heartbeatTimeout = 30 * time.Second
	// attemptGrace is how much later than its own timeout an attempt is given
	// up: the activity ends by itself first, so that its log says why.
	attemptGrace  = 15 * time.Second
	recordTimeout = 10 * time.Second
	// recordRetryMax is the longest pause between two tries to write a row.
	recordRetryMax = 10 * time.Second
)

// callTimeout bounds one attempt of a step's call. That of job.run only keeps a
// run: the step's own timeout is the run's.
func callTimeout(step *job.Step) time.Duration {
	if step.Timeout == 0 || step.Uses == activities.JobRun {
		return job.DefaultStepTimeout.Std()
	}
	return step.Timeout.Std()
}

// stepOptions are the options of a step's activity, before which that many
// attempts were used up. A poll's calls are counted by its activity, since only
// those that failed are attempts.
func stepOptions(step *job.Step, before int) workflow.ActivityOptions {
	attempts := int32(max(step.Retry.Attempts-before, 1)) //nolint:gosec // bounded by the job file's schema
	if step.Poll != nil {
		attempts = 0
	}
	return workflow.ActivityOptions{
		StartToCloseTimeout: callTimeout(step) + attemptGrace,
		HeartbeatTimeout:    heartbeatTimeout,
		WaitForCancellation: true,
		Summary:             step.ID,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:    step.Retry.Initial.Std(),
			BackoffCoefficient: step.Retry.Factor,
			MaximumInterval:    step.Retry.Max.Std(),
			MaximumAttempts:    attempts,
		},
	}
}

// recordOnce tries to write the row at once, in the worker that has the workflow.
func recordOnce() workflow.LocalActivityOptions {
	return workflow.LocalActivityOptions{
		ScheduleToCloseTimeout: recordTimeout,
		RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: 1},
	}
}

// recordUntilDone tries until the row is written: a run doesn't end unrecorded.
func recordUntilDone() workflow.ActivityOptions {
	return workflow.ActivityOptions{
		StartToCloseTimeout: recordTimeout,
		Summary:             "record",
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: recordRetryMax},
	}
}
