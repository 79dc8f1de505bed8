package activities

import (
	"encoding/json"
	"time"

	"github.com/fairlead/fairlead/internal/job"
)

// RunRecord is the input of [Record]: what a run has come to.
type RunRecord struct {
	Run Run `json:"run"`
	// Rev grows with every record of a run; a row never changes for a smaller one.
	Rev    int64      `json:"rev"`
	Status job.Status `json:"status"`
	// StartedAt and EndedAt are zero until it happened.
	StartedAt time.Time `json:"startedAt,omitzero"`
	EndedAt   time.Time `json:"endedAt,omitzero"`
	// Output is the run's, nil unless it succeeded and has one.
	Output json.RawMessage `json:"output,omitempty"`
	Error  *job.Failure    `json:"error,omitempty"`
	// Cleanup says how the compensations and `finally` went: "", succeeded or failed.
	Cleanup job.Status `json:"cleanup,omitempty"`
	// Steps, Items and Approvals are those that changed since the record before.
	Steps     []StepRecord     `json:"steps,omitempty"`
	Items     []ItemRecord     `json:"items,omitempty"`
	Approvals []ApprovalRecord `json:"approvals,omitempty"`
}

// Recorded is the result of [Record]: what the row says now. A run that was
// ended before, in another way, keeps its end: the workflow then adopts it.
type Recorded struct {
	Status job.Status   `json:"status"`
	Error  *job.Failure `json:"error,omitempty"`
}

// StepRecord is one step's state.
type StepRecord struct {
	ID string `json:"id"`
	// Position is the step's place in the file, from 0: a group before its steps,
	// `finally` after all, compensations last.
	Position int `json:"position"`
	// Items counts the items of a step that has a `foreach`, or is inside a group
	// that has one; nil for others.
	Items     *ItemCounts     `json:"items,omitempty"`
	Status    job.Status      `json:"status"`
	Reason    job.Reason      `json:"reason,omitempty"`
	Attempts  int             `json:"attempts"`
	Output    json.RawMessage `json:"output,omitempty"`
	Error     *job.Failure    `json:"error,omitempty"`
	Log       Log             `json:"log,omitzero"`
	StartedAt time.Time       `json:"startedAt,omitzero"`
	EndedAt   time.Time       `json:"endedAt,omitzero"`
}

// ItemCounts are how the items of a step stand.
type ItemCounts struct {
	Total     int `json:"total"`
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
}

// ItemRecord is the state of one item of a step.
type ItemRecord struct {
	Step string `json:"step"`
	Key  string `json:"key"`
	// Index is the item's place in the list, from 0.
	Index     int          `json:"index"`
	Status    job.Status   `json:"status"`
	Reason    job.Reason   `json:"reason,omitempty"`
	Attempts  int          `json:"attempts"`
	Error     *job.Failure `json:"error,omitempty"`
	Log       Log          `json:"log,omitzero"`
	StartedAt time.Time    `json:"startedAt,omitzero"`
	EndedAt   time.Time    `json:"endedAt,omitzero"`
}

// The states of an approval.
const (
	ApprovalPending  = "pending"
	ApprovalApproved = "approved"
	ApprovalRejected = "rejected"
	ApprovalTimedOut = "timed_out"
	ApprovalCanceled = "canceled"
)

// ApprovalRecord is a decision that a run waits for, or was given.
type ApprovalRecord struct {
	Step string `json:"step"`
	// Item is the key of the item, "" where there is none.
	Item string `json:"item,omitempty"`
	// By are those who may decide; none: everybody with the role.
	By          []string  `json:"by,omitempty"`
	Message     string    `json:"message,omitempty"`
	Status      string    `json:"status"`
	RequestedAt time.Time `json:"requestedAt"`
	ExpiresAt   time.Time `json:"expiresAt"`
	// DecidedBy, DecidedAt and Comment are zero until somebody decided.
	DecidedBy string    `json:"decidedBy,omitempty"`
	DecidedAt time.Time `json:"decidedAt,omitzero"`
	Comment   string    `json:"comment,omitempty"`
}

// Ending is the input of the Notify workflow and of [PrepareNotifications]: how a run ended.
type Ending struct {
	Run    Run          `json:"run"`
	Status job.Status   `json:"status"`
	Error  *job.Failure `json:"error,omitempty"`
	// Cleanup says how the compensations and `finally` went: "", succeeded or failed.
	Cleanup   job.Status `json:"cleanup,omitempty"`
	StartedAt time.Time  `json:"startedAt,omitzero"`
	EndedAt   time.Time  `json:"endedAt"`
	// Rules are the job's `notify` as published.
	Rules []job.NotifyRule `json:"rules"`
}

// Deliveries is the result of [PrepareNotifications].
type Deliveries struct {
	IDs []string `json:"ids"`
}

// Delivery is the input of [SendNotification].
type Delivery struct {
	ID string `json:"id"`
}

// Swept is how many things a sweep moved on.
type Swept struct {
	Count int `json:"count"`
}

// Lost is the result of [FindLost].
type Lost struct {
	Runs []LostRun `json:"runs,omitempty"`
}

// LostRun is an open run whose workflow is gone.
type LostRun struct {
	// Record ends the run: status failed, code terminated_outside, a rev greater
	// than the row's, its open steps canceled.
	Record RunRecord `json:"record"`
	// Rules are the job's `notify`.
	Rules []job.NotifyRule `json:"rules,omitempty"`
}
